// Numbers and times as people read them.

import { describe, expect, it } from 'vitest';
import { brief, bytes, csvLine, duration, readable, short } from '../src/text';

describe('short', () => {
  it.each([
    [0.1 + 0.2, '0.3'], [1e-5, '1e-5'], [123456789, '1.2346e8'], [0, '0'], [-0.00001234567, '-1.2346e-5'], [100, '100'], [1234.5678, '1234.6'],
    [NaN, 'nan'], [Infinity, 'inf'], [-Infinity, '-inf'], [null, '–'], ['nan', 'nan'], ['adam', 'adam'], [true, 'true'],
  ])('%s is %s', (value, text) => expect(short(value)).toBe(text));
});

it('keeps what was written, and shortens only what was drawn', () => {
  expect(brief('007')).toBe('007');
  expect(brief('1e-6')).toBe('1e-6');
  expect(brief('0.0015506156056709671')).toBe('0.001551');
  expect(brief('a long word indeed')).toBe('a long word indeed');
});

it('tells durations in two units at most', () => {
  expect([0.05, 3.21, 61, 3661, 90_000].map(duration)).toEqual(['50 ms', '3.2 s', '1 min 01 s', '1 h 01 min', '1 d 1 h']);
  expect(duration(null)).toBe('–');
});

it('quotes cells of CSV only where it must', () => {
  expect(csvLine([1, 'a', 'a,b', 'say "hi"', 'two\nlines', null])).toBe('1,a,"a,b","say ""hi""","two\nlines",');
});

it('reads what has parts', () => {
  expect(readable({ name: 'ucb', settings: { kappa: 2 }, none: null, list: [] })).toBe('name ucb, settings kappa 2');
  expect(bytes(1536)).toBe('1.5 KiB');
});
