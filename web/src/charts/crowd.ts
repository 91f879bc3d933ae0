// Very many dots of one colour: too many to draw one by one, and to tell apart. Where more lie on one another it is stronger.
//
// On a canvas they are pixels of a picture that is put there in one go; another pen (a file) is given small squares, and no two
// at one place. Nothing is left out where it could be seen.

import type { Trials } from '../data/trials';
import type { Pen } from './pen';
import type { Area } from './axes';

/** From so many dots on they are a crowd. */
export const MANY = 8_000;
export const OUTSIDE = 'outside the filter';

const SIDE = 2; // pixels
const FAINTEST = 0.55; // of one dot alone; each further one at its place covers as much of the rest

/** The rows by how they stand, those that do not pass together. */
export function grouped(held: Trials, mask: Uint8Array): Map<string, Uint32Array> {
  const { codes, words } = held.standings();
  const counts = new Uint32Array(words.length + 1);
  for (let row = 0; row < mask.length; row++) counts[mask[row] ? codes[row] : words.length]++;
  const made = Array.from(counts, (n) => new Uint32Array(n));
  counts.fill(0);
  for (let row = 0; row < mask.length; row++) {
    const group = mask[row] ? codes[row] : words.length;
    made[group][counts[group]++] = row;
  }
  const found = new Map<string, Uint32Array>();
  made.forEach((rows, group) => {
    if (rows.length) found.set(words[group] ?? OUTSIDE, rows);
  });
  return found;
}

/** Paints the rows' dots in the pen's colour; what has no value lies along the bottom, as `area` has it, where `bottom` says so. */
export function paintCrowd(pen: Pen, area: Area, rows: ArrayLike<number>, x: ArrayLike<number>, y: ArrayLike<number>, bottom = false): void {
  const ratio = 'getTransform' in pen ? (pen as CanvasRenderingContext2D).getTransform().a : 1;
  const [wide, tall] = [Math.ceil((area.right - area.left) * ratio) + SIDE, Math.ceil((area.bottom - area.top) * ratio) + SIDE];
  const counts = new Uint8Array(wide * tall);
  for (let k = 0; k < rows.length; k++) {
    const value = area.y.to(y[rows[k]]);
    const across = Math.round((area.x.to(x[rows[k]]) - area.left) * ratio);
    const down = Math.round(((Number.isNaN(value) && bottom ? area.bottom - 5 : value) - area.top) * ratio);
    if (!(across >= 0 && across < wide && down >= 0 && down < tall)) continue;
    const place = down * wide + across;
    if (counts[place] < 255) counts[place]++;
  }
  if ('getTransform' in pen) putPicture(pen as CanvasRenderingContext2D, area, counts, wide, tall, ratio);
  else for (let place = 0; place < counts.length; place++) {
    if (counts[place]) pen.fillRect(area.left + (place % wide) - 1, area.top + Math.floor(place / wide) - 1, SIDE, SIDE);
  }
}

function putPicture(pen: CanvasRenderingContext2D, area: Area, counts: Uint8Array, wide: number, tall: number, ratio: number): void {
  const picture = new ImageData(wide, tall);
  const pixels = new Uint32Array(picture.data.buffer);
  const side = Math.max(1, Math.round(SIDE * ratio));
  const colour = colourOf(String(pen.fillStyle));
  const strengths = Uint32Array.from({ length: 256 }, (_none, n) => colour | (Math.round(255 * (1 - (1 - FAINTEST) ** n)) << 24));
  // The dots at a place are those of the places above and to the left of it that reach it.
  const sums = new Uint16Array(counts.length);
  for (let k = 0; k < side; k++) for (let place = k; place < counts.length; place++) sums[place] += counts[place - k];
  for (let place = 0; place < counts.length; place++) {
    let n = 0;
    for (let k = 0; k < side && place >= k * wide; k++) n += sums[place - k * wide];
    if (n) pixels[place] = strengths[n > 255 ? 255 : n];
  }
  const sheet = new OffscreenCanvas(wide, tall);
  sheet.getContext('2d')!.putImageData(picture, 0, 0);
  pen.drawImage(sheet, area.left - 1, area.top - 1, wide / ratio, tall / ratio);
}

const colours = new Map<string, number>();

/** Red, green and blue of a colour as a style sheet writes it, in the order of a pixel's bytes. */
function colourOf(text: string): number {
  let known = colours.get(text);
  if (known === undefined) {
    const one = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!;
    one.fillStyle = text;
    one.fillRect(0, 0, 1, 1);
    const [red, green, blue] = one.getImageData(0, 0, 1, 1).data;
    colours.set(text, (known = red | (green << 8) | (blue << 16)));
  }
  return known;
}
