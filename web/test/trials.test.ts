// Columns that grow by changes are the same as columns that came whole.

// @ts-expect-error node's own, whose types the page does without
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readBlock } from '../src/data/block';
import { match } from '../src/state/matching';
import { parseFilter } from '../src/state/clauses';
import { Trials } from '../src/data/trials';
import { ordered } from '../src/data/ranks';
import { sortRows } from '../src/table/sorting';
import { takeCurves, type Curve } from '../src/data/curves';
import { toNumber, type Cell, type TrialColumns } from '../src/data/wire';
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

describe('a block', () => {
  it('holds the same cells as the lists it was made of', () => {
    const block = readBlock(Uint8Array.from(readFileSync(new URL('./data/columns.block', import.meta.url))).buffer);
    const lists = JSON.parse(readFileSync(new URL('./data/columns.json', import.meta.url), 'utf8')) as TrialColumns;
    const [held, fresh] = [new Trials(), new Trials()];
    held.take(block);
    fresh.apply(lists);
    expect(all(held)).toEqual(all(fresh));
    expect(all(held)).toEqual(Object.fromEntries(GROUPS.map((group) => [group, lists[group]])));
    for (const name of ['odd', 'words', 'state']) expect(held.isText(name)).toBe(fresh.isText(name));
    // What came as a block is changed like any other.
    for (const one of [held, fresh]) one.apply({ revision: 9, whole: false, n: 2, columns: { number: [2, 99], state: ['lost', 'queued'] }, parameters: { words: ['new', null], odd: [0.5, 'x'] }, metrics: {}, objective: {} });
    expect(all(held)).toEqual(all(fresh));
    expect(held.rowOf(99)).toBe(held.n - 1);
    expect(held.cell('words', held.rowOf(2))).toBe('new');
  });

  it('of some rows says how many there are', () => {
    const held = new Trials();
    held.take({ ...readBlock(Uint8Array.from(readFileSync(new URL('./data/columns.block', import.meta.url))).buffer), whole: false, total: 1000 });
    expect(held.isPart).toBe(true);
    held.apply({ ...trialColumns(makeTrials(3)), whole: true });
    expect(held.isPart).toBe(false);
  });
});

describe('orders and masks agree with plain ones', () => {
  /** Columns with everything that may stand in one, its rows in no order. */
  function mixed(seed: number): Trials {
    const random = chance(seed);
    const pick = (cells: Cell[]) => cells[Math.floor(random() * cells.length)];
    const n = 300;
    const numbers = Array.from({ length: n }, (_none, k) => (seed % 2 ? k + 1 : n - k));
    const list = (cells: Cell[]) => Array.from({ length: n }, () => pick(cells));
    const held = new Trials();
    held.apply({
      revision: 1, whole: true, n,
      columns: { number: numbers, state: list(['finished', 'running', 'queued']), outcome: list(['succeeded', 'failed', null]), reason: list(['out of memory', 'é', null, '']), worker: list([null]) },
      parameters: { lr: Array.from({ length: n }, () => (random() < 0.2 ? null : random() < 0.2 ? 0 : random() - 0.5)), kind: list(['b', 'a', 'é', '10', '9', null]), odd: list([1, 'x', true, 'nan', 'inf', '-inf', null, -0]) },
      metrics: {}, objective: { loss: Array.from({ length: n }, () => (random() < 0.3 ? 'nan' : Math.floor(random() * 9))) },
    });
    for (let k = 0; k < 20; k++) held.apply({ revision: 2, whole: false, n: 1, columns: { number: [1 + Math.floor(random() * n)] }, parameters: { odd: [pick([2, 'y', 'nan', null])], lr: [random()] }, metrics: {}, objective: {} });
    return held;
  }
  const rowsOf = (held: Trials) => Array.from({ length: held.n }, (_none, row) => row);
  const { compare } = new Intl.Collator();

  /** Numbers before texts before nothing, in either direction; then by number of the trial. */
  function plainly(held: Trials, column: string, down: boolean): number[] {
    const cellOf = (row: number): Cell => (column === 'standing' ? held.standing(row) : held.cell(column, row));
    const isText = (cell: Cell) => typeof cell === 'string' && !['nan', 'inf', '-inf'].includes(cell);
    const hasTexts = rowsOf(held).some((row) => isText(cellOf(row)));
    const classOf = (cell: Cell) => (hasTexts && typeof cell !== 'number' && cell !== null && cell !== 'inf' && cell !== '-inf' ? 1 : Number.isNaN(toNumber(cell)) ? 2 : 0);
    const ordered = rowsOf(held).sort((a, b) => {
      const [x, y] = [cellOf(a), cellOf(b)];
      const [cx, cy] = [classOf(x), classOf(y)];
      const byNumber = held.number(a) - held.number(b);
      if (cx === 2 || cy === 2) return Number(cx === 2) - Number(cy === 2) || byNumber;
      const way = down ? -1 : 1;
      if (cx !== cy) return (cx - cy) * way;
      const [p, q] = [toNumber(x), toNumber(y)];
      return (cx === 1 ? compare(String(x), String(y)) : p === q ? 0 : p < q ? -1 : 1) * way || byNumber;
    });
    return ordered;
  }

  it.each([1, 2, 3, 4])('sorted (seed %i)', (seed) => {
    const held = mixed(seed);
    const every = new Uint8Array(held.n).fill(1);
    for (const column of ['number', 'standing', 'parameter:lr', 'parameter:kind', 'parameter:odd', 'objective:loss', 'reason', 'worker']) {
      for (const down of [false, true]) expect(Array.from(sortRows(held, every, { column, down })), `${column} ${down}`).toEqual(plainly(held, column, down));
    }
  });

  it.each([1, 2, 3, 4])('filtered (seed %i)', (seed) => {
    const held = mixed(seed);
    const texts = (row: number) => ['reason', 'worker', 'parameter:lr', 'parameter:kind', 'parameter:odd'].map((name) => held.cell(name, row)).filter((cell) => typeof cell === 'string');
    const between = (name: string, low: number, high: number) => (row: number) => toNumber(held.cell(name, row)) >= low && toNumber(held.cell(name, row)) <= high;
    const plain: Array<[string, (row: number) => boolean]> = [
      ['lr:0..0.25', between('lr', 0, 0.25)],
      ['-lr:0..0.25', (row) => !between('lr', 0, 0.25)(row)],
      ['loss:>=3 state:failed', (row) => between('loss', 3, Infinity)(row) && held.standing(row) === 'failed'],
      ['kind:a,10', (row) => ['a', '10'].includes(String(held.cell('kind', row)))],
      ['odd:1,nan', (row) => [1, true, 'nan'].includes(held.cell('odd', row) as never)],
      ['odd:none', (row) => held.cell('odd', row) === null],
      ['odd:inf', (row) => held.cell('odd', row) === 'inf'],
      ['reason:/MEM/', (row) => /mem/i.test(String(held.cell('reason', row) ?? ''))],
      ['trial:5,7', (row) => [5, 7].includes(held.number(row))],
      ['é', (row) => held.standing(row).includes('é') || texts(row).some((text) => text.toLowerCase().includes('é'))],
      ['7', (row) => held.number(row) === 7 || texts(row).some((text) => text.includes('7'))],
      ['nothing:1', () => false],
    ];
    for (const [said, passes] of plain) {
      const { mask, n } = match(held, parseFilter(said));
      const expected = rowsOf(held).filter(passes);
      expect(rowsOf(held).filter((row) => mask[row]), said).toEqual(expected);
      expect(n).toBe(expected.length);
    }
  });
});
