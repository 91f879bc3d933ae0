// How the page is built: one script and one style sheet, with relative addresses.
//
// One script, because the static export puts it inside a single file, and a module from disk may not import another.
// Relative addresses, because the page may be served below any path.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../src/luthier/web/page',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    rolldownOptions: { output: { codeSplitting: false } },
  },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
