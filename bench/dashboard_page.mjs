// What a person waits for at the dashboard's page, in a real Chromium: `node dashboard_page.mjs CHROMIUM ADDRESS EXPERIMENT WHAT`.
//
// A wait begins with the browser's own event (the key, the press, the move) and ends when the first frame that shows what was
// asked for is painted. Beside it stands the longest time the page was still meanwhile and shortly after. One line of JSON.

import { createRequire } from 'node:module';

const need = createRequire(new URL('../web/package.json', import.meta.url));
const { chromium } = need('playwright-core');
const [path, address, experiment, what] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
const found = {};
const said = [];
page.on('pageerror', (error) => said.push(error.message));
page.on('console', (message) => message.type() === 'error' && said.push(message.text()));

// What looks at each frame would keep a page busy that has nothing to do, so it is only where waits are measured.
if (what !== 'tabs') await page.addInitScript(() => {
  const seen = (window.seen = { at: 0, last: 0, still: 0, painted: {} });
  for (const kind of ['keydown', 'pointerdown', 'pointermove', 'pointerup', 'wheel']) {
    window.addEventListener(kind, (event) => (seen.at ||= kind === seen.kind ? event.timeStamp : 0), { capture: true, passive: true });
  }
  const after = (act) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = act;
    channel.port2.postMessage(0);
  };
  const frame = () => {
    const now = performance.now();
    if (seen.last) seen.still = Math.max(seen.still, now - seen.last);
    seen.last = now;
    for (const [name, holds] of Object.entries(window.awaited ?? {})) {
      if (seen.painted[name] === undefined && holds()) {
        seen.painted[name] = -1;
        after(() => (seen.painted[name] = performance.now()));
      }
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
});

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function painted(name, most = 60_000) {
  for (const end = Date.now() + most; Date.now() < end; await pause(10)) {
    const at = await page.evaluate((one) => window.seen.painted[one], name);
    if (at > 0) return at;
  }
  throw new Error(`${name} was never seen; the page shows ${(await page.evaluate('document.body.innerText')).slice(0, 600)}`);
}

/** Gives an order of `kind` and waits until `holds`, a script, is seen. */
async function wait(name, kind, act, holds) {
  await page.evaluate(([name, kind, holds]) => {
    Object.assign(window.seen, { at: 0, kind, still: 0, last: 0 });
    delete window.seen.painted[name];
    window.before = window.state?.();
    window.awaited = { [name]: window.tests[holds] };
  }, [name, kind, holds]);
  await act();
  const at = await painted(name);
  await pause(400);
  const { began, still } = await page.evaluate(() => ({ began: window.seen.at, still: window.seen.still }));
  (found[name] ??= []).push([at - began, still]);
}

async function prepare() {
  await page.evaluate(() => {
    const text = (selector) => document.querySelector(selector)?.textContent ?? '';
    const drawn = () => [...document.querySelectorAll('.figure canvas')].map((one) => one.dataset.drawn ?? 0).join();
    const first = () => text('.table .body .row');
    const shown = () => text('.table-tools span');
    window.state = () => ({ first: first(), shown: shown(), drawn: drawn(), chosen: text('.row.chosen'), tip: text('.tip'), value: document.querySelector('input[type=search]')?.value });
    window.tests = {
      sorted: () => first() !== window.before.first && first() !== '',
      filtered: () => shown() !== window.before.shown,
      typed: () => document.querySelector('input[type=search]').value !== window.before.value,
      scrolled: () => first() !== window.before.first,
      chosen: () => text('.row.chosen') !== window.before.chosen,
      tip: () => text('.tip') !== '' && text('.tip') !== window.before.tip,
      drawn: () => drawn() !== window.before.drawn,
      table: () => document.querySelector('.table .body .row') !== null && document.querySelectorAll('.figure').length === 0,
      charts: () => drawn() !== window.before.drawn && !/^[0,]*$/.test(drawn()),
      moved: () => window.seen.at > 0,
    };
  });
}

/** Opens the experiment: when its first rows and its charts are seen, after the answer that has them came. */
async function open() {
  await page.goto(address);
  await page.waitForSelector('.line.live');
  await page.evaluate(() => {
    performance.setResourceTimingBufferSize(2000);
    window.awaited = {
      rows: () => document.querySelector('.table .body .row') !== null,
      charts: () => Number(document.querySelector('.figure canvas')?.dataset.drawn ?? 0) > 0,
      all: () => /^Showing/.test(document.querySelector('.table-tools')?.textContent ?? ''),
    };
  });
  const began = await page.evaluate((to) => ((location.hash = to), performance.now()), `#/${experiment}`);
  const at = { rows: await painted('rows'), charts: await painted('charts'), all: await painted('all') };
  const answers = await page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => /\/trials/.test(name)).map(({ responseStart, responseEnd }) => ({ responseStart, responseEnd })));
  Object.assign(found, {
    'rows after their answer': [[at.rows - answers[0].responseEnd, 0]],
    'charts after their answer': [[at.charts - answers[0].responseEnd, 0]],
    'rows after the click': [[at.rows - began, 0]],
    'charts after the click': [[at.charts - began, 0]],
    'all trials after the click': [[at.all - began, 0]],
    'all trials after their answer': [[at.all - answers[answers.length - 1].responseEnd, 0]],
  });
  await pause(2500);
}

