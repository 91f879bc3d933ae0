// Reads columns that came as one block of bytes (`web/buffers.py` says how): the arrays are used where they lie.

import { Column, type Codes } from './column';
import type { Cell, CurveColumns } from './wire';

export const GROUPS = ['columns', 'parameters', 'metrics', 'objective'] as const;
export type Group = (typeof GROUPS)[number];

export interface Block {
  revision: number;
  whole: boolean;
  n: number;
  total?: number; // trials there are, where these are some of them
  columns: Record<Group, Map<string, Column>>;
}

interface Told {
  numbers?: number;
  codes?: number;
  wide?: 1 | 2 | 4;
  words?: Cell[];
}

function headOf<T>(bytes: ArrayBuffer): { head: T; first: number } {
  const length = new DataView(bytes).getUint32(0, true);
  return { head: JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length))) as T, first: 4 + length };
}

/** Curves that came as a block; their steps and values are numbers already. */
export function readCurves(bytes: ArrayBuffer): CurveColumns {
  const { head, first } = headOf<Omit<CurveColumns, 'steps' | 'values'> & { steps: number; values: number }>(bytes);
  const n = head.offsets[head.offsets.length - 1];
  return { ...head, steps: new Float64Array(bytes, first + head.steps, n), values: new Float64Array(bytes, first + head.values, n) };
}

export function readBlock(bytes: ArrayBuffer): Block {
  const { head, first } = headOf<Omit<Block, 'columns'> & Record<Group, Record<string, Told>>>(bytes);
  const column = ({ numbers, codes, wide = 4, words }: Told): Column => {
    const Kind = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[wide];
    const coded: Codes | null = codes === undefined ? null : new Kind(bytes, first + codes, head.n);
    return new Column(head.n, numbers === undefined ? null : new Float64Array(bytes, first + numbers, head.n), coded, words);
  };
  const groups = GROUPS.map((group) => [group, new Map(Object.entries(head[group]).map(([name, told]) => [name, column(told)]))]);
  return { revision: head.revision, whole: head.whole, n: head.n, total: head.total, columns: Object.fromEntries(groups) as Block['columns'] };
}
