// One chart for each parameter: the trials, and what the model expects along it with its doubt.

import { useMemo } from 'preact/hooks';
import { matched, metric, openId, trials, version, selected } from '../data/opened';
import { useAsked } from '../data/asked';
import { toNumber, type Cell, type Slice } from '../data/wire';
import { columnName } from '../state/columns';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { csvLine, plural } from '../text';
import { paintBand } from './band';
import { axisOf } from './parallelaxes';
import type { Pen } from './pen';
import { Plot, type Area } from './plot';
import { countOutside, robustExtent, type AxisSpec } from './scale';
import { brushBoth, brushedAt, nearestDot, objectiveTitle, paintDots } from './scatter';

const AT_FIRST = 9;

export function Slices() {
  const names = trials.value.varying();
  const all = option('slices') === 'all' || names.length <= AT_FIRST;
  // The parameter picked in the importance comes first.
  const first = option('p');
  const order = first && names.includes(first) ? [first, ...names.filter((name) => name !== first)] : names;
  const shown = all ? order : order.slice(0, AT_FIRST);
  if (!names.length) return null;
  return (
    <section aria-label="Slices">
      <div class="grid three">
        {shown.map((name) => <SliceChart key={name} name={name} />)}
      </div>
      {!all && (
        <p class="soft">
          Showing {AT_FIRST} of {plural(names.length, 'parameter')}. <button onClick={() => choose('slices', 'all')}>Show all</button>
        </p>
      )}
    </section>
  );
}

/** Where a cell stands on an axis: a number by itself, a text by its place among the categories. */
export function placeOf(cell: Cell, spec: AxisSpec): number {
  return spec.categories ? spec.categories.indexOf(String(cell)) : toNumber(cell);
}

function SliceChart({ name }: { name: string }) {
  const held = trials.value;
  const now = version.value;
  const { mask } = matched.value;
  const path = `api/experiments/${openId.value}/slices?metric=${encodeURIComponent(metric.value)}&parameter=${encodeURIComponent(name)}`;
  const { value } = useAsked<Slice>(path, now, 5000);
  const axis = useMemo(() => axisOf(`parameter:${name}`), [held, now, name, option('plog')]);
  const dots = useMemo(() => {
    return { rows: held.everyRow(), x: axis.values, y: held.numbers(`objective:${metric.value}`) };
  }, [axis, metric.value]);
  const model = useMemo(() => {
    if (!value || value.parameter !== name || !value.x?.length) return null;
    return { x: value.x.map((cell) => placeOf(cell, axis.spec)), mean: value.mean.map(toNumber), low: value.low.map(toNumber), high: value.high.map(toNumber) };
  }, [value, axis]);
  const marks = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      if (model) paintBand(pen, area, look, model.x, model.mean, model.low, model.high);
      paintDots(pen, area, look, dots, mask, 2.4);
    },
    [dots, mask, model, selected.value],
  );
  const y = robustExtent(dots.y, 'linear');
  const outside = countOutside(dots.y, y, (row) => mask[row] === 1);
  const [xColumn, yColumn] = [columnName('parameter', name), columnName('objective', metric.value)];
  return (
    <Plot title={name} height={220} left={54} x={{ ...axis.spec, title: '' }} y={{ kind: 'linear', domain: y, title: objectiveTitle() }} marks={marks}
      nearest={(px, py, area) => nearestDot(dots, mask, px, py, area)} onBrush={brushBoth(xColumn, yColumn, axis.spec.categories)} brushed={brushedAt(xColumn, yColumn)}
      csv={() => [csvLine(['trial', name, metric.value]), ...Array.from(dots.rows.filter((row) => mask[row])).map((row) => csvLine([held.number(row), held.cell(`parameter:${name}`, row), dots.y[row]]))].join('\n')}
      summary={`${metric.value} over ${name}${model ? ', with the mean and the band of the model' : ''}.`}
      foot={value?.note || outside ? <span class="soft">{[value?.note, outside ? `${plural(outside, 'trial')} above or below` : ''].filter(Boolean).join('. ')}</span> : null} />
  );
}
