// Which trials a filter lets through: one byte a row. Pure; it reads columns and knows no page.
//
// What each clause lets through is kept with its column, so that another letter in one clause, or one clause more, asks no other
// clause again. Of texts each is asked once, not each row.

import type { Column } from '../data/column';
import type { Trials } from '../data/trials';
import { toNumber, type Cell } from '../data/wire';
import { clauseText, type Clause, type Test } from './clauses';

const ALIASES: Record<string, string> = { trial: 'number', id: 'number' };

/** A mask over the rows, and how many are in it. Every row passes where nothing is asked. */
export interface Matched {
  mask: Uint8Array;
  n: number;
}

export function match(trials: Trials, clauses: readonly Clause[]): Matched {
  if (!clauses.length) return { mask: new Uint8Array(trials.n).fill(1), n: trials.n };
  const mask = new Uint8Array(trials.n);
  const masks = clauses.map((clause) => maskOf(trials, clause));
  let n = 0;
  for (let row = 0; row < mask.length; row++) {
    let passes = 1;
    for (let k = 0; k < masks.length; k++) passes &= masks[k][row];
    mask[row] = passes;
    n += passes;
  }
  return { mask, n };
}

function maskOf(trials: Trials, clause: Clause): Uint8Array {
  const name = ALIASES[clause.column] ?? clause.column;
  const { test, not } = clause;
  const make = (fill: (mask: Uint8Array) => void) => {
    const mask = new Uint8Array(trials.n);
    fill(mask);
    if (not) for (let row = 0; row < mask.length; row++) mask[row] ^= 1;
    return mask;
  };
  if (name === '') return make((mask) => fillByWord(mask, trials, test.kind === 'word' ? test.text : ''));
  // People say `state:failed` and mean the outcome: a finished trial has both.
  if (name === 'state' && test.kind === 'among') return make((mask) => fillByState(mask, trials, test.values));
  const column = trials.column(name);
  if (!column) return make(() => undefined);
  return column.kept(`mask ${clauseText(clause)}`, () => make((mask) => fill(mask, column, test)));
}

function fill(mask: Uint8Array, column: Column, test: Test): void {
  switch (test.kind) {
    case 'range': {
      const [numbers, { low, high }] = [column.numbers(), test];
      for (let row = 0; row < mask.length; row++) mask[row] = Number(numbers[row] >= low && numbers[row] <= high);
      return;
    }
    case 'among':
      return fillAmong(mask, column, test.values);
    case 'pattern': {
      const pattern = new RegExp(test.source, 'i');
      return fillBy(mask, column, (cell) => cell !== null && pattern.test(String(cell)));
    }
    case 'word':
      return fillBy(mask, column, (cell) => String(cell ?? '').toLowerCase().includes(test.text));
  }
}

/** Asks each word once, and each number where a row has no word. */
function fillBy(mask: Uint8Array, column: Column, passes: (cell: Cell) => boolean): void {
  const [codes, words] = [column.codes(), column.words.map((word) => Number(passes(word)))];
  for (let row = 0; row < mask.length; row++) {
    const code = codes ? codes[row] : 0;
    mask[row] = code ? words[code - 1] : Number(passes(column.at(row)));
  }
}

function fillAmong(mask: Uint8Array, column: Column, values: string[]): void {
  const texts = new Set(values);
  const wanted = new Set(values.map((value) => (value.trim() === '' ? NaN : Number(value))).filter((x) => !Number.isNaN(x)));
  const missing = Number(texts.has('none') || texts.has('null'));
  const passes = (cell: Cell) => Number(texts.has(String(cell)) || (typeof cell !== 'string' && wanted.has(toNumber(cell))));
  const [numbers, codes, words] = [column.numbers(), column.codes(), column.words.map(passes)];
  const ends = [texts.has('-inf'), texts.has('inf')].map(Number);
  for (let row = 0; row < mask.length; row++) {
    const [code, number] = [codes ? codes[row] : 0, numbers[row]];
    if (code) mask[row] = words[code - 1];
    else if (Number.isFinite(number)) mask[row] = Number(wanted.has(number));
    else mask[row] = Number.isNaN(number) ? missing : ends[Number(number > 0)];
  }
}

function fillByState(mask: Uint8Array, trials: Trials, values: string[]): void {
  const wanted = new Set(values.map((value) => value.toLowerCase()));
  const { codes, words } = trials.standings();
  const passes = words.map((word) => Number(wanted.has(word)));
  const state = trials.column('state');
  const states = [0, ...(state?.words ?? []).map((word) => Number(wanted.has(String(word))))];
  const held = state?.codes();
  for (let row = 0; row < mask.length; row++) mask[row] = passes[codes[row]] | (held ? states[held[row]] : 0);
}

/** A bare word: the number of a trial, or a part of any of its texts. */
function fillByWord(mask: Uint8Array, trials: Trials, word: string): void {
  const { codes, words } = trials.standings();
  const standing = words.map((one) => Number(one.includes(word)));
  for (let row = 0; row < mask.length; row++) mask[row] = standing[codes[row]];
  const searched = ['reason', 'worker', ...trials.names('parameters').map((name) => `parameter:${name}`)];
  for (const name of searched) {
    const column = trials.column(name);
    const held = column?.codes();
    if (!held) continue;
    const found = [0, ...column!.words.map((one) => Number(typeof one === 'string' && one.toLowerCase().includes(word)))];
    if (found.includes(1)) for (let row = 0; row < mask.length; row++) mask[row] |= found[held[row]];
  }
  const row = String(Number(word)) === word ? trials.rowOf(Number(word)) : -1;
  if (row >= 0) mask[row] = 1;
}
