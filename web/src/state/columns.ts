// What columns are called in the filter and in the table: the short name where it can mean only one thing.

import { details, trials } from '../data/opened';
import type { ParameterInfo } from '../data/wire';

export type Group = 'parameter' | 'metric' | 'objective' | 'column';

export function columnName(group: Group, name: string): string {
  const held = trials.peek();
  const meant = held.column(`${group}:${name}`);
  return meant !== null && held.column(name) === meant ? name : `${group}:${name}`;
}

export function parameterInfo(name: string): ParameterInfo | undefined {
  return details.value?.description.space.find((one) => one.name === name);
}

/** Whether a parameter is drawn along an axis of numbers; the others are drawn by their values. */
export function isNumeric(name: string): boolean {
  const kind = parameterInfo(name)?.kind;
  if (kind === 'float' || kind === 'int') return true;
  return kind === undefined && !trials.peek().isText(`parameter:${name}`);
}

/** The values a parameter takes, in the order of its description, else sorted. */
export function categoriesOf(name: string): string[] {
  const listed = parameterInfo(name)?.choices;
  const seen = new Set<string>();
  for (const cell of trials.peek().values(`parameter:${name}`)) seen.add(String(cell));
  if (listed) {
    const known = listed.map(String);
    return [...known, ...[...seen].filter((value) => !known.includes(value))];
  }
  return [...seen].sort((a, b) => Number(a) - Number(b) || a.localeCompare(b));
}
