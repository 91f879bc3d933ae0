// The Pareto front: trials that no other trial beats in every goal, joined by a line.

import { useMemo } from 'preact/hooks';
import { details, matched, openId, selected, trials, version } from '../data/opened';
import { useAsked } from '../data/asked';
import type { Front } from '../data/wire';
import { columnName } from '../state/columns';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { csvLine, plural } from '../text';
import { Pick, Trouble } from '../parts/controls';
import { dot, type Pen } from './pen';
import { Plot, type Area } from './plot';
import { extent, robustExtent } from './scale';
import { brushBoth, brushedAt, nearestDot, paintDots } from './scatter';

export function FrontChart() {
  const goals = details.value!.goals;
  const held = trials.value;
  const now = version.value;
  const { mask } = matched.value;
  const { value, error } = useAsked<Front>(`api/experiments/${openId.value}/front`, now, 1000);
  const names = goals.map((goal) => goal.metric);
  const [xName, yName] = ['gx', 'gy'].map((key, k) => (names.includes(option(key) ?? '') ? option(key)! : names[k]));
  const dots = useMemo(() => {
    const rows = Array.from({ length: held.n }, (_none, row) => row);
    return { rows, x: held.numbers(`objective:${xName}`), y: held.numbers(`objective:${yName}`) };
  }, [held, now, xName, yName]);
  const front = value?.front ?? [];
  const marks = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      paintDots(pen, area, look, dots, mask);
      paintFront(pen, area, look, dots, front.map((number) => held.rowOf(number)), goals.length === 2);
    },
    [dots, mask, value, selected.value],
  );
  if (error && !value) return <Trouble error={error} />;
  const [xColumn, yColumn] = [columnName('objective', xName), columnName('objective', yName)];
  const wordOf = (name: string) => `${name} (${goals.find((goal) => goal.metric === name)?.direction})`;
  return (
    <Plot title="Pareto front" height={460} x={{ kind: 'linear', domain: robustOrAll(dots.x), title: wordOf(xName) }}
      y={{ kind: 'linear', domain: robustOrAll(dots.y), title: wordOf(yName) }} marks={marks}
      nearest={(px, py, area) => nearestDot(dots, mask, px, py, area)} onBrush={brushBoth(xColumn, yColumn, undefined)} brushed={brushedAt(xColumn, yColumn)}
      csv={() => [csvLine(['trial', ...names]), ...front.map((number) => csvLine([number, ...names.map((name) => held.cell(`objective:${name}`, held.rowOf(number)))]))].join('\n')}
      summary={`${plural(front.length, 'trial')} on the front: ${front.join(', ')}.`}
      tools={
        names.length > 2 && (
          <>
            <Pick label="across" value={xName} options={names} set={(name) => choose('gx', name)} />
            <Pick label="up" value={yName} options={names} set={(name) => choose('gy', name)} />
          </>
        )
      }
      foot={<span class="soft">{plural(front.length, 'trial')} on the front: none is better in every goal.</span>} />
  );
}

/** The trials of the front larger, and joined where there are two goals. */
function paintFront(pen: Pen, area: Area, look: Look, { x, y }: { x: Float64Array; y: Float64Array }, front: number[], isJoined: boolean): void {
  const rows = front.filter((row) => row >= 0).sort((a, b) => x[a] - x[b]);
  pen.strokeStyle = pen.fillStyle = look.best;
  pen.lineWidth = 1.6;
  if (isJoined) {
    pen.beginPath();
    rows.forEach((row, k) => (k ? pen.lineTo(area.x.to(x[row]), area.y.to(y[row])) : pen.moveTo(area.x.to(x[row]), area.y.to(y[row]))));
    pen.globalAlpha = 0.6;
    pen.stroke();
  }
  pen.globalAlpha = 1;
  pen.beginPath();
  for (const row of rows) dot(pen, area.x.to(x[row]), area.y.to(y[row]), 4.5);
  pen.fill();
}

const robustOrAll = (values: Float64Array) => (values.length > 200 ? robustExtent(values, 'linear') : extent(values));
