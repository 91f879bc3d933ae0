// The order of the table's rows. Pure: what is missing comes last in either direction, numbers before texts, ties by number.

import { ordered } from '../data/ranks';
import type { Trials } from '../data/trials';
import { toNumber } from '../data/wire';

export interface Sorting {
  column: string;
  down: boolean;
}

export function parseSorting(text: string | null): Sorting {
  if (!text) return { column: 'number', down: true };
  return text.startsWith('-') ? { column: text.slice(1), down: true } : { column: text, down: false };
}

export function sortingText({ column, down }: Sorting): string {
  return `${down ? '-' : ''}${column}`;
}

/** The rows that pass, in order: what is missing comes last in either direction, equal ones go by number. */
export function sortRows(trials: Trials, mask: Uint8Array, { column, down }: Sorting): Uint32Array {
  const keys = keysOf(trials, column);
  const byNumber = ordered(trials.numbers('number'));
  const passing = byNumber.filter((row) => mask[row]);
  const order = ordered(Float64Array.from(passing, (row) => (down ? -keys[row] : keys[row])));
  return order.map((place) => passing[place]);
}

function keysOf(trials: Trials, column: string): Float64Array {
  if (column !== 'standing' && !trials.isText(column)) return trials.numbers(column);
  const cells = column === 'standing' ? null : trials.cells(column);
  const textOf = (row: number) => (cells ? cells[row] : trials.standing(row));
  const texts = new Set<string>();
  for (let row = 0; row < trials.n; row++) {
    const cell = textOf(row);
    if (typeof cell === 'string') texts.add(cell);
  }
  const ranks = new Map([...texts].sort((a, b) => a.localeCompare(b)).map((text, rank) => [text, rank]));
  const above = 1e300; // texts come after every number
  return Float64Array.from({ length: trials.n }, (_none, row) => {
    const cell = textOf(row);
    return typeof cell === 'string' ? above + ranks.get(cell)! * 1e290 : toNumber(cell);
  });
}
