// What the model expects over two parameters, as a map with the trials on it; or how sure it is.

import { useMemo } from 'preact/hooks';
import { goal, matched, metric, openId, selected, trials, version } from '../data/opened';
import { useAsked } from '../data/asked';
import { toNumber, type Contour } from '../data/wire';
import { columnName } from '../state/columns';
import { choose, option } from '../state/route';
import { look as looks, type Look } from '../state/theme';
import { csvLine, short } from '../text';
import { Pick, Toggle } from '../parts/controls';
import { MANY, paintCrowd } from './crowd';
import { finer, paintMap, type GridMap } from './contourmap';
import { axisOf } from './parallelaxes';
import { cross, dot, type Pen } from './pen';
import { Plot, type Area } from './plot';
import type { AxisSpec } from './scale';
import { brushBoth, brushedAt, nearestDot } from './scatter';
import { placeOf } from './slices';

type Axes = [ReturnType<typeof axisOf>, ReturnType<typeof axisOf>];

export function Contours() {
  const names = trials.value.varying();
  const picked = (key: string, other: number) => (names.includes(option(key) ?? '') ? option(key)! : names[other]);
  const xName = picked('p', 0);
  const yName = picked('q', names[1] === xName ? 0 : 1);
  return names.length > 1 ? <Surface names={names} xName={xName} yName={yName} /> : null;
}

function Surface({ names, xName, yName }: { names: string[]; xName: string; yName: string }) {
  const held = trials.value;
  const now = version.value;
  const { mask } = matched.value;
  const doubt = option('doubt') === '1';
  const path = `api/experiments/${openId.value}/contour?metric=${encodeURIComponent(metric.value)}&x=${encodeURIComponent(xName)}&y=${encodeURIComponent(yName)}`;
  const { value, error, busy } = useAsked<Contour>(path, now, 8000);
  const axes = useMemo((): Axes => [axisOf(`parameter:${xName}`), axisOf(`parameter:${yName}`)], [held, now, xName, yName, option('plog')]);
  const map = useMemo(() => mapOf(value, axes, doubt), [value, axes, doubt]);
  const upIsGood = goal.value?.direction === 'maximize' && !doubt;
  const dots = useMemo(() => ({ rows: held.everyRow(), x: axes[0].values, y: axes[1].values }), [axes]);
  const marks = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      if (map) paintMap(pen, look, onScreen(map, area, axes), upIsGood);
      paintTrials(pen, area, look, dots.x, dots.y, mask);
    },
    [map, dots, mask, upIsGood, selected.value],
  );
  const [xColumn, yColumn] = [columnName('parameter', xName), columnName('parameter', yName)];
  return (
    <Plot title={doubt ? `Doubt about ${metric.value}` : `${metric.value} as the model expects it`} height={420} left={70} x={axes[0].spec} y={axes[1].spec} marks={marks}
      nearest={(px, py, area) => nearestDot(dots, mask, px, py, area)} onBrush={axes[1].spec.categories ? undefined : brushBoth(xColumn, yColumn, axes[0].spec.categories)}
      brushed={brushedAt(xColumn, yColumn)} csv={() => csvOf(value, xName, yName)}
      summary={map ? `From ${short(map.low)} to ${short(map.high)} over ${xName} and ${yName}.` : `Trials over ${xName} and ${yName}.`}
      tools={<Tools names={names} xName={xName} yName={yName} doubt={doubt} />}
      foot={
        <span class="soft legend">
          {map && <Legend low={map.low} high={map.high} upIsGood={upIsGood} />}
          {error?.message ?? value?.note ?? (busy && !map ? 'The model is being fitted.' : '')}
        </span>
      } />
  );
}

function mapOf(value: Contour | null, axes: Axes, doubt: boolean): GridMap | null {
  if (!value?.x?.length) return null;
  const cells = (doubt ? value.deviation : value.mean).map((line) => line.map(toNumber));
  const flat = cells.flat().filter(Number.isFinite);
  const places = (list: Contour['x'], spec: AxisSpec) => list.map((cell) => placeOf(cell, spec));
  return { x: places(value.x, axes[0].spec), y: places(value.y, axes[1].spec), cells, low: Math.min(...flat), high: Math.max(...flat) };
}

/** The map in pixels, and finer. */
function onScreen(map: GridMap, area: Area, [x, y]: Axes): GridMap {
  return finer({ ...map, x: map.x.map(area.x.to), y: map.y.map(area.y.to) }, !x.spec.categories, !y.spec.categories);
}

function csvOf(value: Contour | null, xName: string, yName: string): string {
  const rows = (value?.y ?? []).flatMap((y, j) => (value?.x ?? []).map((x, i) => csvLine([x, y, value!.mean[j]?.[i], value!.deviation[j]?.[i]])));
  return [csvLine([xName, yName, 'mean', 'deviation']), ...rows].join('\n');
}

function Tools({ names, xName, yName, doubt }: { names: string[]; xName: string; yName: string; doubt: boolean }) {
  return (
    <>
      <Pick label="across" value={xName} options={names} set={(name) => choose('p', name)} />
      <Pick label="up" value={yName} options={names} set={(name) => choose('q', name)} />
      <Toggle label="doubt" on={doubt} set={(on) => choose('doubt', on ? '1' : null)} />
    </>
  );
}

function Legend({ low, high, upIsGood }: { low: number; high: number; upIsGood: boolean }) {
  const ramp = upIsGood ? looks.value.ramp : [...looks.value.ramp].reverse();
  return (
    <span class="ramp">
      {short(low, 3)}
      {ramp.map((colour) => <i key={colour} style={{ background: colour }} />)}
      {short(high, 3)}
    </span>
  );
}

function paintTrials(pen: Pen, area: Area, look: Look, x: ArrayLike<number>, y: ArrayLike<number>, mask: Uint8Array): void {
  if (mask.length > MANY) return paintAllTrials(pen, area, look, x, y, mask);
  const held = trials.peek();
  for (let row = 0; row < mask.length; row++) {
    const [px, py] = [area.x.to(x[row]), area.y.to(y[row])];
    if (Number.isNaN(px) || Number.isNaN(py)) continue;
    pen.globalAlpha = mask[row] ? 0.9 : 0.15;
    pen.beginPath();
    pen.strokeStyle = look.raised;
    pen.fillStyle = look.ink;
    pen.lineWidth = 1.2;
    if (/failed|timed|memory/.test(held.standing(row))) {
      pen.strokeStyle = look.ink;
      cross(pen, px, py, 3);
      pen.stroke();
    } else {
      dot(pen, px, py, held.number(row) === selected.peek() ? 6 : 3);
      pen.fill();
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
}

/** So many that they would hide the map, were they not faint. */
function paintAllTrials(pen: Pen, area: Area, look: Look, x: ArrayLike<number>, y: ArrayLike<number>, mask: Uint8Array): void {
  const rows = trials.peek().everyRow();
  pen.fillStyle = look.ink;
  pen.globalAlpha = 0.06;
  paintCrowd(pen, area, rows.filter((row) => !mask[row]), x, y);
  pen.globalAlpha = 0.3;
  paintCrowd(pen, area, rows.filter((row) => mask[row] === 1), x, y);
  pen.globalAlpha = 1;
}
