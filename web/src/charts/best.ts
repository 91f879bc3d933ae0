// The best value so far, trial by trial. Pure.

import type { Direction } from '../data/wire';

export function isBetter(a: number, b: number, direction: Direction): boolean {
  return direction === 'maximize' ? a > b : a < b;
}

export interface Steps {
  rows: number[]; // those that were better than all before them
  x: number[];
  y: number[];
}

/** Where the best changes, in the order of `x`. `counts` says which rows may be the best. */
export function bestSoFar(x: ArrayLike<number>, y: ArrayLike<number>, direction: Direction, counts: (row: number) => boolean): Steps {
  const order: number[] = [];
  for (let row = 0; row < y.length; row++) if (Number.isFinite(y[row]) && Number.isFinite(x[row]) && counts(row)) order.push(row);
  order.sort((a, b) => x[a] - x[b]);
  const made: Steps = { rows: [], x: [], y: [] };
  let best = NaN;
  for (const row of order) {
    if (!Number.isNaN(best) && !isBetter(y[row], best, direction)) continue;
    best = y[row];
    made.rows.push(row);
    made.x.push(x[row]);
    made.y.push(best);
  }
  return made;
}

/** For each row how good it is, from 0 (worst) to 1 (best) by rank, NaN where it has no value. Ranks stand outliers. */
export function goodness(y: ArrayLike<number>, direction: Direction): Float64Array {
  const order: number[] = [];
  for (let row = 0; row < y.length; row++) if (!Number.isNaN(y[row])) order.push(row);
  order.sort((a, b) => y[a] - y[b]);
  const made = new Float64Array(y.length).fill(NaN);
  const last = Math.max(1, order.length - 1);
  order.forEach((row, k) => (made[row] = direction === 'maximize' ? k / last : 1 - k / last));
  return made;
}
