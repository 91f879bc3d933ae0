// How long a dashboard's page takes from its address to its first chart, and what travels until then, in a real Chromium that has
// nothing of it yet: `node dashboard_peer.mjs CHROMIUM ADDRESS SELECTOR VISITS [COOKIE]`. The chart is there when SELECTOR is found and
// the frame that has it is painted. One line of JSON.

import { createRequire } from 'node:module';

const need = createRequire(new URL('../web/package.json', import.meta.url));
const { chromium } = need('playwright-core');
const [path, address, selector, visits, cookie] = process.argv.slice(2);
const MOST_MS = 300_000;
const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
const found = { seconds: [], bytes: 0 };

async function visit() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  if (cookie) {
    const [name, ...value] = cookie.split('=');
    await context.addCookies([{ name, value: value.join('='), url: new URL(address).origin }]);
  }
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  let bytes = 0;
  network.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.addInitScript((wanted) => {
    const look = () => {
      if (!document.querySelector(wanted)) return void requestAnimationFrame(look);
      const painted = new MessageChannel();
      painted.port1.onmessage = () => (window.seenAt = performance.now());
      painted.port2.postMessage(0);
    };
    requestAnimationFrame(look);
  }, selector);
  await page.goto(address);
  await page.waitForFunction(() => window.seenAt > 0, null, { timeout: MOST_MS });
  found.seconds.push((await page.evaluate(() => window.seenAt)) / 1e3);
  found.bytes = bytes;
  await context.close();
}

for (let k = 0; k < Number(visits); k++) await visit();
console.log(JSON.stringify(found));
await browser.close();
