// All trials of one experiment as columns that grow in place, fed by whole snapshots and by changed rows.
//
// A row's place never changes once it has one, so charts may keep places. What is worked out of a column is kept until one of
// its cells changes. This module knows no signals: `opened.ts` tells the page when something is new.

import { GROUPS, type Block, type Group } from './block';
import { Column, type Codes } from './column';
import type { Cell, TrialColumns } from './wire';

/** What a name of a column is looked up in, in this order: a metric named like a parameter stays reachable by `metric:`. */
const LOOKED_UP: Group[] = ['columns', 'parameters', 'objective', 'metrics'];
const GROUP_OF: Record<string, Group> = { parameter: 'parameters', metric: 'metrics', objective: 'objective', column: 'columns' };

/** A word for each row, as its place among the words there are. */
export interface Worded {
  codes: Codes;
  words: string[];
}

export class Trials {
  n = 0;
  revision = 0;
  /** How many trials there are: more than `n` while only some of them are here. */
  total = 0;
  private groups: Record<Group, Map<string, Column>> = empty();
  /** Rows by number; null while the row is the number less the first one's, which is nearly always. */
  private places: Map<number, number> | null = null;
  private every = new Uint32Array(0);
  private standingOf: { of: [number, number, number]; worded: Worded } | null = null;

  names(group: Group): string[] {
    return [...this.groups[group].keys()];
  }

  get isPart(): boolean {
    return this.total > this.n;
  }

  /** Takes a snapshot or a change. **Returns** whether anything on the screen may look different. */
  apply(change: TrialColumns): boolean {
    this.revision = Math.max(this.revision, change.revision);
    if (change.whole) {
      const columns = GROUPS.map((group) => [group, new Map(Object.entries(change[group] ?? {}).map(([name, cells]) => [name, Column.of(cells)]))]);
      this.take({ revision: change.revision, whole: true, n: change.columns.number?.length ?? 0, columns: Object.fromEntries(columns) as Block['columns'] });
      return true;
    }
    const numbers = change.columns.number ?? [];
    if (!numbers.length) return false;
    const rows = numbers.map((number) => this.placeOf(Number(number)));
    for (const group of GROUPS) for (const column of this.groups[group].values()) column.grow(this.n);
    for (const group of GROUPS) this.spread(group, change[group] ?? {}, rows);
    this.total = Math.max(this.total, this.n);
    return true;
  }

  /** Takes a snapshot that came as a block. */
  take(block: Block): void {
    this.revision = Math.max(this.revision, block.revision);
    this.groups = block.columns;
    this.n = block.n;
    this.total = block.total ?? block.n;
    this.standingOf = null;
    const numbers = this.numbers('number');
    const isRun = numbers.every((number, row) => number === numbers[0] + row);
    this.places = isRun ? null : placed(numbers);
  }

  private placeOf(number: number): number {
    const known = this.rowOf(number);
    if (known >= 0) return known;
    const numbers = this.groups.columns.get('number')?.numbers();
    if (!this.places && this.n > 0 && number !== numbers![0] + this.n) this.places = placed(numbers!);
    const row = this.n++;
    this.places?.set(number, row);
    // The others of a change may be next to it: what its number is, is known from here on.
    let column = this.groups.columns.get('number');
    if (!column) this.groups.columns.set('number', (column = new Column(0)));
    column.grow(this.n);
    column.set(row, number);
    return row;
  }

  private spread(group: Group, changed: Record<string, Cell[]>, rows: number[]): void {
    for (const [name, cells] of Object.entries(changed)) {
      let held = this.groups[group].get(name);
      if (!held) this.groups[group].set(name, (held = new Column(this.n)));
      for (let i = 0; i < rows.length; i++) held.set(rows[i], cells[i] ?? null);
    }
  }

  rowOf(number: number): number {
    if (this.places) return this.places.get(number) ?? -1;
    const row = this.n ? number - this.number(0) : -1;
    return row >= 0 && row < this.n && Number.isInteger(row) ? row : -1;
  }

  /** The column of `name`; `parameter:lr`, `metric:loss` and `objective:loss` say which one is meant. */
  column(name: string): Column | null {
    const said = /^(parameter|metric|objective|column):(.*)$/s.exec(name);
    if (said) return this.groups[GROUP_OF[said[1]]].get(said[2]) ?? null;
    for (const group of LOOKED_UP) {
      const found = this.groups[group].get(name);
      if (found) return found;
    }
    return null;
  }

