// The best value so far, trial by trial. Pure.

import { ordered, ranksOf } from '../data/ranks';
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
  const made: Steps = { rows: [], x: [], y: [] };
  let best = NaN;
  for (const row of ordered(x)) {
    if (!Number.isFinite(x[row]) || !Number.isFinite(y[row]) || !counts(row)) continue;
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
  const { ranks, n } = ranksOf(y);
  const last = Math.max(1, n - 1);
  return Float64Array.from(ranks, (rank) => (rank < 0 ? NaN : direction === 'maximize' ? rank / last : 1 - rank / last));
}
