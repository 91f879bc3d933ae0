// One column of a table of trials: numbers in one array, and what is no number as the place of a word in a short list.
//
// So a hundred thousand cells are two arrays and a few texts: a filter asks each word once, and nothing is made for a row. A cell
// is read with `at`. What is worked out of a column (its order, its ranks) is kept until one of its cells changes.

import { ordered } from './ranks';
import { toNumber, type Cell } from './wire';

export type Codes = Uint8Array | Uint16Array | Uint32Array;

const MOST_KEPT = 32; // a filter that is typed leaves a mask for each letter
const REST = new Set(['nan', 'inf', '-inf']); // texts that stand for numbers

export class Column {
  /** Another number after every change of a cell, or of how many there are. */
  version = 0;
  /** The texts and truths that occur; a code k is the cell `words[k - 1]`, a code 0 the number, or nothing where that is NaN. */
  readonly words: Cell[] = [];
  private places = new Map<Cell, number>();
  private made = new Map<string, unknown>();
  private view: Float64Array | null = null;

  constructor(
    public n = 0,
    private held: Float64Array | null = null,
    private coded: Codes | null = null,
    words: Cell[] = [],
  ) {
    for (const word of words) this.codeOf(word);
  }

  /** A column of cells as they travel. */
  static of(cells: readonly Cell[]): Column {
    const made = new Column(cells.length);
    for (let row = 0; row < cells.length; row++) if (cells[row] !== null && cells[row] !== undefined) made.put(row, cells[row]);
    return made;
  }

  at(row: number): Cell {
    const code = this.coded ? this.coded[row] : 0;
    if (code) return this.words[code - 1];
    const value = this.held ? this.held[row] : NaN;
    if (value === Infinity || value === -Infinity) return value > 0 ? 'inf' : '-inf';
    return value === value && row < this.n ? value : null;
  }

  /** Every cell as a number, NaN where it is none. Changes in place. */
  numbers(): Float64Array {
    if (!this.held) this.held = new Float64Array(Math.max(16, this.n)).fill(NaN);
    if (this.view?.length !== this.n || this.view.buffer !== this.held.buffer) this.view = this.held.subarray(0, this.n);
    return this.view;
  }

  /** The code of every row; null where no cell is a word. */
  codes(): Codes | null {
    return this.coded;
  }

  /** Whether a cell is a text that stands for no number. */
  get isText(): boolean {
    return this.words.some((word) => typeof word === 'string' && !REST.has(word));
  }

  get isVarying(): boolean {
    const [numbers, codes] = [this.held, this.coded];
    for (let row = 1; row < this.n; row++) {
      if (codes && codes[row] !== codes[0]) return true;
      if (numbers && !Object.is(numbers[row], numbers[0]) && numbers[row] !== numbers[0]) return true;
    }
    return false;
  }

  /** The cells that occur, each once, but for nothing. */
  different(): Cell[] {
    const used = new Uint8Array(this.words.length + 1);
    const numbers = new Set<number>();
    for (let row = 0; row < this.n; row++) {
      const code = this.coded ? this.coded[row] : 0;
      if (code) used[code] = 1;
      else if (this.held && this.held[row] === this.held[row]) numbers.add(this.held[row]);
    }
    return [...numbers, ...this.words.filter((_word, k) => used[k + 1])];
  }

  /** The rows by their numbers, what has none last. */
  ascending(): Uint32Array {
    return this.kept('ascending', () => ordered(this.numbers()));
  }

  /** Writes a cell; whether it is another one than before. */
  set(row: number, cell: Cell): boolean {
    if (this.at(row) === cell) return false;
    this.put(row, cell);
    this.changed();
    return true;
  }

  /** Has room for so many rows; new ones are empty. */
  grow(n: number): void {
    if (n <= this.n) return;
    const room = Math.max(16, n + (n >> 2));
    if (this.held && this.held.length < n) this.held = widened(new Float64Array(room).fill(NaN), this.held);
    if (this.coded && this.coded.length < n) this.coded = widened(new (this.coded.constructor as Uint32ArrayConstructor)(room), this.coded);
    this.n = n;
    this.changed();
  }

  /** What `make` makes of the column as it is, made once. */
  kept<T>(name: string, make: () => T): T {
    if (!this.made.has(name)) {
      if (this.made.size >= MOST_KEPT) this.made.delete(this.made.keys().next().value!);
      this.made.set(name, make());
    }
    return this.made.get(name) as T;
  }

  private changed(): void {
    this.version++;
    if (this.made.size) this.made.clear();
  }

  private put(row: number, cell: Cell): void {
    const isNumber = typeof cell === 'number' || cell === null;
    const value = isNumber ? (cell ?? NaN) : toNumber(cell);
    if (value === value && !this.held) this.numbers();
    if (this.held) this.held[row] = value;
    const code = isNumber || value === Infinity || value === -Infinity ? 0 : this.codeOf(cell);
    if (code && !this.coded) this.coded = new Uint8Array(Math.max(16, this.n));
    if (!this.coded) return;
    if (code > 255 && this.coded instanceof Uint8Array) this.coded = Uint32Array.from(this.coded);
    if (code > 65535 && this.coded instanceof Uint16Array) this.coded = Uint32Array.from(this.coded);
    this.coded[row] = code;
  }

  private codeOf(word: Cell): number {
    let code = this.places.get(word);
    if (code === undefined) {
      code = this.words.push(word);
      this.places.set(word, code);
    }
    return code;
  }
}

function widened<T extends Float64Array | Codes>(wide: T, held: ArrayLike<number>): T {
  wide.set(held);
  return wide;
}
