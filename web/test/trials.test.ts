// Columns that grow by changes are the same as columns that came whole.

import { describe, expect, it } from 'vitest';
import { Trials } from '../src/data/trials';
import { ordered } from '../src/data/ranks';
import { sortRows } from '../src/table/sorting';
import { takeCurves, type Curve } from '../src/data/curves';
import type { TrialColumns } from '../src/data/wire';
// @ts-expect-error made-up data, plain JavaScript so that node can serve it too
import { chance, curveColumns, makeTrials, trialColumns } from './mock/data.mjs';

type Group = 'columns' | 'parameters' | 'metrics' | 'objective';
const GROUPS: Group[] = ['columns', 'parameters', 'metrics', 'objective'];

function rowsOf(whole: TrialColumns, rows: number[]): TrialColumns {
  const pick = (group: Group) => Object.fromEntries(Object.entries(whole[group]).map(([name, cells]) => [name, rows.map((row) => cells[row])]));
  return { revision: whole.revision, whole: false, n: whole.n, columns: pick('columns'), parameters: pick('parameters'), metrics: pick('metrics'), objective: pick('objective') };
}

const all = (held: Trials) => Object.fromEntries(GROUPS.map((group) => [group, Object.fromEntries(held.names(group).map((name) => [name, held.cells(`${group === 'metrics' ? 'metric' : group === 'columns' ? 'column' : group === 'parameters' ? 'parameter' : 'objective'}:${name}`)]))]));

describe('changes', () => {
  it.each([1, 2, 3, 4, 5])('in any order and twice give what came whole (seed %i)', (seed) => {
    const random = chance(seed);
    const early = trialColumns(makeTrials(40, 9), 1);
    const late = trialColumns(makeTrials(70, 9), 2);
    const held = new Trials();
    held.apply(structuredClone(early));
    const rows = [...Array.from({ length: 70 }, (_none, row) => row), ...Array.from({ length: 20 }, () => Math.floor(random() * 70))];
    // New trials keep their order; what changed may come in any.
    while (rows.length) held.apply(rowsOf(late, rows.splice(0, 1 + Math.floor(random() * 9))));
    const fresh = new Trials();
    fresh.apply(structuredClone(late));
    expect(all(held)).toEqual(all(fresh));
    expect(held.revision).toBe(2);
    expect(held.n).toBe(70);
  });

  it('a column that appears later is empty for those before', () => {
    const held = new Trials();
    held.apply(structuredClone(trialColumns(makeTrials(3))));
    held.apply({ revision: 101, whole: false, n: 3, columns: { number: [1] }, parameters: {}, metrics: { late: [0.5] }, objective: {} });
    expect(held.cells('late')).toEqual([null, 0.5, null]);
    expect(held.numbers('late')[1]).toBe(0.5);
  });

  it('decoded numbers follow a change', () => {
    const held = new Trials();
    held.apply(structuredClone(trialColumns(makeTrials(3))));
    held.numbers('lr');
    held.apply({ revision: 101, whole: false, n: 3, columns: { number: [0] }, parameters: { lr: ['inf'] }, metrics: {}, objective: {} });
    expect(held.numbers('lr')[0]).toBe(Infinity);
  });
});

describe('the order of the table', () => {
  const held = new Trials();
  held.apply(trialColumns(makeTrials(200)));
  const every = new Uint8Array(200).fill(1);

  it('has what is missing last, either way', () => {
    const values = held.numbers('objective:loss');
    for (const down of [true, false]) {
      const sorted = Array.from(sortRows(held, every, { column: 'objective:loss', down }), (row) => values[row]);
      const numbers = sorted.filter((value) => !Number.isNaN(value));
      expect(sorted.slice(numbers.length).every(Number.isNaN)).toBe(true);
      expect(numbers).toEqual([...numbers].sort((a, b) => (down ? b - a : a - b)));
    }
  });

  it('sorts texts, and keeps trials of one value in order', () => {
    const sorted = Array.from(sortRows(held, every, { column: 'parameter:optimizer', down: false }));
    const texts = sorted.map((row) => String(held.cells('optimizer')![row]));
    expect(texts).toEqual([...texts].sort());
    const adams = sorted.filter((row) => held.cells('optimizer')![row] === 'adam');
    expect(adams).toEqual([...adams].sort((a, b) => a - b));
  });

  it('leaves out what the filter does', () => {
    const some = new Uint8Array(200);
    some[5] = some[7] = 1;
    expect(Array.from(sortRows(held, some, { column: 'number', down: true }))).toEqual([7, 5]);
  });
});

it('curves that come again replace theirs alone', () => {
  const into = new Map<number, Curve>();
  const made = makeTrials(5);
  takeCurves(into, curveColumns(made));
  const before = into.get(1);
  takeCurves(into, { revision: 2, metric: 'loss', trials: [0], offsets: [0, 2], steps: [1, 2], values: [3, 'nan'], ended: [true] });
  expect(into.get(1)).toBe(before);
  expect(Array.from(into.get(0)!.values)).toEqual([3, NaN]);
  expect(into.get(0)!.stoppedEarly).toBe(true);
});

it('places are ordered as a comparison would, in one go', () => {
  const random = chance(11);
  const values = Array.from({ length: 500 }, () => (random() < 0.1 ? NaN : random() < 0.05 ? -Infinity : Math.floor(random() * 50)));
  const expected = values.map((_value, k) => k).sort((a, b) => {
    const [x, y] = [values[a], values[b]];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
    return x === y ? a - b : x < y ? -1 : 1;
  });
  expect(Array.from(ordered(values))).toEqual(expected);
});
