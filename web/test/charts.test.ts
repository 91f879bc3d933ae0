// Scales, ticks, the best so far, smoothing, lanes of the timeline, facets and log lines: everything pure that is drawn.

import { describe, expect, it } from 'vitest';
import { bestSoFar, goodness } from '../src/charts/best';
import { countOutside, extent, linearTicks, logTicks, makeScale, robustExtent } from '../src/charts/scale';
import { nearestIndex, smoothed } from '../src/charts/smoothing';
import { SvgPen } from '../src/charts/svgpen';
import { overwritten, pieces } from '../src/parts/ansi';
import { pause } from '../src/data/live';
import { parseRoute } from '../src/state/route';
// @ts-expect-error made-up data, plain JavaScript so that node can serve it too
import { chance } from './mock/data.mjs';

describe('scales', () => {
  it.each(['linear', 'log'] as const)('%s: back and forth', (kind) => {
    const scale = makeScale({ kind, domain: [0.001, 10], title: '' }, [0.001, 10], 50, 450);
    for (const x of [0.001, 0.02, 1, 10]) expect(scale.from(scale.to(x))).toBeCloseTo(x, 10);
    expect(scale.to(0.001)).toBeCloseTo(50, 9);
    expect(scale.to(10)).toBeCloseTo(450, 9);
  });

  it('a log axis has no place for what is not above zero, and none has one for nan', () => {
    const scale = makeScale({ kind: 'log', domain: [1, 10], title: '' }, [1, 10], 0, 100);
    expect([0, -1, NaN, Infinity].map(scale.to)).toEqual([NaN, NaN, NaN, NaN]);
  });

  it('ticks are round, inside, and no more than asked for', () => {
    const random = chance(3);
    for (let k = 0; k < 300; k++) {
      const low = (random() - 0.5) * 10 ** Math.floor(random() * 8 - 3);
      const high = low + random() * 10 ** Math.floor(random() * 8 - 3) + 1e-6;
      const ticks = linearTicks(low, high, 6);
      expect(ticks.length).toBeLessThanOrEqual(7);
      for (const { at } of ticks) expect(at >= low - (high - low) * 1e-6 && at <= high + (high - low) * 1e-6).toBe(true);
    }
    expect(logTicks(1e-5, 0.1, 8).map((tick) => tick.text)).toEqual(['1e-5', '0.0001', '0.001', '0.01', '0.1']);
    expect(logTicks(0.2, 0.5, 5).length).toBeGreaterThan(1);
  });

  it('an extent leaves out what is no number, and is never empty', () => {
    expect(extent([NaN, Infinity, 1, 3])[0]).toBeLessThan(1);
    expect(extent([])).toEqual([0, 1]);
    const [low, high] = extent([5, 5]);
    expect(low < 5 && high > 5).toBe(true);
  });

  it('a few extreme values do not blow an axis up, and are counted', () => {
    const values = [...Array.from({ length: 100 }, (_none, k) => k / 100), 1e9];
    const domain = robustExtent(values, 'linear');
    expect(domain[1]).toBeLessThan(10);
    expect(countOutside(values, domain)).toBe(1);
  });
});

describe('the best so far', () => {
  it('goes by x, leaves out what has no value and what does not count', () => {
    const steps = bestSoFar([3, 1, 2, 4], [1, 5, NaN, 0.5], 'minimize', (row) => row !== 3);
    expect(steps).toEqual({ rows: [1, 0], x: [1, 3], y: [5, 1] });
  });

  it('goodness is by rank', () => {
    expect(Array.from(goodness([1, 1e9, NaN, 2], 'minimize'))).toEqual([1, 0, NaN, 0.5]);
    expect(Array.from(goodness([1, 1e9, 2], 'maximize'))).toEqual([0, 1, 0.5]);
  });
});

it('smoothing keeps a constant, and a nan stands alone', () => {
  expect(Array.from(smoothed(Float64Array.of(2, 2, NaN, 2), 0.9)).map((x) => Math.round(x * 1e9) / 1e9)).toEqual([2, 2, NaN, 2]);
  expect(nearestIndex(Float64Array.of(1, 2, 4, 8), 5)).toBe(2);
});

it('colours of a terminal become classes, all other sequences vanish, text stays text', () => {
  expect(pieces('\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link<b>\x1b[2K')).toEqual([
    { text: 'red', style: 'a-bold a-red' }, { text: ' ', style: '' }, { text: 'link<b>', style: '' },
  ]);
  expect(overwritten('10 %\r50 %\r100 %')).toBe('100 %');
});

it('an SVG has no markup but its own', () => {
  const pen = new SvgPen(10, 10, { font: '', measureText: () => ({ width: 1 }) });
  pen.fillText('<script>alert("1")</script>&', 1, 1);
  pen.fillStyle = '"><script>';
  pen.fillRect(0, 0, 1, 1);
  expect(pen.text()).not.toMatch(/<script/);
  expect(pen.text()).toContain('&#60;script&#62;');
  pen.fillText('nul \u0000 bell \u0007 mark \ufeff 😀', 1, 1); // XML has no place for the first two
  expect(pen.text()).toContain('nul \ufffd bell \ufffd mark \ufeff 😀');
});

it('tries again later and later, never at the same time as others', () => {
  expect(pause(0, 0)).toBe(200);
  expect(pause(3, 1)).toBe(3200);
  expect(pause(50, 1)).toBe(10_000);
});

it('an address is a place and its choices', () => {
  const { parts, options } = parseRoute('#/3/trials?f=lr%3A1..2&sort=-loss');
  expect(parts).toEqual(['3', 'trials']);
  expect(options.get('f')).toBe('lr:1..2');
});
