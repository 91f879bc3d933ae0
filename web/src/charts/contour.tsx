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
import { axisOf } from './parallel';
import type { Pen } from './pen';
import { Plot, type Area } from './plot';
import { brushBoth, brushedAt, nearestDot } from './scatter';
import { placeOf } from './slices';
import { cross, dot } from './pen';

const LEVELS = 10;

export function Contours() {
  const held = trials.value;
  const now = version.value;
  const { mask } = matched.value;
  const names = held.varying();
  const picked = (key: string, other: number) => (names.includes(option(key) ?? '') ? option(key)! : names[other]);
  const [xName, yName] = [picked('p', 0), picked('q', names[1] === picked('p', 0) ? 0 : 1)];
  const doubt = option('doubt') === '1';
  const path = names.length > 1 ? `api/experiments/${openId.value}/contour?metric=${encodeURIComponent(metric.value)}&x=${encodeURIComponent(xName)}&y=${encodeURIComponent(yName)}` : null;
  const { value, error, busy } = useAsked<Contour>(path, now, 8000);
  const axes = useMemo(() => (names.length > 1 ? [axisOf(`parameter:${xName}`), axisOf(`parameter:${yName}`)] : null), [held, now, xName, yName, option('plog')]);
  const map = useMemo(() => {
    if (!value || !axes || !value.x?.length) return null;
    const cells = (doubt ? value.deviation : value.mean).map((line) => line.map(toNumber));
    const flat = cells.flat().filter(Number.isFinite);
    const [low, high] = [Math.min(...flat), Math.max(...flat)];
    return { x: value.x.map((cell) => placeOf(cell, axes[0].spec)), y: value.y.map((cell) => placeOf(cell, axes[1].spec)), cells, low, high };
  }, [value, axes, doubt]);
  const upIsGood = goal.value?.direction === 'maximize' && !doubt;
  const dots = useMemo(() => ({ rows: Array.from({ length: held.n }, (_none, row) => row), x: axes?.[0].values ?? [], y: axes?.[1].values ?? [] }), [axes]);
  const marks = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      if (map) paintMap(pen, area, look, map, upIsGood);
      paintTrials(pen, area, look, dots.x, dots.y, mask);
    },
    [map, dots, mask, upIsGood, selected.value],
  );
  if (!axes) return null;
  const [xColumn, yColumn] = [columnName('parameter', xName), columnName('parameter', yName)];
  return (
    <Plot title={doubt ? `Doubt about ${metric.value}` : `${metric.value} as the model expects it`} height={420} left={70} x={axes[0].spec} y={axes[1].spec} marks={marks}
      nearest={(px, py, area) => nearestDot(dots, mask, px, py, area)} onBrush={axes[1].spec.categories ? undefined : brushBoth(xColumn, yColumn, axes[0].spec.categories)}
      brushed={brushedAt(xColumn, yColumn)}
      csv={() => [csvLine([xName, yName, 'mean', 'deviation']), ...(value?.y ?? []).flatMap((y, j) => (value?.x ?? []).map((x, i) => csvLine([x, y, value!.mean[j]?.[i], value!.deviation[j]?.[i]])))].join('\n')}
      summary={map ? `From ${short(map.low)} to ${short(map.high)} over ${xName} and ${yName}.` : `Trials over ${xName} and ${yName}.`}
      tools={
        <>
          <Pick label="across" value={xName} options={names} set={(name) => choose('p', name)} />
          <Pick label="up" value={yName} options={names} set={(name) => choose('q', name)} />
          <Toggle label="doubt" on={doubt} set={(on) => choose('doubt', on ? '1' : null)} />
        </>
      }
      foot={
        <span class="soft legend">
          {map && <Legend low={map.low} high={map.high} upIsGood={upIsGood} />}
          {error?.message ?? value?.note ?? (busy && !map ? 'The model is being fitted.' : '')}
        </span>
      } />
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

interface GridMap {
  x: number[];
  y: number[];
  cells: number[][];
  low: number;
  high: number;
}

/** The edges of cells, half way between their centres in pixels. */
function edges(centres: number[]): number[] {
  const inner = centres.slice(1).map((at, k) => (at + centres[k]) / 2);
  if (!inner.length) return [centres[0] - 20, centres[0] + 20];
  return [2 * centres[0] - inner[0], ...inner, 2 * centres[centres.length - 1] - inner[inner.length - 1]];
}

function paintMap(pen: Pen, area: Area, look: Look, { x, y, cells, low, high }: GridMap, upIsGood: boolean): void {
  // On whole pixels: no seams, and nothing is painted twice.
  const [ex, ey] = [edges(x.map(area.x.to)).map(Math.round), edges(y.map(area.y.to)).map(Math.round)];
  const span = high - low || 1;
  pen.globalAlpha = 0.8;
  for (let j = 0; j < y.length; j++) {
    for (let i = 0; i < x.length; i++) {
      const share = (cells[j]?.[i] - low) / span;
      if (Number.isNaN(share)) continue;
      const level = Math.min(LEVELS - 1, Math.floor((upIsGood ? share : 1 - share) * LEVELS));
      pen.fillStyle = look.ramp[level];
      pen.fillRect(Math.min(ex[i], ex[i + 1]), Math.min(ey[j], ey[j + 1]), Math.abs(ex[i + 1] - ex[i]), Math.abs(ey[j + 1] - ey[j]));
    }
  }
  pen.globalAlpha = 1;
}

function paintTrials(pen: Pen, area: Area, look: Look, x: ArrayLike<number>, y: ArrayLike<number>, mask: Uint8Array): void {
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
