// The best value so far, trial by trial. Pure.

import { ordered, ranksOf } from '../data/ranks';
import type { Trials } from '../data/trials';
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
    if (!Number.isFinite(x[row]) || !Number.isFinite(y[row])) continue;
    if (!Number.isNaN(best) && !isBetter(y[row], best, direction)) continue;
    if (!counts(row)) continue;
    best = y[row];
    made.rows.push(row);
    made.x.push(x[row]);
    made.y.push(best);
  }
  return made;
}

export interface Goodness {
  rank: Float64Array; // of each row, as `goodness` says
  order: Uint32Array; // rows from worse to better, those without a value first
}

/** How good each trial's value of a goal is, kept until one changes. */
export function goodnessOf(held: Trials, name: string, direction: Direction): Goodness {
  const column = held.column(`objective:${name}`);
  if (!column) return { rank: new Float64Array(held.n).fill(NaN), order: held.everyRow() };
  return column.kept(`goodness ${direction}`, () => {
    const ascending = column.ascending();
    const rank = goodness(column.numbers(), direction, ascending);
    let n = ascending.length;
    while (n > 0 && Number.isNaN(rank[ascending[n - 1]])) n--;
    const [known, missing] = [ascending.slice(0, n), ascending.subarray(n)];
    const order = new Uint32Array(ascending.length);
    order.set(missing);
    order.set(direction === 'maximize' ? known : known.reverse(), missing.length);
    return { rank, order };
  });
}

/** For each row how good it is, from 0 (worst) to 1 (best) by rank, NaN where it has no value. Ranks stand outliers. */
export function goodness(y: ArrayLike<number>, direction: Direction, ascending?: Uint32Array): Float64Array {
  const { ranks, n } = ranksOf(y, ascending);
  const last = Math.max(1, n - 1);
  return Float64Array.from(ranks, (rank) => (rank < 0 ? NaN : direction === 'maximize' ? rank / last : 1 - rank / last));
}
