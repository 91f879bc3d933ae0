// The facet chart: the same small chart for each value of one parameter, side by side on the same axes.

import { useMemo } from 'preact/hooks';
import { matched, metric, selected, trials, version } from '../data/opened';
import { categoriesOf, columnName, isNumeric } from '../state/columns';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { count, csvLine, plural, short } from '../text';
import { Nothing, Pick } from '../parts/controls';
import { ordered } from '../data/ranks';
import { axisOf } from './parallelaxes';
import { dashed, type Pen } from './pen';
import { Plot, type Area } from './plot';
import { countOutside, extent, robustExtent, type AxisSpec } from './scale';
import { brushBoth, brushedAt, nearestDot, objectiveTitle, paintDots } from './scatter';

const MOST = 24;
const PARTS = 4; // of a parameter that is a number

interface Facet {
  title: string;
  rows: number[];
}

/** The rows by the value of a column; a number is cut into parts with as many trials each. */
export function facetsOf(values: Float64Array, categories: string[] | null, mask: Uint8Array): Facet[] {
  const rows: number[] = [];
  for (let row = 0; row < mask.length; row++) if (mask[row]) rows.push(row);
  const none = rows.filter((row) => Number.isNaN(values[row]));
  const missing = none.length ? [{ title: 'none', rows: none }] : [];
  if (categories) {
    const made: Facet[] = categories.map((title) => ({ title, rows: [] }));
    for (const row of rows) made[values[row]]?.rows.push(row);
    return [...made, ...missing];
  }
  const sorted = Array.from(ordered(values)).filter((row) => mask[row] && !Number.isNaN(values[row]));
  const different = new Set(sorted.map((row) => values[row]));
  if (different.size <= 8) return [...[...different].map((value) => ({ title: short(value), rows: sorted.filter((row) => values[row] === value) })), ...missing];
  const parts = Array.from({ length: PARTS }, (_none, k) => sorted.slice(Math.floor((k * sorted.length) / PARTS), Math.floor(((k + 1) * sorted.length) / PARTS)));
  return [...parts.filter((part) => part.length).map((part) => ({ title: `${short(values[part[0]], 3)} … ${short(values[part[part.length - 1]], 3)}`, rows: part })), ...missing];
}

export function Facets() {
  const held = trials.value;
  const now = version.value;
  const { mask } = matched.value;
  const names = held.varying();
  const firstChoice = names.find((name) => !isNumeric(name)) ?? names[0];
  const by = names.includes(option('by') ?? '') ? option('by')! : firstChoice;
  const across = option('x') !== null && names.includes(option('x')!) ? option('x')! : 'trial';
  const facets = useMemo(() => (by ? facetsOf(axisOf(`parameter:${by}`).values, isNumeric(by) ? null : categoriesOf(by), mask) : []), [held, now, mask, by]);
  const axis = useMemo((): { spec: AxisSpec; values: Float64Array; column: string } => {
    if (across !== 'trial') return axisOf(`parameter:${across}`);
    const values = held.numbers('number');
    return { spec: { kind: 'linear', domain: extent(values), title: 'trial' }, values, column: 'trial' };
  }, [held, now, across, option('plog')]);
  const y = held.numbers(`objective:${metric.value}`);
  const domain = useMemo(() => robustExtent(y, 'linear'), [held, now, metric.value]);
  if (!by) return <Nothing>Facets need a parameter that varies. Let a few trials finish.</Nothing>;
  const shown = facets.slice(0, MOST);
  return (
    <section aria-label="Facets">
      <div class="row-of-tools">
        <Pick label="a chart for each" value={by} options={names} set={(name) => choose('by', name)} />
        <Pick label="across" value={across} options={['trial', ...names]} set={(name) => choose('x', name === 'trial' ? null : name)} />
        {facets.length > MOST && <span class="soft">Showing {MOST} of {plural(facets.length, 'value')}.</span>}
      </div>
      <div class="grid three">
        {shown.map((facet) => <Panel key={facet.title} facet={facet} by={by} axis={axis} y={y} domain={domain} mask={mask} />)}
      </div>
    </section>
  );
}

function cellsAt(values: Float64Array, rows: number[]): Float64Array {
  const made = new Float64Array(rows.length);
  for (let k = 0; k < rows.length; k++) made[k] = values[rows[k]];
  return made;
}

interface PanelProps {
  facet: Facet;
  by: string;
  axis: { spec: AxisSpec; values: Float64Array; column: string };
  y: Float64Array;
  domain: [number, number];
  mask: Uint8Array;
}

function Panel({ facet, by, axis, y, domain, mask }: PanelProps) {
  const dots = useMemo(() => ({ rows: facet.rows, x: cellsAt(axis.values, facet.rows), y: cellsAt(y, facet.rows) }), [facet, axis, y]);
  const middle = useMemo(() => {
    const good = dots.y.filter(Number.isFinite).sort();
    return good.length ? good[Math.floor(good.length / 2)] : NaN;
  }, [dots]);
  const marks = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      const at = area.y.to(middle);
      if (!Number.isNaN(at)) {
        pen.strokeStyle = look.best;
        pen.lineWidth = 1.4;
        dashed(pen, [area.left, at], [area.right, at], [4, 3]);
      }
      paintDots(pen, area, look, dots, mask, 2.6);
    },
    [dots, mask, middle, selected.value],
  );
  const yColumn = columnName('objective', metric.value);
  const outside = countOutside(dots.y, domain);
  return (
    <Plot title={`${by} = ${facet.title}`} height={220} left={54} x={{ ...axis.spec, title: axis.spec.title }} y={{ kind: 'linear', domain, title: objectiveTitle() }} marks={marks}
      nearest={(px, py, area) => nearestDot(dots, mask, px, py, area)} onBrush={brushBoth(axis.column, yColumn, axis.spec.categories)} brushed={brushedAt(axis.column, yColumn)}
      csv={() => [csvLine(['trial', axis.spec.title, metric.value]), ...dots.rows.map((row, k) => csvLine([trials.peek().number(row), dots.x[k], dots.y[k]]))].join('\n')}
      summary={`${plural(facet.rows.length, 'trial')}, median ${short(middle)}.`}
      foot={<span class="soft">{plural(facet.rows.length, 'trial')} · median {short(middle)}{outside ? ` · ${count(outside)} above or below` : ''}</span>} />
  );
}
