// Copies and downloads: a table as CSV, a picture as PNG or SVG.

import { say } from './toasts';

export function download(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name.replace(/[^\w.-]+/g, '-');
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function saveText(name: string, text: string, type: string): void {
  download(name, new Blob([text], { type }));
}

/** Copies a text; where the page may not (no HTTPS, an old browser) a person is told instead of left guessing. */
export async function copyText(text: string, what = 'Copied'): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what}.`);
  } catch {
    if (copyTheOldWay(text)) say(`${what}.`);
    else say('This browser does not let the page copy. Select the text and copy it by hand.', 'bad');
  }
}

function copyTheOldWay(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'unseen';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  return done;
}
