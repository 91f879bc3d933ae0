// Numbers, durations and moments as people read them. Pure, and the same words as the command line uses.

import type { Cell } from './data/wire';

/** Five figures at most, never a rounding that invents digits; what is no number says which. */
export function short(value: Cell | undefined, figures = 5): string {
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'number') return String(value);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return String(value);
  if (size >= 1e6 || size < 1e-4) return trimmed(value.toExponential(figures - 1));
  return trimmed(value.toPrecision(figures));
}

function trimmed(text: string): string {
  const [digits, power] = text.split('e');
  const plain = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
  return power === undefined ? plain : `${plain}e${power.replace('+', '')}`;
}

/** A value as it was written, unless it is a drawn number in full: then a few figures of it. */
export function brief(value: Cell | undefined, figures = 4): string {
  if (typeof value !== 'string' || value.length < 10) return short(value, figures);
  const number = Number(value);
  return value.trim() === '' || Number.isNaN(number) ? value : short(number, figures);
}

const grouping = new Intl.NumberFormat('en-US'); // made once: a number's own method makes one each time

export function count(n: number): string {
  return grouping.format(n);
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  if (seconds < 0.1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

export function moment(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  const at = new Date(seconds * 1000);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function ago(seconds: number, now = Date.now() / 1000): string {
  const gone = Math.max(0, now - seconds);
  if (gone < 5) return 'just now';
  if (gone < 60) return `${Math.round(gone)} s ago`;
  if (gone < 3600) return `${Math.round(gone / 60)} min ago`;
  if (gone < 86_400) return `${Math.round(gone / 3600)} h ago`;
  return `${Math.round(gone / 86_400)} d ago`;
}

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  if (n < 1024 ** 2) return `${(n / 1024).toFixed(1)} KiB`;
  if (n < 1024 ** 3) return `${(n / 1024 ** 2).toFixed(1)} MiB`;
  return `${(n / 1024 ** 3).toFixed(1)} GiB`;
}

/** One line of a CSV file: quoted only where it must be. */
export function csvLine(cells: readonly unknown[]): string {
  return cells.map(csvCell).join(',');
}

function csvCell(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  const text = String(cell);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What has parts, as a sentence: `name bayesian, settings kappa 2`. Empty for what says nothing. */
export function readable(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(readable).join(', ');
  if (value && typeof value === 'object') {
    return Object.entries(value).filter(([, held]) => readable(held) !== '').map(([key, held]) => `${key.replaceAll('_', ' ')} ${readable(held)}`).join(', ');
  }
  return typeof value === 'number' ? short(value) : String(value);
}
