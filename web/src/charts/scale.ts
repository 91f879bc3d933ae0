// From values to pixels and back, and where the ticks stand. Pure.
//
// A scale is affine after its transform (none or log), which is why a picture drawn for one view may be stretched to
// another while a person drags. Values a log axis can't show become NaN and are left out, never moved.

import { short } from '../text';

export type Kind = 'linear' | 'log' | 'time' | 'category';

export interface Tick {
  at: number; // a value
  text: string;
}

export interface Scale {
  kind: Kind;
  domain: [number, number];
  to(value: number): number;
  from(pixel: number): number;
  ticks: Tick[];
}

export interface AxisSpec {
  kind: Kind;
  domain: [number, number];
  title: string;
  categories?: string[];
}

const transform = (kind: Kind) => (kind === 'log' ? Math.log : (x: number) => x);
const back = (kind: Kind) => (kind === 'log' ? Math.exp : (x: number) => x);

export function makeScale(spec: AxisSpec, domain: [number, number], start: number, end: number, most = 6): Scale {
  const { kind } = spec;
  const into = transform(kind);
  const [a, b] = [into(domain[0]), into(domain[1])];
  const perUnit = (end - start) / (b - a || 1);
  return {
    kind,
    domain,
    to: (value) => {
      const x = into(value);
      return Number.isFinite(x) ? start + (x - a) * perUnit : NaN;
    },
    from: (pixel) => back(kind)(a + (pixel - start) / perUnit),
    ticks: ticksOf(spec, domain, most),
  };
}

function ticksOf(spec: AxisSpec, [low, high]: [number, number], most: number): Tick[] {
  switch (spec.kind) {
    case 'category':
      return (spec.categories ?? []).map((text, at) => ({ at, text })).filter(({ at }) => at >= low && at <= high);
    case 'log':
      return logTicks(low, high, most);
    case 'time':
      return timeTicks(low, high, most);
    case 'linear':
      return linearTicks(low, high, most);
  }
}

/** The roundest step that gives at most `most` ticks. */
export function roundStep(span: number, most: number): number {
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  for (const factor of [1, 2, 5]) if (factor * power >= rough * 0.999) return factor * power;
  return 10 * power;
}

export function linearTicks(low: number, high: number, most: number): Tick[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [];
  const step = roundStep(span, most);
  const first = Math.ceil(low / step - 1e-9);
  const ticks: Tick[] = [];
  for (let k = first; k * step <= high + step * 1e-9; k++) {
    const at = Number((k * step).toPrecision(12));
    ticks.push({ at, text: short(at, 6) });
  }
  return ticks;
}

export function logTicks(low: number, high: number, most: number): Tick[] {
  if (!(low > 0) || !(high > low)) return [];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = Math.log10(high) - Math.log10(low);
  if (decades < 0.7) return linearTicks(low, high, most);
  const factors = decades * 3 <= most ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((last - first) / most));
  const ticks: Tick[] = [];
  for (let power = first; power <= last; power++) {
    if ((power - first) % every) continue;
    for (const factor of factors) {
      const at = Number(`${factor}e${power}`);
      if (at >= low * 0.999999 && at <= high * 1.000001) ticks.push({ at, text: short(at) });
    }
  }
  return ticks.length > 1 ? ticks : linearTicks(low, high, most);
}

const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

function timeTicks(low: number, high: number, most: number): Tick[] {
  const span = high - low;
  if (!(span > 0)) return [];
  const step = TIME_STEPS.find((one) => span / one <= most) ?? Math.ceil(span / most / 86400) * 86400;
  const offset = new Date(low * 1000).getTimezoneOffset() * 60;
  const ticks: Tick[] = [];
  for (let at = Math.ceil((low - offset) / step) * step + offset; at <= high; at += step) {
    ticks.push({ at, text: clock(at, step) });
  }
  return ticks;
}

function clock(at: number, step: number): string {
  const moment = new Date(at * 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  if (step >= 86400) return `${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  const minutes = `${two(moment.getHours())}:${two(moment.getMinutes())}`;
  return step >= 60 ? minutes : `${minutes}:${two(moment.getSeconds())}`;
}

/** The extent of what can be shown, with some air; `within` leaves rows out. */
export function extent(values: ArrayLike<number>, kind: Kind = 'linear', within?: (i: number) => boolean): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value) || (kind === 'log' && value <= 0) || (within && !within(i))) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return airy(low, high, kind);
}

export function airy(low: number, high: number, kind: Kind, share = 0.04): [number, number] {
  if (!(low <= high)) return kind === 'log' ? [0.1, 10] : [0, 1];
  if (kind === 'log') {
    const air = low === high ? Math.log(2) : (Math.log(high) - Math.log(low)) * share;
    return [low / Math.exp(air), high * Math.exp(air)];
  }
  const air = low === high ? Math.abs(low) * 0.1 || 0.5 : (high - low) * share;
  return [low - air, high + air];
}

/** An extent that a few extreme values do not blow up: Tukey's fences around the middle half. */
export function robustExtent(values: ArrayLike<number>, kind: Kind): [number, number] {
  const whole = extent(values, kind);
  if (kind === 'log') return whole;
  // The quartiles of ten thousand are those of a hundred thousand, near enough.
  const every = Math.max(1, Math.floor(values.length / 10_000));
  const sample = new Float64Array(Math.ceil(values.length / every));
  let n = 0;
  for (let i = 0; i < values.length; i += every) if (Number.isFinite(values[i])) sample[n++] = values[i];
  if (n < 20) return whole;
  const good = sample.subarray(0, n).sort();
  const [q1, q3] = [good[Math.floor(n / 4)], good[Math.floor((n * 3) / 4)]];
  const reach = (q3 - q1) * 3;
  return [Math.max(whole[0], q1 - reach), Math.min(whole[1], q3 + reach)];
}

/** How many values a domain does not show, so that a chart can say so. */
export function countOutside(values: ArrayLike<number>, [low, high]: [number, number], within?: (i: number) => boolean): number {
  let n = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isNaN(values[i]) && (values[i] < low || values[i] > high) && (!within || within(i))) n++;
  return n;
}
