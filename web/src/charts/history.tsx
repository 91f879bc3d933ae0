// The history of a search: every trial's value, the best so far, and the trials that have no value along the bottom.

import { useMemo } from 'preact/hooks';
import { details, filterByAll, goal, matched, metric, rangeOf, select, selected, trials, version } from '../data/opened';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { count, csvLine, plural, short } from '../text';
import { columnName } from '../state/columns';
import { Toggle } from '../parts/controls';
import { TrialTip } from '../parts/trialtip';
import { bestSoFar } from './best';
import { cross, dot, wedge, type Pen } from './pen';
import { Plot, type Area, type Box } from './plot';
import { countOutside, extent, robustExtent, type AxisSpec, type Kind } from './scale';
import { markOf } from './standing';

/** When a trial had its value: its end, or now for one that runs. */
function hoursSince(start: number): Float64Array {
  const held = trials.value;
  const [ended, began, created] = ['ended', 'began', 'created'].map((name) => held.numbers(name));
  return Float64Array.from({ length: held.n }, (_none, row) => {
    const at = [ended[row], began[row], created[row]].find((moment) => !Number.isNaN(moment)) ?? NaN;
    return (at - start) / 60;
  });
}

export function History({ height = 300 }: { height?: number }) {
  const held = trials.value;
  const now = version.value;
  const { mask, n } = matched.value;
  const name = metric.value;
  const direction = goal.value?.direction ?? 'minimize';
  const byTime = option('hx') === 'time';
  const log = option('hy') === 'log';
  const all = option('hall') === '1';
  const chosen = selected.value;
  const start = details.value?.created ?? 0;

  const data = useMemo(() => {
    const y = held.numbers(`objective:${name}`);
    const numbers = held.numbers('number');
    const x = byTime ? hoursSince(start) : numbers;
    // Where nothing has a value yet, a running trial is still shown: along the bottom.
    const best = bestSoFar(x, y, direction, (row) => held.standing(row) === 'succeeded' || held.standing(row) === 'waiting');
    return { x, y, best };
  }, [held, now, name, byTime, direction, start]);

  const axes = useMemo((): { x: AxisSpec; y: AxisSpec } => {
    const kind = log ? 'log' : 'linear';
    return {
      x: { kind: 'linear', domain: extent(data.x), title: byTime ? 'minutes since the search began' : 'trial' },
      y: { kind, domain: withStrip((all ? extent : robustExtent)(data.y, kind), kind), title: `${name} (${direction})` },
    };
  }, [data, log, byTime, all, name, direction]);

  const marks = useMemo(
    () => (pen: Pen, area: Area, look: Look) => paintHistory(pen, area, look, data, mask, direction),
    [data, mask],
  );
  const over = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      const row = chosen === null ? -1 : held.rowOf(chosen);
      if (row < 0) return;
      pen.strokeStyle = look.ink;
      pen.lineWidth = 2;
      pen.beginPath();
      const y = area.y.to(data.y[row]);
      dot(pen, area.x.to(data.x[row]), Number.isNaN(y) ? area.bottom - 5 : y, 7);
      pen.stroke();
    },
    [data, chosen],
  );
  const nearest = (px: number, py: number, area: Area) => {
    let [found, distance] = [-1, 24 ** 2];
    for (let row = 0; row < data.y.length; row++) {
      if (!mask[row]) continue;
      const y = area.y.to(data.y[row]);
      const d = (area.x.to(data.x[row]) - px) ** 2 + ((Number.isNaN(y) ? area.bottom - 5 : y) - py) ** 2;
      if (d < distance) [found, distance] = [row, d];
    }
    if (found < 0) return null;
    const y = area.y.to(data.y[found]);
    return {
      x: area.x.to(data.x[found]),
      y: Number.isNaN(y) ? area.bottom - 5 : y,
      lines: <TrialTip row={found} />,
      pick: () => select(held.number(found)),
    };
  };
  const yColumn = columnName('objective', name);
  const onBrush = (box: Box | null) =>
    filterByAll([
      [yColumn, box && { kind: 'range', low: tidy(box.y[0], axes.y), high: tidy(box.y[1], axes.y) }],
      ['trial', box && !byTime ? { kind: 'range', low: Math.ceil(box.x[0]), high: Math.floor(box.x[1]) } : null],
    ]);
  const outside = countOutside(data.y, axes.y.domain, (row) => mask[row] === 1);
  const csv = () =>
    [csvLine(['trial', 'state', byTime ? 'minutes' : 'x', name]), ...Array.from({ length: held.n }, (_n, row) => row)
      .filter((row) => mask[row])
      .map((row) => csvLine([held.number(row), held.standing(row), data.x[row], data.y[row]]))].join('\n');
  const last = data.best.y[data.best.y.length - 1];
  return (
    <Plot title="History" height={height} x={axes.x} y={axes.y} marks={marks} over={over} nearest={nearest} onBrush={onBrush}
      brushed={{ y: rangeOf(yColumn), x: byTime ? null : rangeOf('trial') }} csv={csv}
      summary={`${plural(n, 'trial')} shown of ${count(held.n)}. Best ${name} so far ${short(last)}, after ${plural(data.best.y.length, 'improvement')}.`}
      tools={
        <>
          <Toggle label="by time" on={byTime} set={(on) => choose('hx', on ? 'time' : null)} />
          <Toggle label="log" on={log} set={(on) => choose('hy', on ? 'log' : null)} />
          {(outside > 0 || all) && (
            <Toggle label={all ? 'all values' : `all values (${count(outside)} outside)`} on={all} set={(on) => choose('hall', on ? '1' : null)} />
          )}
        </>
      }
      foot={<Legend />}
      empty={held.n === 0 ? 'No trial yet. The first one appears here as soon as it is proposed.' : null} />
  );
}

