// All trials of one experiment as columns that grow in place, fed by whole snapshots and by changed rows.
//
// A row's place never changes once it has one, so charts may keep places. Numbers are decoded once and kept until a row of
// that column changes. This module knows no signals: `opened.ts` tells the page when something is new.

import type { Cell, TrialColumns } from './wire';
import { toNumber } from './wire';

type Group = 'columns' | 'parameters' | 'metrics' | 'objective';
const GROUPS: Group[] = ['columns', 'parameters', 'metrics', 'objective'];

/** What a name of a column is looked up in, in this order: a metric named like a parameter stays reachable by `metric:`. */
const LOOKED_UP: Group[] = ['columns', 'parameters', 'objective', 'metrics'];

export class Trials {
  n = 0;
  revision = 0;
  private groups: Record<Group, Map<string, Cell[]>> = empty();
  private places = new Map<number, number>();
  private decoded = new Map<Cell[], Float64Array>();
  private texts = new Map<Cell[], boolean>();
  private differing: string[] | null = null;

  names(group: Group): string[] {
    return [...this.groups[group].keys()];
  }

  /** Takes a snapshot or a change. **Returns** whether anything on the screen may look different. */
  apply(change: TrialColumns): boolean {
    this.revision = Math.max(this.revision, change.revision);
    if (change.whole) {
      this.replace(change);
      return true;
    }
    const numbers = change.columns.number ?? [];
    if (!numbers.length) return false;
    const rows = numbers.map((number) => this.placeOf(Number(number)));
    for (const group of GROUPS) this.spread(group, change[group] ?? {}, rows);
    this.forget();
    return true;
  }

  private forget(): void {
    this.decoded.clear();
    this.texts.clear();
    this.differing = null;
  }

  private replace(change: TrialColumns): void {
    this.groups = empty();
    this.places.clear();
    this.forget();
    for (const group of GROUPS) {
      for (const [name, cells] of Object.entries(change[group] ?? {})) this.groups[group].set(name, cells);
    }
    const numbers = change.columns.number ?? [];
    this.n = numbers.length;
    numbers.forEach((number, row) => this.places.set(Number(number), row));
  }

  private placeOf(number: number): number {
    const known = this.places.get(number);
    if (known !== undefined) return known;
    const row = this.n++;
    this.places.set(number, row);
    for (const group of GROUPS) for (const cells of this.groups[group].values()) cells.push(null);
    return row;
  }

  private spread(group: Group, changed: Record<string, Cell[]>, rows: number[]): void {
    for (const [name, cells] of Object.entries(changed)) {
      let held = this.groups[group].get(name);
      if (!held) this.groups[group].set(name, (held = new Array<Cell>(this.n).fill(null)));
      for (let i = 0; i < rows.length; i++) held[rows[i]] = cells[i] ?? null;
    }
  }

  rowOf(number: number): number {
    return this.places.get(number) ?? -1;
  }

  /** The cells of `name`; `parameter:lr`, `metric:loss` and `objective:loss` say which one is meant. */
  cells(name: string): Cell[] | null {
    const said = /^(parameter|metric|objective|column):(.*)$/s.exec(name);
    if (said) {
      const group = { parameter: 'parameters', metric: 'metrics', objective: 'objective', column: 'columns' }[said[1]] as Group;
      return this.groups[group].get(said[2]) ?? null;
    }
    for (const group of LOOKED_UP) {
      const found = this.groups[group].get(name);
      if (found) return found;
    }
    return null;
  }

  /** The cells of `name` as numbers; what is no number is NaN. */
  numbers(name: string): Float64Array {
    const cells = this.cells(name);
    if (!cells) return new Float64Array(this.n).fill(NaN);
    let made = this.decoded.get(cells);
    if (!made) {
      made = new Float64Array(this.n);
      for (let row = 0; row < this.n; row++) made[row] = toNumber(cells[row]);
      this.decoded.set(cells, made);
    }
    return made;
  }

  number(row: number): number {
    return Number(this.groups.columns.get('number')?.[row] ?? row);
  }

  /** One word for how a trial stands: its outcome once it is finished, its state until then. */
  standing(row: number): string {
    const outcome = this.groups.columns.get('outcome')?.[row];
    const state = this.groups.columns.get('state')?.[row];
    return String(state === 'finished' ? (outcome ?? 'finished') : (state ?? 'unknown'));
  }

  /** Whether the column holds a text that is no number: it is then drawn and filtered by its values. */
  isText(name: string): boolean {
    const cells = this.cells(name);
    if (!cells) return false;
    let known = this.texts.get(cells);
    if (known === undefined) {
      known = cells.some((cell) => typeof cell === 'string' && cell !== 'nan' && Number.isNaN(toNumber(cell)));
      this.texts.set(cells, known);
    }
    return known;
  }

  /** The parameters whose value is not the same in every trial. */
  varying(): string[] {
    this.differing ??= this.names('parameters').filter((name) => {
      const cells = this.groups.parameters.get(name)!;
      return cells.some((cell) => cell !== cells[0]);
    });
    return this.differing;
  }
}

function empty(): Record<Group, Map<string, Cell[]>> {
  return { columns: new Map(), parameters: new Map(), metrics: new Map(), objective: new Map() };
}