async function goTo(view, ready) {
  await page.evaluate((to) => (location.hash = to), `#/${experiment}${view}`);
  await page.waitForSelector(ready);
  await pause(800);
  await prepare();
}

const centre = async (selector, share = 0.5, down = 0.5) => {
  const box = await page.locator(selector).first().boundingBox();
  return [box.x + box.width * share, box.y + box.height * down];
};
const heads = (name) => page.locator('.table .head button', { hasText: name }).first();

async function table() {
  for (const name of ['loss', 'rate', 'optimizer', 'loss', 'trial']) {
    await wait('sort', 'pointerdown', () => heads(name).click(), 'sorted');
    await wait('sort, the other way', 'pointerdown', () => heads(name).click(), 'sorted');
  }
  await page.mouse.move(...(await centre('.table')));
  for (let k = 0; k < 8; k++) await wait('scroll', 'wheel', () => page.mouse.wheel(0, 5000), 'scrolled');
  const rows = await page.locator('.table .body .row').count();
  for (let k = 14; k < Math.min(rows, 20); k++) await wait('choose a row', 'pointerdown', () => page.locator('.table .body .row').nth(k).click({ position: { x: 300, y: 8 }, force: true }), 'chosen');
  await page.keyboard.press('j');
  for (let k = 0; k < 4; k++) await wait('walk (j)', 'keydown', () => page.keyboard.press('j'), 'chosen');
}

async function filter() {
  await page.locator('input[type=search]').focus();
  for (const letter of 'loss:<0.35') await wait('a letter of a filter', 'keydown', () => page.keyboard.type(letter), 'typed');
  await page.keyboard.press('Backspace');
  await pause(400);
  await wait('a filter passes others', 'keydown', () => page.keyboard.type('9'), 'filtered');
  await wait('a filter passes others', 'keydown', () => page.keyboard.type('1'), 'filtered');
  await page.keyboard.type(' optimizer:ada');
  await pause(400);
  await wait('a filter passes others', 'keydown', () => page.keyboard.type('m'), 'filtered');
  await page.keyboard.press('Escape');
  await wait('forget a clause', 'pointerdown', () => page.locator('.chip').first().click(), 'filtered');
  await wait('forget a clause', 'pointerdown', () => page.locator('.chip').first().click(), 'filtered');
}

async function charts() {
  const canvas = '.figure canvas';
  for (let k = 0; k < 5; k++) {
    const to = await centre(canvas, 0.3 + 0.1 * k, 0.5 + 0.05 * (k % 2));
    await wait('hover', 'pointermove', () => page.mouse.move(...to), 'tip');
  }
  for (const [left, right] of [[0.3, 0.6], [0.2, 0.8]]) {
    await page.mouse.move(...(await centre(canvas, left, 0.3)));
    await page.mouse.down();
    await page.mouse.move(...(await centre(canvas, right, 0.6)), { steps: 4 });
    await wait('brush', 'pointerup', () => page.mouse.up(), 'filtered');
    await pause(600);
  }
  await page.keyboard.press('Escape');
  await page.evaluate((to) => (location.hash = to), `#/${experiment}`);
  await pause(800);
}

const TABS = { trials: 2, curves: 3, parameters: 4, timeline: 5, facets: 7, overview: 1 };

async function tabs() {
  for (let round = 0; round < 2; round++) {
    for (const [name, key] of Object.entries(TABS)) {
      await prepare();
      await page.evaluate((one) => (window.tests.open = () => document.querySelector('.tabs a[aria-current=page]')?.textContent.toLowerCase() === one), name);
      await wait(`tab: ${name}`, 'keydown', () => page.keyboard.press(String(key)), 'open');
      await pause(1200);
    }
  }
}

