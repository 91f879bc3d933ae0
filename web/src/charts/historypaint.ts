// How the history is painted: a mark for every trial by what became of it, those without a value along the bottom, and the
// line of the best so far with its value.

import { trials } from '../data/opened';
import type { Look } from '../state/theme';
import { short } from '../text';
import type { Area } from './axes';
import { grouped, MANY, OUTSIDE, paintCrowd } from './crowd';
import { cross, dot, wedge, type Pen } from './pen';
import { markOf } from './standing';

export interface Past {
  x: Float64Array;
  y: Float64Array;
  best: { x: number[]; y: number[] };
}

const BOTTOM = 5; // pixels above the axis, for what has no value

/** Where a trial stands: at its value, or along the bottom. */
export function heightOf(area: Area, value: number): number {
  const y = area.y.to(value);
  return Number.isNaN(y) ? area.bottom - BOTTOM : y;
}

export function* paintHistory(pen: Pen, area: Area, look: Look, past: Past, mask: Uint8Array, direction: string): Generator<void> {
  const groups = grouped(trials.peek(), mask);
  // What the filter leaves out lies below the rest.
  const order = [...groups.keys()].sort((a) => (a === OUTSIDE ? -1 : 1));
  for (const key of order) {
    const rows = groups.get(key)!;
    if (rows.length > MANY) {
      pen.globalAlpha = key === OUTSIDE ? 0.35 : 0.9;
      pen.fillStyle = key === OUTSIDE ? look.faint : markOf(key).colour(look);
      paintCrowd(pen, area, rows, past.x, past.y, true);
      yield;
    } else paintMarks(pen, area, look, key, rows, past);
  }
  pen.globalAlpha = 1;
  if (past.best.y.length) paintBest(pen, area, look, past.best, direction);
}

function paintMarks(pen: Pen, area: Area, look: Look, key: string, rows: Uint32Array, { x, y }: Past): void {
  const { shape, colour } = markOf(key);
  const n = y.length;
  const radius = n > 3000 ? 1.6 : n > 600 ? 2.4 : 3.4;
  pen.beginPath();
  for (const row of rows) {
    const [px, py] = [area.x.to(x[row]), heightOf(area, y[row])];
    if (shape === 'dot' || shape === 'ring') dot(pen, px, py, key === OUTSIDE ? radius * 0.7 : radius);
    else if (shape === 'wedge') wedge(pen, px, py, radius + 0.6);
    else cross(pen, px, py, radius);
  }
  pen.globalAlpha = key === OUTSIDE ? 0.35 : n > 3000 ? 0.6 : 0.85;
  pen.fillStyle = pen.strokeStyle = key === OUTSIDE ? look.faint : colour(look);
  pen.lineWidth = 1.4;
  if (shape === 'dot' || shape === 'wedge') pen.fill();
  else pen.stroke();
}

function paintBest(pen: Pen, area: Area, look: Look, best: Past['best'], direction: string): void {
  pen.strokeStyle = look.best;
  pen.lineWidth = 2;
  pen.beginPath();
  best.y.forEach((value, k) => {
    const [px, py] = [area.x.to(best.x[k]), area.y.to(value)];
    if (k) pen.lineTo(px, area.y.to(best.y[k - 1]));
    if (k) pen.lineTo(px, py);
    else pen.moveTo(px, py);
  });
  const end = area.y.to(best.y[best.y.length - 1]);
  pen.lineTo(area.right, end);
  pen.stroke();
  // On the side where no trial is better, as far as the chart goes.
  const beside = end + (direction === 'minimize' ? 12 : -12);
  paintBestLabel(pen, area, look, short(best.y[best.y.length - 1]), Math.min(area.bottom - 8, Math.max(area.top + 6, beside)));
}

function paintBestLabel(pen: Pen, area: Area, look: Look, text: string, y: number): void {
  pen.font = `600 11.5px ${look.font}`;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  pen.globalAlpha = 0.8;
  pen.fillStyle = look.raised;
  const width = pen.measureText(text).width;
  pen.fillRect(area.right - width - 5, y - 8, width + 5, 16);
  pen.globalAlpha = 1;
  pen.fillStyle = look.best;
  pen.fillText(text, area.right - 2, y);
}
