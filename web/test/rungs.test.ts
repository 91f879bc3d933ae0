// Where searches compare their trials, maps made finer, and what two axes make of a hand.

import { describe, expect, it } from 'vitest';
import { areaOf, moved, stretched, zoomed } from '../src/charts/axes';
import { between, finer } from '../src/charts/contourmap';
import { resourcesOf, rungsOf } from '../src/charts/rungs';

describe('rungs', () => {
  it('are where the rule says, below its end', () => {
    expect(resourcesOf(null, { rule: 'asha', settings: { eta: 3, min_resource: 1, max_resource: 27 } }, 99)).toEqual([1, 3, 9]);
    expect(resourcesOf(null, { rule: 'asha', settings: {} }, 17)).toEqual([1, 4, 16]);
    expect(resourcesOf(null, { rule: 'hyperband', settings: { min_resource: 2 } }, 20)).toEqual([2, 6, 18]);
    expect(resourcesOf({ kind: 'rungs', levels: [3, 9, 27] }, null, 27)).toEqual([3, 9]);
  });

  it.each([['median', {}], ['auto', {}], ['none', {}], ['asha', { eta: 1 }], ['asha', { min_resource: 50 }]])('there are none for %s %j', (rule, settings) => {
    expect(resourcesOf(null, { rule, settings }, 27)).toEqual([]);
  });

  it('folds are compared nowhere on the way', () => {
    expect(resourcesOf({ kind: 'folds', levels: [0, 1, 2] }, null, 3)).toEqual([]);
  });

  it('say how many came and how many of these ended there', () => {
    const curves = [[1, true], [1, true], [3, true], [4, true], [9, false], [27, false]].map(([last, stoppedEarly]) => ({ first: 1, last: last as number, stoppedEarly: stoppedEarly as boolean }));
    const rungs = rungsOf(null, { rule: 'asha', settings: { eta: 3, max_resource: 27 } }, curves);
    expect(rungs).toEqual([{ at: 1, reached: 6, ended: 2 }, { at: 3, reached: 4, ended: 2 }, { at: 9, reached: 2, ended: 0 }]);
  });

  it('begin one step lower where curves begin at step 0', () => {
    expect(rungsOf(null, { rule: 'asha', settings: { eta: 3, max_resource: 9 } }, [{ first: 0, last: 8, stoppedEarly: false }]).map(({ at }) => at)).toEqual([0, 2]);
  });
});

describe('maps', () => {
  it('are straight between what was asked for, and go through it', () => {
    expect(between([0, 4, 2], 4)).toEqual([0, 1, 2, 3, 4, 3.5, 3, 2.5, 2]);
    const map = { x: [0, 10], y: [0, 10], cells: [[0, 1], [2, 3]], low: 0, high: 3 };
    expect(finer(map, true, true, 2).cells).toEqual([[0, 0.5, 1], [1, 1.5, 2], [2, 2.5, 3]]);
    expect(finer(map, false, true, 2).cells).toEqual([[0, 1], [1, 2], [2, 3]]);
    expect(finer({ ...map, cells: [] }, true, true).cells).toEqual([]);
  });
});

describe('two axes in a hand', () => {
  const axes = { x: { kind: 'linear' as const, domain: [0, 100] as [number, number], title: '' }, y: { kind: 'log' as const, domain: [1, 1000] as [number, number], title: '' } };
  const area = areaOf(axes, { x: null, y: null }, 500, 300);

  it('zooming keeps what is under the pointer, moving takes it along', () => {
    const at = area.x.to(30);
    const near = areaOf(axes, { x: zoomed(area.x, 0.5, at), y: null }, 500, 300);
    expect(near.x.to(30)).toBeCloseTo(at, 9);
    expect(near.x.domain[1] - near.x.domain[0]).toBeCloseTo(50, 9);
    expect(areaOf(axes, { x: null, y: moved(area.y, 40) }, 500, 300).y.to(10)).toBeCloseTo(area.y.to(10) + 40, 9);
  });

  it('a stretched picture puts every value where the new axes have it', () => {
    const now = areaOf(axes, { x: zoomed(area.x, 0.4, 200), y: moved(area.y, -25) }, 500, 300);
    const [x, y, w, h] = stretched(area, now, [500, 300])!;
    expect(x * 500 + w * area.x.to(42)).toBeCloseTo(now.x.to(42), 6);
    expect(y * 300 + h * area.y.to(42)).toBeCloseTo(now.y.to(42), 6);
  });
});
