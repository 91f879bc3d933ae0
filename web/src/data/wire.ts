// What the server sends, as types. Nothing here computes; `trials.ts` turns columns into something to draw.
//
// Columns, not rows: ten thousand trials are one array for each column. NaN and the infinities travel as the texts "nan",
// "inf" and "-inf", a missing value as null; times are seconds since 1970.

export type Cell = number | string | boolean | null;
export type Direction = 'minimize' | 'maximize';

export interface Session {
  version: string;
  store: string;
  may_control: boolean;
  read_only: boolean;
  now: number;
}

export interface Goal {
  metric: string;
  direction: Direction;
}

export interface Best {
  trial: number;
  value: Cell;
  display?: string;
  configuration?: Record<string, Cell>;
  command?: string | null;
}

export interface Entry {
  id: string;
  name: string | null;
  state: string;
  why: string | null;
  algorithm: string | null;
  goals: Goal[];
  target: number | null;
  finished: number;
  queued: number;
  running: number;
  waiting: number;
  outcomes: Record<string, number>;
  best: Best | null;
  created: number;
  changed: number;
  seconds_left: number | null;
  labels: Record<string, string> | string[];
  project: string | null;
  spark?: Cell[];
}

export interface ParameterInfo {
  name: string;
  kind: 'float' | 'int' | 'choice' | 'ordinal' | 'constant';
  low: number | null;
  high: number | null;
  scale: 'linear' | 'log' | 'reverse_log';
  step: number | null;
  choices: string[] | null;
  when: string | null;
}

export interface WorkerInfo {
  name: string;
  machine: string | null;
  state: string;
  trials: Array<number | string>;
  seen: number | null;
}

export interface Details extends Entry {
  description: { command: string | null; space: ParameterInfo[]; seed: number | null; [more: string]: unknown };
  metrics: string[];
  stages: unknown;
  stopping: unknown;
  workers: WorkerInfo[];
  events_last: number | null;
}

export interface Listing {
  revision: number;
  experiments: Entry[];
}

export interface TrialColumns {
  revision: number;
  whole: boolean;
  n: number;
  columns: Record<string, Cell[]>;
  parameters: Record<string, Cell[]>;
  metrics: Record<string, Cell[]>;
  objective: Record<string, Cell[]>;
}

export interface CurveColumns {
  revision: number;
  metric: string;
  trials: number[];
  offsets: number[];
  steps: Cell[] | Float64Array;
  values: Cell[] | Float64Array;
  ended: boolean[];
  reported?: number; // trials that have a curve, of which `trials` may be a choice
}

export interface Importance {
  rows: Array<{ name: string; alone: Cell; total: Cell; low: Cell; high: Cell; clear: boolean | null }>;
  note: string | null;
}

export interface Slice {
  parameter: string;
  scale: string;
  x: Cell[];
  mean: Cell[];
  low: Cell[];
  high: Cell[];
  trials: { number: number[]; x: Cell[]; y: Cell[] };
  note?: string | null;
}

export interface Contour {
  x: Cell[];
  y: Cell[];
  mean: Cell[][];
  deviation: Cell[][];
  trials?: { number: number[]; x: Cell[]; y: Cell[] };
  note?: string | null;
}

export interface Front {
  goals: Goal[];
  front: number[];
}

export interface Timeline {
  shown?: number;
  trials?: number; // of which the newest `shown` are here
  attempts: {
    trial: number[];
    attempt: number[];
    worker: Array<string | null>;
    slot: Array<number | string | null>;
    began: Cell[];
    ended: Cell[];
    outcome: Array<string | null>;
  };
}

export interface EventRow {
  revision: number;
  at: number;
  kind: string;
  trial: number | null;
  text: string;
}

export interface ModelStep {
  proposal: number; // from 1
  trial?: number;
  of: number;
  parameter: string;
  x: Cell[];
  mean: Cell[];
  deviation: Cell[];
  acquisition: Cell[];
  next: Cell;
  seen: { x: Cell[]; y: Cell[]; number: number[] };
  note: string | null;
}

export interface TrialDetails {
  number?: number;
  state?: string;
  outcome?: string | null;
  reason?: string | null;
  parameters: Array<{ name: string; text: string; value: Cell }>;
  why: { text: string | null; predicted_mean: Cell; predicted_deviation: Cell; outcome: Cell } | null;
  attempts: Array<Record<string, Cell>>;
  decisions?: Array<{ rule: string; resource: Cell; stops: boolean; reason: string }>;
  command: string | null;
  variables: Record<string, string> | null;
  provenance: Record<string, unknown> | null;
  files: Array<{ name: string; bytes: number }>;
  curves: string[];
  [more: string]: unknown;
}

export interface Points {
  steps: Cell[];
  values: Cell[];
  times: Cell[];
}

/** A number out of what travelled: missing and unreadable become NaN, which every chart leaves out by name. */
export function toNumber(cell: Cell | undefined): number {
  if (typeof cell === 'number') return cell;
  if (cell === 'inf') return Infinity;
  if (cell === '-inf') return -Infinity;
  if (typeof cell === 'boolean') return cell ? 1 : 0;
  return NaN;
}