/** Curves: from their answer until all are drawn, drawn anew, moved and zoomed. */
async function curves() {
  await page.goto(address);
  await page.waitForSelector('.line.live');
  await page.evaluate((to) => (location.hash = to), `#/${experiment}/curves`);
  await page.waitForSelector('.figure canvas');
  await pause(1500);
  for (let k = 0; k < 3; k++) {
    await page.evaluate((to) => (location.hash = to), `#/${experiment}/about`);
    await page.waitForSelector('.space');
    await page.evaluate(() => (performance.clearResourceTimings(), delete window.seen.painted.drawn, (window.awaited = { drawn: () => Number(document.querySelector('.figure canvas')?.dataset.drawn ?? 0) > 0 && /curves\./.test(document.querySelector('.figure .foot')?.textContent ?? '') && !/^0 /.test(document.querySelector('.figure .count').textContent) })));
    await page.evaluate((to) => (location.hash = to), `#/${experiment}/curves`);
    const at = await painted('drawn');
    const end = await page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => /curves\?/.test(name)).at(-1).responseEnd);
    (found['curves after their answer'] ??= []).push([at - end, 0]);
  }
  await prepare();
  for (let k = 0; k < 4; k++) await wait('curves drawn anew', 'pointerdown', () => page.getByText('all values').first().click(), 'drawn');
  const canvas = '.figure canvas';
  await page.mouse.move(...(await centre(canvas)));
  await page.mouse.down();
  for (let k = 1; k < 12; k++) {
    const to = await centre(canvas, 0.5 + 0.01 * k, 0.5);
    await wait('curves moved', 'pointermove', () => page.mouse.move(...to), 'moved');
  }
  await page.mouse.up();
  await wait('hover over curves', 'pointermove', async () => page.mouse.move(...(await centre(canvas, 0.4, 0.6))), 'tip');
}

/** Eight tabs of one browser at the newest experiment, until the orders end. */
async function open8() {
  for (let k = 0; k < 8; k++) {
    const tab = k ? await context.newPage() : page;
    // A browser without a screen shows all of its tabs; a person sees one.
    if (k) await tab.addInitScript(() => Object.defineProperty(document, 'hidden', { get: () => true }));
    await tab.goto(k ? address.replace(/\?.*/, '') : address);
    await tab.waitForSelector('.line.live');
  }
  console.log('{"ready":true}');
  // Each goes on to a new experiment as it comes; one of them is in sight, as in a window of tabs.
  let newest = '';
  let isOver = false;
  process.stdin.on('close', () => (isOver = true)).resume();
  while (!isOver) {
    await pause(300);
    const found = await page.evaluate(() => fetch('api/experiments').then((answer) => answer.json()).then(({ experiments }) => experiments[0]?.id ?? ''));
    if (found === newest) continue;
    newest = found;
    for (const tab of context.pages()) await tab.evaluate((to) => (location.hash = to), `#/${newest}`);
  }
}

/** When how many trials were seen to have succeeded, until the orders end. */
async function follow() {
  await page.goto(address);
  await page.waitForSelector('.line.live');
  await page.evaluate((to) => (location.hash = to), `#/${experiment}`);
  await page.waitForSelector('.counts');
  await page.evaluate(() => {
    window.counted = [];
    let last = -1;
    const look = () => {
      const said = [...document.querySelectorAll('.counts li')].find((one) => one.textContent.includes('succeeded'));
      const n = Number(said?.querySelector('b')?.textContent.replace(/\D/g, '') ?? 0);
      if (n !== last) window.counted.push([(last = n), performance.timeOrigin + performance.now()]);
      requestAnimationFrame(look);
    };
    look();
  });
  console.log('{"ready":true}');
  await new Promise((over) => process.stdin.on('close', over).resume());
  found.counted = await page.evaluate(() => window.counted);
}

try {
  if (what === 'tabs') await open8();
  else if (what === 'live') await follow();
  else if (what === 'curves') await curves();
  else {
    await open();
    await goTo('/trials', '.table .body .row');
    await table();
    await filter();
    await goTo('', '.figure canvas');
    await charts();
    await goTo('', '.figure canvas');
    await filter();
    await tabs();
  }
} catch (error) {
  said.push(error.message);
}
console.log(JSON.stringify({ found, said }));
await browser.close();
