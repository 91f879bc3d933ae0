// The history of a search: every trial's value, the best so far, and the trials that have no value along the bottom.
// What is painted how is `historypaint.ts`.

import { useMemo } from 'preact/hooks';
import { details, filterByAll, goal, matched, metric, rangeOf, select, selected, trials, version } from '../data/opened';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { count, csvLine, plural, short } from '../text';
import { columnName } from '../state/columns';
import { Toggle } from '../parts/controls';
import { TrialTip } from '../parts/trialtip';
import { bestSoFar } from './best';
import type { Found } from './gestures';
import { heightOf, paintHistory, type Past } from './historypaint';
import { dot, type Pen } from './pen';
import { Plot, type Area, type Box } from './plot';
import { countOutside, extent, robustExtent, type AxisSpec, type Kind } from './scale';

/** When a trial had its value: its end, or now for one that runs. */
function minutesSince(start: number): Float64Array {
  const held = trials.value;
  const [ended, began, created] = ['ended', 'began', 'created'].map((name) => held.numbers(name));
  return Float64Array.from({ length: held.n }, (_none, row) => {
    const at = [ended[row], began[row], created[row]].find((moment) => !Number.isNaN(moment)) ?? NaN;
    return (at - start) / 60;
  });
}

export function History({ height = 300 }: { height?: number }) {
  const held = trials.value;
  const { mask, n } = matched.value;
  const name = metric.value;
  const direction = goal.value?.direction ?? 'minimize';
  const [byTime, log, all] = [option('hx') === 'time', option('hy') === 'log', option('hall') === '1'];
  const chosen = selected.value;
  const past = usePast(name, byTime, direction);
  const axes = useMemo(() => axesOf(past, name, direction, byTime, log, all), [past, log, byTime, all, name, direction]);
  const marks = useMemo(() => (pen: Pen, area: Area, look: Look) => paintHistory(pen, area, look, past, mask, direction), [past, mask]);
  const over = useMemo(() => (pen: Pen, area: Area, look: Look) => paintChosen(pen, area, look, past, chosen), [past, chosen]);
  const yColumn = columnName('objective', name);
  const onBrush = (box: Box | null) =>
    filterByAll([
      [yColumn, box?.y ? { kind: 'range', low: tidy(box.y[0], axes.y), high: tidy(box.y[1], axes.y) } : null],
      ['trial', box && !byTime ? { kind: 'range', low: Math.ceil(box.x[0]), high: Math.floor(box.x[1]) } : null],
    ]);
  const last = past.best.y[past.best.y.length - 1];
  return (
    <Plot title="History" height={height} x={axes.x} y={axes.y} marks={marks} over={over} nearest={(px, py, area) => nearest(past, mask, px, py, area)} onBrush={onBrush}
      brushed={{ y: rangeOf(yColumn), x: byTime ? null : rangeOf('trial') }} csv={() => csvOf(past, mask, name, byTime)}
      summary={`${plural(n, 'trial')} shown of ${count(held.n)}. Best ${name} so far ${short(last)}, after ${plural(past.best.y.length, 'improvement')}.`}
      tools={<Tools byTime={byTime} log={log} all={all} outside={countOutside(past.y, axes.y.domain, (row) => mask[row] === 1)} />}
      foot={<Legend />}
      empty={held.n === 0 ? 'No trial yet. The first one appears here as soon as it is proposed.' : null} />
  );
}

function usePast(name: string, byTime: boolean, direction: 'minimize' | 'maximize'): Past {
  const held = trials.value;
  const now = version.value;
  const start = details.value?.created ?? 0;
  return useMemo(() => {
    const y = held.numbers(`objective:${name}`);
    const x = byTime ? minutesSince(start) : held.numbers('number');
    const best = bestSoFar(x, y, direction, (row) => held.standing(row) === 'succeeded' || held.standing(row) === 'waiting');
    return { x, y, best };
  }, [held, now, name, byTime, direction, start]);
}

function axesOf({ x, y }: Past, name: string, direction: string, byTime: boolean, log: boolean, all: boolean): { x: AxisSpec; y: AxisSpec } {
  const kind = log ? 'log' : 'linear';
  return {
    x: { kind: 'linear', domain: extent(x), title: byTime ? 'minutes since the search began' : 'trial' },
    y: { kind, domain: withStrip((all ? extent : robustExtent)(y, kind), kind), title: `${name} (${direction})` },
  };
}

/** Room along the bottom for trials without a value, and above for what is written at the best line. */
function withStrip([low, high]: [number, number], kind: Kind): [number, number] {
  if (kind === 'log') return [low / (high / low) ** 0.12, high * (high / low) ** 0.05];
  return [low - (high - low) * 0.12, high + (high - low) * 0.05];
}

/** A brush's end as a number people would type: three figures of the axis are enough. */
function tidy(value: number, axis: AxisSpec): number {
  const span = axis.kind === 'log' ? Math.abs(value) : axis.domain[1] - axis.domain[0];
  const step = 10 ** (Math.floor(Math.log10(span || 1)) - 3);
  return Number((Math.round(value / step) * step).toPrecision(10));
}

function paintChosen(pen: Pen, area: Area, look: Look, past: Past, chosen: number | null): void {
  const row = chosen === null ? -1 : trials.peek().rowOf(chosen);
  if (row < 0) return;
  pen.strokeStyle = look.ink;
  pen.lineWidth = 2;
  pen.beginPath();
  dot(pen, area.x.to(past.x[row]), heightOf(area, past.y[row]), 7);
  pen.stroke();
}

function nearest({ x, y }: Past, mask: Uint8Array, px: number, py: number, area: Area): Found | null {
  let [found, distance] = [-1, 24 ** 2];
  for (let row = 0; row < y.length; row++) {
    if (!mask[row]) continue;
    const d = (area.x.to(x[row]) - px) ** 2 + (heightOf(area, y[row]) - py) ** 2;
    if (d < distance) [found, distance] = [row, d];
  }
  if (found < 0) return null;
  return {
    x: area.x.to(x[found]),
    y: heightOf(area, y[found]),
    lines: <TrialTip row={found} />,
    pick: () => select(trials.peek().number(found)),
  };
}

function csvOf({ x, y }: Past, mask: Uint8Array, name: string, byTime: boolean): string {
  const held = trials.peek();
  const rows = Array.from({ length: held.n }, (_none, row) => row).filter((row) => mask[row]);
  return [csvLine(['trial', 'state', byTime ? 'minutes' : 'x', name]), ...rows.map((row) => csvLine([held.number(row), held.standing(row), x[row], y[row]]))].join('\n');
}

function Tools({ byTime, log, all, outside }: { byTime: boolean; log: boolean; all: boolean; outside: number }) {
  return (
    <>
      <Toggle label="by time" on={byTime} set={(on) => choose('hx', on ? 'time' : null)} />
      <Toggle label="log" on={log} set={(on) => choose('hy', on ? 'log' : null)} />
      {(outside > 0 || all) && (
        <Toggle label={all ? 'all values' : `all values (${count(outside)} outside)`} on={all} set={(on) => choose('hall', on ? '1' : null)} />
      )}
    </>
  );
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
