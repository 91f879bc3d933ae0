// The axes of parallel coordinates: which there are, in which order, and where each value of a column stands on its axis.
// The order, flips and log axes are choices in the address.

import { useMemo } from 'preact/hooks';
import { clauses, metric, trials, version } from '../data/opened';
import { categoriesOf, columnName, isNumeric, parameterInfo } from '../state/columns';
import { choose, option } from '../state/route';
import { extent, makeScale, type AxisSpec, type Scale } from './scale';

export interface Axis {
  key: string;
  column: string; // as the filter calls it
  spec: AxisSpec;
  flipped: boolean;
  values: Float64Array; // places on the axis, NaN where there is none
}

export const TOP = 46;
export const BOTTOM = 26;
const SIDE = 56;
const APART = 92; // pixels between two axes at least: names and ticks can be read, and a finger meets one of them
const SEPARATOR = '\u001f';

const listOf = (name: string) => (option(name) ?? '').split(SEPARATOR).filter(Boolean);
const keep = (name: string, list: string[]) => choose(name, list.join(SEPARATOR));

/** A column as an axis; `key` is its group and name, as `parameter:rate`. */
export function axisOf(key: string): Omit<Axis, 'flipped'> {
  const held = trials.peek();
  const [group, name] = [key.slice(0, key.indexOf(':')) as 'parameter' | 'objective', key.slice(key.indexOf(':') + 1)];
  const column = columnName(group, name);
  if (group === 'parameter' && !isNumeric(name)) {
    const categories = categoriesOf(name);
    const values = held.placesAmong(key, categories);
    return { key, column, values, spec: { kind: 'category', domain: [-0.3, categories.length - 0.7], title: name, categories } };
  }
  const values = held.numbers(key);
  const wished = listOf('plog').includes(key);
  const isLog = (parameterInfo(name)?.scale === 'log' && group === 'parameter') !== wished;
  const kind = isLog ? 'log' : 'linear';
  return { key, column, values, spec: { kind, domain: extent(values, kind), title: name } };
}

/** All parameters that vary and the metric, as a person put them. */
export function useAxes(): Axis[] {
  const held = trials.value;
  const now = version.value;
  const name = metric.value;
  return useMemo(() => {
    const keys = [...held.varying().map((one) => `parameter:${one}`), `objective:${name}`];
    const wished = listOf('po').filter((key) => keys.includes(key));
    const all = [...wished, ...keys.filter((key) => !wished.includes(key))];
    return all.map((key) => ({ ...axisOf(key), flipped: listOf('pf').includes(key) }));
  }, [held, now, name, option('po'), option('plog'), option('pf')]);
}

export function moveAxis(axes: Axis[], from: number, to: number): void {
  if (to < 0 || to >= axes.length || from === to) return;
  const keys = axes.map((axis) => axis.key);
  keys.splice(to, 0, ...keys.splice(from, 1));
  keep('po', keys);
}

export function toggleAxis(list: 'pf' | 'plog', key: string): void {
  const held = listOf(list);
  keep(list, held.includes(key) ? held.filter((one) => one !== key) : [...held, key]);
}

/** Where axes stand on a picture of a size. */
export interface Place {
  width: number;
  height: number;
}

export const leastWidth = (axes: number) => 2 * SIDE + Math.max(1, axes - 1) * APART;

export const gapOf = (axes: Axis[], { width }: Place) => (width - 2 * SIDE) / Math.max(1, axes.length - 1);

export const xOf = (axes: Axis[], k: number, place: Place) => SIDE + k * gapOf(axes, place);

export const axisNear = (axes: Axis[], x: number, place: Place) => Math.max(0, Math.min(axes.length - 1, Math.round((x - SIDE) / gapOf(axes, place))));

export function scaleOf(axis: Axis, { height }: Place): Scale {
  const [low, high] = axis.flipped ? [TOP, height - BOTTOM] : [height - BOTTOM, TOP];
  return makeScale(axis.spec, axis.spec.domain, low, high, Math.floor((height - TOP - BOTTOM) / 40));
}

/** Where a value stands on an axis; what has none stands below it, apart from every value. */
export function placeOn(scale: Scale, value: number, height: number): number {
  const y = scale.to(value);
  return Number.isFinite(y) ? y : height - 9;
}

/** What the filter says about an axis, in pixels from the top. */
export function filteredOn(axis: Axis, place: Place): [number, number] | null {
  const test = clauses.value.find((clause) => clause.column === axis.column && !clause.not)?.test;
  const scale = scaleOf(axis, place);
  const pixels = (low: number, high: number) => ordered(scale.to(Math.max(low, scale.domain[0])), scale.to(Math.min(high, scale.domain[1])));
  if (test?.kind === 'range' && !axis.spec.categories) return pixels(test.low, test.high);
  if (test?.kind !== 'among' || !axis.spec.categories) return null;
  const places = test.values.map((value) => axis.spec.categories!.indexOf(value)).filter((k) => k >= 0);
  return places.length ? pixels(Math.min(...places) - 0.3, Math.max(...places) + 0.3) : null;
}

export const ordered = (a: number, b: number): [number, number] => (a < b ? [a, b] : [b, a]);
