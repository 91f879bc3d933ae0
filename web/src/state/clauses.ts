// The language of the one filter: what is typed, what a brush writes, and what stands in the address are the same text.
//
// `lr:1e-4..1e-2` a range · `loss:<0.3` · `optimizer:adam,sgd` one of these · `state:failed` · `trial:1,5,9` ·
// `reason:/memory/` a pattern · `-state:failed` not · a bare word is looked for in every text of the row.
// A name or value with spaces stands in quotes. Clauses are joined by "and". Pure: it knows no trials.

export type Test =
  | { kind: 'range'; low: number; high: number }
  | { kind: 'among'; values: string[] }
  | { kind: 'pattern'; source: string }
  | { kind: 'word'; text: string };

export interface Clause {
  column: string; // empty for a bare word
  not: boolean;
  test: Test;
}

export class FilterError extends Error {}

/** Splits at spaces outside quotes and patterns. */
function pieces(text: string): string[] {
  return text.match(/(?:"(?:\\.|[^"\\])*"?|:\/(?:\\.|[^/\\])*\/?|[^\s"])+/g) ?? [];
}

function unquoted(text: string): string {
  return text.replace(/"((?:\\.|[^"\\])*)"?/g, (_all, held: string) => held.replace(/\\(.)/g, '$1'));
}

/** Quotes round what would otherwise mean something else: a comparison, a range, a pattern, a "not". */
export function quoted(text: string): string {
  return /^[^\s":,/\\<>=-][^\s":,\\]*$/.test(text) && !text.includes('..') ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

function asNumber(text: string): number {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return text.trim() === '' ? NaN : Number(text);
}

/** The numbers next to `x`: an open end is a closed one a step further on. */
function nextTo(x: number, up: boolean): number {
  const step = Math.max(Math.abs(x) * Number.EPSILON, Number.MIN_VALUE);
  return up ? x + step : x - step;
}

function parseTest(text: string): Test {
  if (text.startsWith('/')) {
    const source = text.slice(1).replace(/\/$/, '');
    try {
      new RegExp(source, 'i');
    } catch {
      throw new FilterError(`/${source}/ is no pattern`);
    }
    return { kind: 'pattern', source };
  }
  const compared = /^(<=|>=|<|>|=)(.+)$/s.exec(text);
  if (compared) {
    const bound = asNumber(compared[2]);
    if (Number.isNaN(bound)) throw new FilterError(`${compared[2]} is no number`);
    switch (compared[1]) {
      case '<':
        return { kind: 'range', low: -Infinity, high: nextTo(bound, false) };
      case '<=':
        return { kind: 'range', low: -Infinity, high: bound };
      case '>':
        return { kind: 'range', low: nextTo(bound, true), high: Infinity };
      case '>=':
        return { kind: 'range', low: bound, high: Infinity };
      default:
        return { kind: 'range', low: bound, high: bound };
    }
  }
  const between = /^([^"]*?)\.\.([^"]*)$/s.exec(text);
  if (between) {
    const low = between[1] === '' ? -Infinity : asNumber(between[1]);
    const high = between[2] === '' ? Infinity : asNumber(between[2]);
    if (!Number.isNaN(low) && !Number.isNaN(high)) return { kind: 'range', low, high };
  }
  const values = text.match(/(?:"(?:\\.|[^"\\])*"?|[^,"])+/g) ?? [];
  return { kind: 'among', values: values.map(unquoted) };
}

/** Reads a filter. **Raises** `FilterError` for what cannot be meant. */
export function parseFilter(text: string): Clause[] {
  return pieces(text).map((piece) => {
    const not = piece.startsWith('-') && piece.length > 1;
    const body = not ? piece.slice(1) : piece;
    // The column ends at the first colon outside quotes, but `metric:` and its like belong to the name.
    const named = /^((?:(?:parameter|metric|objective|column):)?(?:"(?:\\.|[^"\\])*"|[^":])+):(.+)$/s.exec(body);
    if (!named) return { column: '', not, test: { kind: 'word', text: unquoted(body).toLowerCase() } };
    return { column: unquoted(named[1]), not, test: parseTest(named[2]) };
  });
}

function testText(test: Test): string {
  switch (test.kind) {
    case 'range': {
      const low = test.low === -Infinity ? '' : String(test.low);
      const high = test.high === Infinity ? '' : String(test.high);
      return test.low === test.high ? `=${low}` : `${low}..${high}`;
    }
    case 'among':
      return test.values.map(quoted).join(',');
    case 'pattern':
      return `/${test.source}/`;
    case 'word':
      return quoted(test.text);
  }
}

function columnText(column: string): string {
  const said = /^(parameter|metric|objective|column):(.*)$/s.exec(column);
  return said ? `${said[1]}:${quoted(said[2])}` : quoted(column);
}

export function clauseText({ column, not, test }: Clause): string {
  return `${not ? '-' : ''}${column ? `${columnText(column)}:` : ''}${testText(test)}`;
}

export function filterText(clauses: readonly Clause[]): string {
  return clauses.map(clauseText).join(' ');
}

/** The clauses with what is said about `column` replaced; no test takes it away. */
export function withTest(clauses: readonly Clause[], column: string, test: Test | null): Clause[] {
  const others = clauses.filter((clause) => clause.column !== column || clause.not);
  return test ? [...others, { column, not: false, test }] : others;
}
