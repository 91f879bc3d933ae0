// The filter's language: what is written is read back, and means what it says.

import { describe, expect, it } from 'vitest';
import { clauseText, filterText, FilterError, parseFilter, withTest } from '../src/state/clauses';
import { match } from '../src/state/matching';
import { Trials } from '../src/data/trials';
// @ts-expect-error made-up data, plain JavaScript so that node can serve it too
import { HOSTILE, makeTrials, trialColumns } from './mock/data.mjs';

function trials(n = 120): Trials {
  const made = new Trials();
  made.apply(trialColumns(makeTrials(n)));
  return made;
}

const passing = (held: Trials, text: string): number[] => {
  const { mask } = match(held, parseFilter(text));
  return Array.from(mask.keys()).filter((row) => mask[row]).map((row) => held.number(row));
};

describe('what is written is read back', () => {
  it.each([
    'lr:0.0001..0.01', 'loss:..0.3', 'optimizer:adam,sgd', 'state:failed', 'trial:1,5,9', 'reason:/memory|nan/', '-state:failed', '"a name":"a, value"',
    'metric:loss:=3', `"${HOSTILE}":"</script>"`, 'word', 'optimizer:"say \\"hi\\""', 'range:"a..b"', 'sign:">=1","-x"',
  ])('%s', (text) => {
    const clauses = parseFilter(text);
    expect(clauses).toHaveLength(1);
    expect(parseFilter(clauseText(clauses[0]))).toEqual(clauses);
  });

  it('joins clauses by spaces outside quotes', () => {
    expect(parseFilter('lr:>1e-3  "two words" -optimizer:sgd').map((one) => one.test.kind)).toEqual(['range', 'word', 'among']);
    const two = parseFilter('lr:1..2 state:failed');
    expect(parseFilter(filterText(two))).toEqual(two);
  });

  it('says what is no number and no pattern', () => {
    expect(() => parseFilter('lr:<abc')).toThrow(FilterError);
    expect(() => parseFilter('reason:/(/')).toThrow(FilterError);
  });
});

describe('what passes', () => {
  const held = trials();
  const lr = held.numbers('lr');

  it('ranges hold their ends, and open ends leave them out', () => {
    const rows = (test: (x: number) => boolean) => Array.from(lr.keys()).filter((row) => test(lr[row]));
    expect(passing(held, 'lr:1e-3..1e-2')).toEqual(rows((x) => x >= 1e-3 && x <= 1e-2));
    expect(passing(held, 'batch:>32')).not.toContain(Array.from(held.numbers('batch')).indexOf(32));
    expect(passing(held, 'batch:=32').every((row) => held.numbers('batch')[row] === 32)).toBe(true);
  });

  it('a missing value is in no range, and is found by its name', () => {
    const none = passing(held, 'momentum:none');
    expect(none.length).toBeGreaterThan(0);
    expect(none.some((row) => passing(held, 'momentum:..').includes(row))).toBe(false);
  });

  it('a state is also an outcome', () => {
    expect(passing(held, 'state:failed').every((row) => held.standing(row) === 'failed')).toBe(true);
    expect(passing(held, 'state:running')).toEqual([117, 118, 119]);
    expect(passing(held, '-state:finished')).toEqual([117, 118, 119]);
  });

  it('hostile names and values are data', () => {
    const found = passing(held, `"${HOSTILE}":"</script>"`);
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((row) => held.cells(HOSTILE)![row] === '</script>')).toBe(true);
  });

  it('a column that is not there lets nothing through', () => expect(passing(held, 'nothing:1')).toEqual([]));
});

it('a brush replaces what was said about its column, and nothing else', () => {
  const before = parseFilter('lr:1..2 state:failed -lr:=1.5');
  const after = withTest(before, 'lr', { kind: 'range', low: 3, high: 4 });
  expect(filterText(after)).toBe('state:failed -lr:=1.5 lr:3..4');
  expect(filterText(withTest(after, 'lr', null))).toBe('state:failed -lr:=1.5');
});
