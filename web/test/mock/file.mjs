// Writes the built page with the made-up search inside as one file: `node test/mock/file.mjs OUT [TRIALS] [GOALS]`.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeData } from './data.mjs';

const page = join(dirname(fileURLToPath(import.meta.url)), '../../../src/luthier/web/page');
const [out, trials = '160', goals = '1'] = process.argv.slice(2);
const assets = readdirSync(join(page, 'assets'));
const read = (end) => readFileSync(join(page, 'assets', assets.find((name) => name.endsWith(end))), 'utf8');
const data = JSON.stringify(makeData(Number(trials), { goals: Number(goals), mayControl: process.argv[5] === 'control' })).replaceAll('<', '\\u003c');
writeFileSync(out, `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>luthier</title>
<link rel="icon" href="data:,"><style>${read('.css')}</style></head><body><div id="page"></div>
<script type="application/json" id="luthier-data">${data}</script>
<script type="module">${read('.js').replaceAll('</script', '<\\/script')}</script></body></html>`);
