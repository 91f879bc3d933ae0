// Takes pictures of the page: `node test/look.mjs ADDRESS FOLDER NAME:HASH... [--dark] [--phone]`. Tells what the console said.

import { chromium } from 'playwright-core';

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const [address, folder, ...views] = words;
const flags = new Set(process.argv.slice(2).filter((word) => word.startsWith('--')));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const viewport = flags.has('--phone') ? { width: 390, height: 844 } : { width: 1440, height: 900 };
const context = await browser.newContext({ viewport, colorScheme: flags.has('--dark') ? 'dark' : 'light', deviceScaleFactor: 1 });
const page = await context.newPage();
page.on('console', (message) => ['error', 'warning'].includes(message.type()) && console.log(message.type(), message.text()));
page.on('pageerror', (error) => console.log('PAGE ERROR', error.message, error.stack?.slice(0, 400)));
await page.goto(address);
for (const view of views) {
  const [name, hash] = view.split(/:(.*)/s);
  await page.evaluate((to) => (location.hash = to), hash);
  await page.waitForTimeout(Number(process.env.WAIT ?? 900));
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: flags.has('--full') });
}
await browser.close();
