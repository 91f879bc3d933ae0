// Which trials a filter lets through: one byte a row. Pure; it reads columns and knows no page.

import type { Trials } from '../data/trials';
import { toNumber, type Cell } from '../data/wire';
import type { Clause, Test } from './clauses';

const ALIASES: Record<string, string> = { trial: 'number', id: 'number' };

/** A mask over the rows, and how many are in it. Every row passes where nothing is asked. */
export interface Matched {
  mask: Uint8Array;
  n: number;
}

export function match(trials: Trials, clauses: readonly Clause[]): Matched {
  const mask = new Uint8Array(trials.n).fill(1);
  for (const clause of clauses) narrow(mask, trials, clause);
  let n = 0;
  for (let row = 0; row < mask.length; row++) n += mask[row];
  return { mask, n };
}

function narrow(mask: Uint8Array, trials: Trials, { column, not, test }: Clause): void {
  const passes = tester(trials, ALIASES[column] ?? column, test);
  for (let row = 0; row < mask.length; row++) if (mask[row] && passes(row) === not) mask[row] = 0;
}

function tester(trials: Trials, column: string, test: Test): (row: number) => boolean {
  if (column === '') return wordTester(trials, test.kind === 'word' ? test.text : '');
  if (column === 'state' && test.kind === 'among') {
    // People say `state:failed` and mean the outcome: a finished trial has both.
    const wanted = new Set(test.values.map((value) => value.toLowerCase()));
    const states = trials.cells('state');
    return (row) => wanted.has(trials.standing(row)) || wanted.has(String(states?.[row]));
  }
  const cells = trials.cells(column);
  if (!cells) return () => false;
  switch (test.kind) {
    case 'range': {
      const numbers = trials.numbers(column);
      return (row) => numbers[row] >= test.low && numbers[row] <= test.high;
    }
    case 'among':
      return amongTester(cells, test.values);
    case 'pattern': {
      const pattern = new RegExp(test.source, 'i');
      return (row) => cells[row] !== null && pattern.test(String(cells[row]));
    }
    case 'word':
      return (row) => String(cells[row] ?? '').toLowerCase().includes(test.text);
  }
}

function amongTester(cells: Cell[], values: string[]): (row: number) => boolean {
  const texts = new Set(values);
  const numbers = new Set(values.map((value) => (value.trim() === '' ? NaN : Number(value))).filter((x) => !Number.isNaN(x)));
  const missing = texts.has('none') || texts.has('null');
  return (row) => {
    const cell = cells[row];
    if (cell === null || cell === undefined) return missing;
    return texts.has(String(cell)) || (typeof cell !== 'string' && numbers.has(toNumber(cell)));
  };
}

function wordTester(trials: Trials, word: string): (row: number) => boolean {
  const texts = ['reason', 'worker'].map((name) => trials.cells(name)).filter((cells) => cells !== null);
  const values = trials.names('parameters').map((name) => trials.cells(`parameter:${name}`)!);
  return (row) =>
    String(trials.number(row)) === word ||
    trials.standing(row).includes(word) ||
    [...texts, ...values].some((cells) => typeof cells[row] === 'string' && cells[row].toLowerCase().includes(word));
}