  /** One cell of `name`. */
  cell(name: string, row: number): Cell {
    return this.column(name)?.at(row) ?? null;
  }

  /** All cells of `name`, for who wants a list; what looks at many trials asks a column for its arrays. */
  cells(name: string): Cell[] | null {
    const column = this.column(name);
    return column && column.kept('cells', () => Array.from({ length: column.n }, (_none, row) => column.at(row)));
  }

  /** The cells of `name` as numbers; what is no number is NaN. */
  numbers(name: string): Float64Array {
    return this.column(name)?.numbers() ?? new Float64Array(this.n).fill(NaN);
  }

  /** The different cells of `name`, but for nothing. */
  values(name: string): Cell[] {
    const column = this.column(name);
    return column ? column.kept('values', () => column.different()) : [];
  }

  /** The place of each row's cell among `values`, NaN where it is none of them. */
  placesAmong(name: string, values: string[]): Float64Array {
    const column = this.column(name);
    if (!column) return new Float64Array(this.n).fill(NaN);
    return column.kept(`places ${values.join('\u001f')}`, () => {
      const places = new Map(values.map((value, k) => [value, k]));
      const ofWords = [NaN, ...column.words.map((word) => places.get(String(word)) ?? NaN)];
      const codes = column.codes();
      return Float64Array.from({ length: this.n }, (_none, row) => (codes && codes[row] ? ofWords[codes[row]] : (places.get(String(column.at(row))) ?? NaN)));
    });
  }

  /** Every row there is. */
  everyRow(): Uint32Array {
    if (this.every.length !== this.n) this.every = Uint32Array.from({ length: this.n }, (_none, row) => row);
    return this.every;
  }

  number(row: number): number {
    const number = this.groups.columns.get('number')?.at(row);
    return typeof number === 'number' ? number : row;
  }

  /** One word for how each trial stands: its outcome once it is finished, its state until then. */
  standings(): Worded {
    const [state, outcome] = [this.groups.columns.get('state'), this.groups.columns.get('outcome')];
    const [states, outcomes] = [state?.version ?? -1, outcome?.version ?? -1];
    const known = this.standingOf;
    if (known && known.of[0] === this.n && known.of[1] === states && known.of[2] === outcomes) return known.worded;
    this.standingOf = { of: [this.n, states, outcomes], worded: standingsOf(this.n, state, outcome) };
    return this.standingOf.worded;
  }

  standing(row: number): string {
    const { codes, words } = this.standings();
    return words[codes[row] ?? 0];
  }

  /** Whether the column holds a text that is no number: it is then drawn and filtered by its values. */
  isText(name: string): boolean {
    return this.column(name)?.isText ?? false;
  }

  /** The parameters whose value is not the same in every trial. */
  varying(): string[] {
    return this.names('parameters').filter((name) => {
      const column = this.groups.parameters.get(name)!;
      return column.kept('varies', () => column.isVarying);
    });
  }
}

function standingsOf(n: number, state: Column | undefined, outcome: Column | undefined): Worded {
  const words = ['unknown', 'finished', ...(state?.words ?? []), ...(outcome?.words ?? [])].map(String);
  const codes = new Uint16Array(n);
  const [states, outcomes] = [state?.codes(), outcome?.codes()];
  const ended = (state?.words.indexOf('finished') ?? -1) + 1;
  const offset = 1 + (state?.words.length ?? 0);
  for (let row = 0; row < n; row++) {
    const code = states ? states[row] : 0;
    const end = code === ended && outcomes ? outcomes[row] : 0;
    codes[row] = code === 0 ? 0 : code !== ended ? 1 + code : end ? offset + end : 1;
  }
  return { codes, words };
}

function placed(numbers: Float64Array): Map<number, number> {
  const places = new Map<number, number>();
  for (let row = 0; row < numbers.length; row++) places.set(numbers[row], row);
  return places;
}

function empty(): Record<Group, Map<string, Column>> {
  return { columns: new Map(), parameters: new Map(), metrics: new Map(), objective: new Map() };
}
