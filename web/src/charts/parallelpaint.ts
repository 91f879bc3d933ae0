// How parallel coordinates are painted: a line for each trial, the best ones last and in the strongest colour, then the axes
// over them, and over these the brushes. In slices of a frame where there are very many.

import type { Look } from '../state/theme';
import type { Goodness } from './best';
import { BOTTOM, placeOn, scaleOf, TOP, xOf, type Axis, type Place } from './parallelaxes';
import type { Pen } from './pen';
import type { Scale } from './scale';

export const MOST = 6_000; // lines; of more the best and others evenly chosen are drawn, and it is said
const A_SLICE = 250;
const LONGEST_TICK = 14; // letters

interface Placed {
  x: number;
  scale: Scale;
  axis: Axis;
}

/** Of rows from worse to better: all, or the best tenth of what is drawn and others evenly chosen. */
function chosenLines(rows: number[]): number[] {
  if (rows.length <= MOST) return rows;
  const best = Math.floor(MOST / 10);
  const rest = rows.length - best;
  const every = rest / (MOST - best);
  return [...Array.from({ length: MOST - best }, (_none, k) => rows[Math.floor(k * every)]), ...rows.slice(rest)];
}

export function* paintLines(pen: Pen, look: Look, all: Axis[], mask: Uint8Array, { rank, order }: Goodness, place: Place): Generator<void> {
  const axes = all.map((axis, k) => ({ axis, x: xOf(all, k, place), scale: scaleOf(axis, place) }));
  const [outside, inside]: number[][] = [[], []];
  for (let k = 0; k < order.length; k++) (mask[order[k]] ? inside : outside).push(order[k]);
  const colourOf = (row: number) => (Number.isNaN(rank[row]) ? look.failed : look.ramp[Math.min(9, Math.floor(rank[row] * 10))]);
  const alpha = inside.length > 3000 ? 0.16 : inside.length > 500 ? 0.35 : 0.65;
  yield* paintGroup(pen, axes, chosenLines(outside), () => look.faint, Math.min(0.12, 60 / outside.length), place.height);
  yield* paintGroup(pen, axes, chosenLines(inside), colourOf, alpha, place.height);
  pen.globalAlpha = 1;
  for (const one of axes) paintAxis(pen, look, one, place.height);
}

/** Neighbours of one colour are one path: far fewer strokes, and the best lie on top. */
function* paintGroup(pen: Pen, axes: Placed[], rows: number[], colourOf: (row: number) => string, alpha: number, height: number): Generator<void> {
  let lines = 0;
  for (let start = 0; start < rows.length; ) {
    const begun = start;
    const colour = colourOf(rows[start]);
    let end = start;
    pen.beginPath();
    for (; end < rows.length && end - start < A_SLICE && colourOf(rows[end]) === colour; end++) {
      axes.forEach(({ x, scale, axis }, k) => traceTo(pen, x, placeOn(scale, axis.values[rows[end]], height), k));
    }
    start = end;
    pen.strokeStyle = colour;
    pen.globalAlpha = alpha;
    pen.lineWidth = 1.2;
    pen.stroke();
    if ((lines += end - begun) < A_SLICE) continue;
    lines = 0;
    yield;
  }
}

function traceTo(pen: Pen, x: number, y: number, k: number): void {
  if (k) pen.lineTo(x, y);
  else pen.moveTo(x, y);
}

function paintAxis(pen: Pen, look: Look, { x, scale, axis }: Placed, height: number): void {
  pen.strokeStyle = look.soft;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x, TOP);
  pen.lineTo(x, height - BOTTOM);
  pen.font = `10.5px ${look.font}`;
  pen.textBaseline = 'middle';
  pen.textAlign = 'left';
  for (const { at, text } of scale.ticks) {
    const y = scale.to(at);
    pen.moveTo(x - 3, y);
    pen.lineTo(x + 3, y);
    const shown = text.length > LONGEST_TICK ? `${text.slice(0, LONGEST_TICK - 1)}…` : text;
    pen.globalAlpha = 0.75;
    pen.fillStyle = look.raised;
    pen.fillRect(x + 5, y - 7, pen.measureText(shown).width + 3, 14);
    pen.globalAlpha = 1;
    pen.fillStyle = look.ink;
    pen.fillText(shown, x + 6, y);
  }
  pen.stroke();
  if (axis.values.some(Number.isNaN)) {
    pen.fillStyle = look.soft;
    pen.fillText('not set', x + 6, height - 9);
  }
}

/** One line over all others. */
export function paintLine(pen: Pen, look: Look, axes: Axis[], row: number, place: Place): void {
  pen.strokeStyle = look.ink;
  pen.lineWidth = 2.2;
  pen.beginPath();
  axes.forEach((axis, k) => traceTo(pen, xOf(axes, k, place), placeOn(scaleOf(axis, place), axis.values[row], place.height), k));
  pen.stroke();
}

export function paintBrush(pen: Pen, look: Look, x: number, range: [number, number] | null): void {
  if (!range) return;
  const tall = Math.max(2, range[1] - range[0]);
  pen.globalAlpha = 0.25;
  pen.fillStyle = look.result;
  pen.fillRect(x - 8, range[0], 16, tall);
  pen.globalAlpha = 1;
  pen.strokeStyle = look.result;
  pen.lineWidth = 1.2;
  pen.strokeRect(x - 8, range[0], 16, tall);
}

/** The line nearest to a pixel between the two axes around it; -1 where none is near. */
export function nearestLine(axes: Axis[], mask: Uint8Array, x: number, y: number, place: Place, reach: number): number {
  if (axes.length < 2) return -1;
  const gap = xOf(axes, 1, place) - xOf(axes, 0, place);
  const k = Math.min(axes.length - 2, Math.max(0, Math.floor((x - xOf(axes, 0, place)) / gap)));
  const share = (x - xOf(axes, k, place)) / gap;
  if (share < -0.2 || share > 1.2) return -1;
  const [left, right] = [scaleOf(axes[k], place), scaleOf(axes[k + 1], place)];
  let [found, distance] = [-1, reach];
  for (let row = 0; row < mask.length; row++) {
    if (!mask[row]) continue;
    const a = placeOn(left, axes[k].values[row], place.height);
    const b = placeOn(right, axes[k + 1].values[row], place.height);
    const d = Math.abs(a + (b - a) * share - y);
    if (d < distance) [found, distance] = [row, d];
  }
  return found;
}
