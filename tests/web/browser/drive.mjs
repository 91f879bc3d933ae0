// Drives a real Chromium for the tests: reads one order a line, answers one line of JSON. It judges nothing.
//
// It has no way round the page's content security policy: what it asks is asked over the browser's own channel.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';

const need = createRequire(new URL('../../../web/package.json', import.meta.url));
const { chromium } = need('playwright-core');
const axe = readFileSync(need.resolve('axe-core/axe.min.js'), 'utf8');

const browser = await chromium.launch({ executablePath: process.argv[2], args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' });
const page = await context.newPage();
page.setDefaultTimeout(20_000);
const said = [];
page.on('console', (message) => ['error', 'warning'].includes(message.type()) && said.push(message.text()));
page.on('pageerror', (error) => said.push(`${error.message} ${error.stack ?? ''}`.slice(0, 500)));
page.on('dialog', (dialog) => (said.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
await page.addInitScript(() => {
  window.shifted = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
      window.shifted.push(...entry.sources.map(({ node, previousRect: a, currentRect: b }) => `${node?.nodeName} ${node?.className}: ${node?.textContent?.slice(0, 40)} ${a.x} ${a.y} ${a.width} ${a.height} -> ${b.x} ${b.y} ${b.width} ${b.height}`));
    }
  }).observe({ type: 'layout-shift', buffered: true });
});

const orders = {
  open: ({ address }) => page.goto(address).then(() => null),
  go: ({ hash }) => page.evaluate((to) => void (location.hash = to), hash),
  look: ({ script }) => page.evaluate(script),
  // Not `waitForFunction`: that evaluates text inside the page, which its security policy forbids.
  wait: async ({ script }) => {
    const end = Date.now() + 20_000;
    while (!(await page.evaluate(script))) {
      if (Date.now() > end) throw new Error(`never held; the page shows: ${(await page.evaluate('document.body.innerText')).slice(0, 1500)}`);
      await new Promise((again) => setTimeout(again, 20));
    }
    return null;
  },
  click: ({ selector }) => page.locator(selector).first().click(),
  fill: ({ selector, text }) => page.locator(selector).first().fill(text),
  press: ({ key }) => page.keyboard.press(key),
  drag: async ({ from, to }) => {
    await page.mouse.move(...from);
    await page.mouse.down();
    await page.mouse.move((from[0] + to[0]) / 2, (from[1] + to[1]) / 2);
    await page.mouse.move(...to);
    await page.mouse.up();
  },
  box: ({ selector }) => page.locator(selector).first().boundingBox(),
  as: ({ scheme, width }) => Promise.all([page.emulateMedia({ colorScheme: scheme }), page.setViewportSize({ width, height: 860 })]).then(() => null),
  picture: ({ path }) => page.screenshot({ path }).then(() => null),
  download: async ({ selector }) => {
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator(selector).first().click()]);
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  },
  axe: async () => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] }));
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`);
  },
  said: () => said.splice(0),
};

console.log('{"ready":true}');
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  try {
    console.log(JSON.stringify({ value: (await orders[order.do](order)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message.slice(0, 2000) }));
  }
}
await browser.close();
