// The order of the table's rows. Pure: what is missing comes last in either direction, numbers before texts, ties by number.
//
// The ascending order of a column is worked out once and kept until the column changes; a direction and a filter are then one
// walk along it.

import { ordered } from '../data/ranks';
import type { Trials } from '../data/trials';

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
  const { order, keys, n } = ascending(trials, column);
  const rows = new Uint32Array(order.length);
  let at = 0;
  const take = (from: number, to: number) => {
    for (let place = from; place < to; place++) if (mask[order[place]]) rows[at++] = order[place];
  };
  if (!down) take(0, n);
  else {
    // From the last to the first, but each run of equal ones as it stands.
    for (let end = n; end > 0; ) {
      let begin = end - 1;
      while (begin > 0 && keys[order[begin - 1]] === keys[order[begin]]) begin--;
      take(begin, end);
      end = begin;
    }
  }
  take(n, order.length);
  return rows.subarray(0, at);
}

interface Order {
  order: Uint32Array; // rows, ascending; what has no key last
  keys: Float64Array;
  n: number; // how many have a key
}

const standingOrders = new WeakMap<object, Order>();

function ascending(trials: Trials, name: string): Order {
  if (name === 'standing') {
    const worded = trials.standings();
    let known = standingOrders.get(worded);
    if (!known) standingOrders.set(worded, (known = orderOf(trials, ranked(worded.codes, worded.words, 0))));
    return known;
  }
  const column = trials.column(name);
  if (!column) return orderOf(trials, new Float64Array(trials.n).fill(NaN));
  // Ties go by number, which hardly ever changes: an order that was kept for other numbers is no order.
  const numbers = trials.column('number');
  return column.kept(`order ${numbers === column ? '' : numbers?.version}`, () => {
    const codes = column.isText ? column.codes() : null;
    if (codes) return orderOf(trials, withTexts(column.numbers(), codes, column.words.map(String)));
    return orderOf(trials, column.numbers(), () => column.ascending());
  });
}

function orderOf(trials: Trials, keys: Float64Array, ascending = () => ordered(keys)): Order {
  const numbers = trials.numbers('number');
  let isRising = true;
  for (let row = 1; row < numbers.length && isRising; row++) isRising = numbers[row] > numbers[row - 1];
  const order = isRising ? ascending() : byNumber(keys, ordered(numbers));
  let n = order.length;
  while (n > 0 && Number.isNaN(keys[order[n - 1]])) n--;
  return { order, keys, n };
}

function byNumber(keys: Float64Array, rows: Uint32Array): Uint32Array {
  return ordered(Float64Array.from(rows, (row) => keys[row])).map((place) => rows[place]);
}

const ABOVE = 1e308; // texts come after every number, also the infinite ones
const BETWEEN = 1e293;

function withTexts(numbers: Float64Array, codes: ArrayLike<number>, words: string[]): Float64Array {
  const ranks = ranked(codes, words, 1);
  return ranks.map((rank, row) => (Number.isNaN(rank) ? Math.min(numbers[row], ABOVE / 10) : ABOVE + rank * BETWEEN));
}

/** The rank of each row's word; codes below `first` have none. */
function ranked(codes: ArrayLike<number>, words: string[], first: 0 | 1): Float64Array {
  const { compare } = new Intl.Collator();
  const order = words.map((_word, k) => k).sort((a, b) => compare(words[a], words[b]));
  const rankOf = new Float64Array(words.length + first).fill(NaN);
  order.forEach((k, rank) => (rankOf[k + first] = rank));
  return Float64Array.from({ length: codes.length }, (_none, row) => rankOf[codes[row]]);
}
