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
const wire = await context.newCDPSession(page);
const desk = await context.newPage(); // where pictures are looked at; it never sees the dashboard
await page.bringToFront();
const said = [];
page.on('console', (message) => ['error', 'warning'].includes(message.type()) && said.push(message.text()));
page.on('pageerror', (error) => said.push(`${error.message} ${error.stack ?? ''}`.slice(0, 500)));
page.on('dialog', (dialog) => (said.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
await page.addInitScript(() => {
  window.shifted = [];
  window.shift = 0; // the sum that browsers grade pages by
  window.violated = [];
  document.addEventListener('securitypolicyviolation', (event) => window.violated.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
      window.shift += entry.value;
      window.shifted.push(...entry.sources.map(({ node, previousRect: a, currentRect: b }) => `${node?.nodeName} ${node?.className}: ${node?.textContent?.slice(0, 40)} ${a.x} ${a.y} ${a.width} ${a.height} -> ${b.x} ${b.y} ${b.width} ${b.height}`));
    }
  }).observe({ type: 'layout-shift', buffered: true });
});

async function smaller({ png, share }) {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(Math.round(picture.width * share), Math.round(picture.height * share));
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp', quality: 0.6 })).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

// How far two pictures differ, as shares of 1: in their sides, in colour on the whole, and in how many fields of 24 pixels a
// side there is something in the one (ink on its ground) that is not in the other. What a letter looks like says nothing there.
async function unlike({ one, other }) {
  const FIELD = 12; // of a picture that is half as wide as the page
  const INK = 0.045;
  const read = async (webp) => createImageBitmap(await (await fetch(`data:image/webp;base64,${webp}`)).blob());
  const [a, b] = await Promise.all([read(one), read(other)]);
  const [wide, tall] = [Math.floor(a.width / FIELD), Math.floor(a.height / FIELD)];
  const fields = (picture) => {
    const pen = new OffscreenCanvas(a.width, a.height).getContext('2d', { willReadFrequently: true });
    pen.drawImage(picture, 0, 0, a.width, a.height);
    const { data } = pen.getImageData(0, 0, a.width, a.height);
    return Array.from({ length: wide * tall }, (_none, k) => {
      const sums = [0, 0, 0, 0];
      for (let y = 0; y < FIELD; y++) for (let x = 0; x < FIELD; x++) {
        const at = 4 * ((Math.floor(k / wide) * FIELD + y) * a.width + (k % wide) * FIELD + x);
        const light = (data[at] + data[at + 1] + data[at + 2]) / 765;
        for (const i of [0, 1, 2]) sums[i] += data[at + i] / 255;
        sums[3] += light * light;
      }
      const mean = sums.map((sum) => sum / FIELD ** 2);
      return { mean, ink: Math.sqrt(Math.max(0, mean[3] - ((mean[0] + mean[1] + mean[2]) / 3) ** 2)) };
    });
  };
  const [left, right] = [fields(a), fields(b)];
  const inked = left.filter((field) => field.ink > INK).length;
  const changed = left.filter((field, k) => field.ink > INK !== right[k].ink > INK && Math.abs(field.ink - right[k].ink) > INK / 2).length;
  const apart = left.map((field, k) => Math.max(...[0, 1, 2].map((i) => Math.abs(field.mean[i] - right[k].mean[i]))));
  return {
    sides: Math.max(Math.abs(a.height - b.height) / a.height, Math.abs(a.width - b.width) / a.width),
    colour: apart.reduce((sum, each) => sum + each, 0) / apart.length,
    ink: changed / inked,
  };
}

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
  // Fingers on glass: each goes from one place to another, all at once.
  fingers: async ({ ways }) => {
    const at = (share) => ways.map(([from, to], id) => ({ id, x: from[0] + (to[0] - from[0]) * share, y: from[1] + (to[1] - from[1]) * share }));
    const touch = (type, touchPoints) => wire.send('Input.dispatchTouchEvent', { type, touchPoints });
    await touch('touchStart', at(0));
    for (let step = 1; step <= 6; step++) await touch('touchMove', at(step / 6));
    await touch('touchEnd', []);
  },
  // A finger that stays until something holds in the page, or for a moment.
  hold: async ({ selector, until }) => {
    const { x, y, width, height } = await page.locator(selector).first().boundingBox();
    const at = [{ x: x + width / 2, y: y + height / 2 }];
    await wire.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at });
    if (until) await orders.wait({ script: until });
    await wire.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  },
  box: ({ selector }) => page.locator(selector).first().boundingBox(),
  as: async ({ scheme, width, touch }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 860 });
    if (touch) await wire.send('Emulation.setTouchEmulationEnabled', { enabled: true, maxTouchPoints: 2 }); // for good
  },
  // A picture of the page, also of what is below the window, small enough to be kept: half as wide, as WebP. The browser itself makes and reads it.
  picture: async () => {
    const { width, height } = await page.evaluate('({ width: innerWidth, height: document.documentElement.scrollHeight })');
    const clip = { x: 0, y: 0, width, height: Math.min(height, 2400) };
    const png = (await page.screenshot({ fullPage: true, clip, animations: 'disabled', caret: 'hide' })).toString('base64');
    return desk.evaluate(smaller, { png, share: 0.5 });
  },
  unlike: ({ one, other }) => desk.evaluate(unlike, { one, other }),
  download: async ({ selector }) => {
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator(selector).first().click()]);
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  },
  // `colours`: whether to look at them, and at what else; both unless it is said.
  axe: async ({ colours }) => {
    await page.evaluate(`window.axe || (() => { ${axe} })()`);
    const only = colours === true ? ['color-contrast'] : ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'];
    const rules = colours === false ? { 'color-contrast': { enabled: false } } : {};
    const { violations } = await page.evaluate(([runOnly, rules]) => window.axe.run(document, { runOnly, rules }), [only, rules]);
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