/** Room along the bottom for trials without a value, and for what is written at the best line. */
function withStrip([low, high]: [number, number], kind: Kind): [number, number] {
  if (kind === 'log') return [low / (high / low) ** 0.12, high];
  return [low - (high - low) * 0.12, high];
}

/** A brush's end as a number people would type: three figures of the axis are enough. */
function tidy(value: number, axis: AxisSpec): number {
  const span = axis.kind === 'log' ? Math.abs(value) : axis.domain[1] - axis.domain[0];
  const step = 10 ** (Math.floor(Math.log10(span || 1)) - 3);
  return Number((Math.round(value / step) * step).toPrecision(10));
}

const MANY = 8_000;

/** So many dots are squares, and one pixel is painted once: where they lie on one another nothing is lost. */
function paintMany(pen: Pen, area: Area, rows: number[], x: Float64Array, y: Float64Array): void {
  const wide = Math.ceil(area.right - area.left) + 2;
  const taken = new Uint8Array(wide * (Math.ceil(area.bottom - area.top) + 2));
  for (const row of rows) {
    const px = Math.round(area.x.to(x[row]));
    const value = area.y.to(y[row]);
    const py = Math.round(Number.isNaN(value) ? area.bottom - 5 : value);
    if (px < area.left || px > area.right || py < area.top || py > area.bottom) continue;
    const place = Math.floor(py - area.top) * wide + Math.floor(px - area.left);
    if (taken[place]) continue;
    taken[place] = 1;
    pen.fillRect(px - 1, py - 1, 2, 2);
  }
}

interface Data {
  x: Float64Array;
  y: Float64Array;
  best: { x: number[]; y: number[] };
}

function* paintHistory(pen: Pen, area: Area, look: Look, { x, y, best }: Data, mask: Uint8Array, direction: string): Generator<void> {
  const held = trials.peek();
  const radius = held.n > 3000 ? 1.6 : held.n > 600 ? 2.4 : 3.4;
  const groups = new Map<string, number[]>();
  for (let row = 0; row < y.length; row++) {
    const key = mask[row] ? held.standing(row) : 'outside the filter';
    const rows = groups.get(key);
    if (rows) rows.push(row);
    else groups.set(key, [row]);
  }
  const order = [...groups.keys()].sort((a) => (a === 'outside the filter' ? -1 : 1));
  for (const key of order) {
    const mark = markOf(key);
    const rows = groups.get(key)!;
    if (rows.length > MANY) {
      pen.globalAlpha = key === 'outside the filter' ? 0.35 : 0.7;
      pen.fillStyle = key === 'outside the filter' ? look.faint : mark.colour(look);
      paintMany(pen, area, rows, x, y);
      yield;
      continue;
    }
    pen.beginPath();
    for (const row of rows) {
      const px = area.x.to(x[row]);
      const value = area.y.to(y[row]);
      const py = Number.isNaN(value) ? area.bottom - 5 : value;
      if (mark.shape === 'dot' || mark.shape === 'ring') dot(pen, px, py, key === 'outside the filter' ? radius * 0.7 : radius);
      else if (mark.shape === 'wedge') wedge(pen, px, py, radius + 0.6);
      else cross(pen, px, py, radius);
    }
    pen.globalAlpha = key === 'outside the filter' ? 0.35 : held.n > 3000 ? 0.6 : 0.85;
    pen.fillStyle = pen.strokeStyle = key === 'outside the filter' ? look.faint : mark.colour(look);
    pen.lineWidth = 1.4;
    if (mark.shape === 'dot' || mark.shape === 'wedge') pen.fill();
    else pen.stroke();
  }
  pen.globalAlpha = 1;
  if (!best.y.length) return;
  pen.strokeStyle = look.best;
  pen.lineWidth = 2;
  pen.beginPath();
  best.y.forEach((value, k) => {
    const [px, py] = [area.x.to(best.x[k]), area.y.to(value)];
    if (k) pen.lineTo(px, area.y.to(best.y[k - 1]));
    if (k) pen.lineTo(px, py);
    else pen.moveTo(px, py);
  });
  const end = area.y.to(best.y[best.y.length - 1]);
  pen.lineTo(area.right, end);
  pen.stroke();
  paintBestLabel(pen, area, look, short(best.y[best.y.length - 1]), end + (direction === 'minimize' ? 12 : -12));
}

function paintBestLabel(pen: Pen, area: Area, look: Look, text: string, y: number): void {
  pen.font = `600 11.5px ${look.font}`;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  pen.globalAlpha = 0.8;
  pen.fillStyle = look.raised;
  const width = pen.measureText(text).width;
  pen.fillRect(area.right - width - 5, y - 8, width + 5, 16);
  pen.globalAlpha = 1;
  pen.fillStyle = look.best;
  pen.fillText(text, area.right - 2, y);
}

const SHAPES = [['●', 'is-good', 'succeeded'], ['▼', 'is-stopped', 'stopped early'], ['✕', 'is-bad', 'failed (at the bottom)'], ['○', 'is-running', 'running']] as const;

function Legend() {
  return (
    <span class="legend soft">
      {SHAPES.map(([shape, kind, says]) => (
        <span key={says}>
          <span class={kind} aria-hidden="true">{shape}</span> {says}
        </span>
      ))}
    </span>
  );
}
