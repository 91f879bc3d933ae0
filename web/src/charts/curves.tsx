// The learning curves of all trials: faint lines, the best ones in colour, those stopped early with a mark at their end, and
// lines where the search compares its trials (`rungs.ts`). What is drawn how is `curvepaint.ts`.

import { useMemo, useState } from 'preact/hooks';
import { clauses, details, filterBy, goal, matched, metric, select, selected, trials } from '../data/opened';
import { useCurves, type Curves as Asked } from '../data/curves';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { count, csvLine, plural, short } from '../text';
import { Toggle } from '../parts/controls';
import { TrialTip } from '../parts/trialtip';
import { goodnessOf } from './best';
import { paintCurves, trace, type Drawn } from './curvepaint';
import type { Found } from './gestures';
import type { Pen } from './pen';
import { Plot, type Area, type Box } from './plot';
import { paintRungs, rungsOf, type Rung } from './rungs';
import { airy, robustExtent, type AxisSpec, type Kind } from './scale';
import { nearestIndex, smoothed } from './smoothing';

interface Shown {
  mask: Uint8Array;
  list: Drawn[]; // from worse to better
  passing: Drawn[];
}

export function Curves({ height }: { height: number }) {
  const name = metric.value;
  const curves = useCurves(name);
  const [logX, logY, all] = [option('cx') === 'log', option('cy') === 'log', option('call') === '1'];
  const [weight, setWeight] = useState(Number(option('cs') ?? 0));
  const shown = useShown(curves, name, weight);
  const axes = useMemo(() => axesOf(shown.passing.length ? shown.passing : shown.list, logX, logY, all, name), [shown, logX, logY, all, name]);
  const rungs = useMemo(() => rungsIn(shown.passing, name), [shown, name, details.value?.stages, details.value?.stopping]);
  const marks = useMemo(() => (pen: Pen, area: Area, look: Look) => paintAll(pen, area, look, shown.list, shown.mask, rungs), [shown, rungs]);
  const chosen = selected.value;
  const over = useMemo(() => (pen: Pen, area: Area, look: Look) => paintChosen(pen, area, look, shown.list, chosen), [shown, chosen]);
  const csv = () =>
    [csvLine(['trial', 'step', name]), ...shown.passing.flatMap(({ curve }) => Array.from(curve.steps, (step, k) => csvLine([curve.trial, step, curve.values[k]])))].join('\n');
  const stopped = shown.passing.filter(({ curve }) => curve.stoppedEarly).length;
  return (
    <Plot title="Learning curves" height={height} pans x={axes.x} y={axes.y} marks={marks} over={over} csv={csv}
      nearest={(px, py, area) => nearest(shown.passing, px, py, area)} onBrush={(box) => box && filterThrough(shown.passing, box)}
      summary={`${plural(shown.passing.length, 'curve')} of ${name}, ${count(stopped)} stopped early.${inWords(rungs)}`}
      tools={<Tools logX={logX} logY={logY} all={all} weight={weight} setWeight={setWeight} />}
      foot={<Foot shown={shown} curves={curves} />}
      empty={curves.error ? curves.error.message : curves.ready && curves.byTrial.size === 0 ? `No trial has reported ${name || 'a metric'} yet.` : null} />
  );
}

/** Curves as they stand with their last answer, which is asked for after every look: so a look draws them once. */
function useShown(curves: Asked, name: string, weight: number): Shown {
  const held = trials.value;
  const direction = goal.value?.direction ?? 'minimize';
  return useMemo(() => {
    const { mask } = matched.value;
    const { rank } = goodnessOf(held, name, direction);
    const list = [...curves.byTrial.values()]
      .map((curve) => ({ curve, row: held.rowOf(curve.trial), y: smoothed(curve.values, weight) }))
      .filter(({ row, curve }) => row >= 0 && curve.steps.length > 0);
    const good = (row: number) => (Number.isNaN(rank[row]) ? -1 : rank[row]);
    list.sort((a, b) => good(a.row) - good(b.row));
    return { mask, list, passing: list.filter(({ row }) => mask[row]) };
  }, [curves.key, curves.byTrial, held, clauses.value, name, direction, weight]);
}

/** Rungs belong to the goal; another metric is compared nowhere. */
function rungsIn(passing: Drawn[], name: string): Rung[] {
  const about = details.peek();
  if (!about || !about.goals.some((one) => one.metric === name)) return [];
  const ends = passing.map(({ curve: { steps, stoppedEarly } }) => ({ first: steps[0], last: steps[steps.length - 1], stoppedEarly }));
  return rungsOf(about.stages, about.stopping, ends);
}

const inWords = (rungs: Rung[]) => (rungs.length ? ` Compared at ${rungs.map(({ at, reached, ended }) => `step ${short(at)}, where ${reached - ended} of ${reached} went on`).join('; ')}.` : '');

function* paintAll(pen: Pen, area: Area, look: Look, list: Drawn[], mask: Uint8Array, rungs: Rung[]): Generator<void> {
  yield* paintCurves(pen, area, look, list, mask);
  paintRungs(pen, area, look, rungs);
}

function paintChosen(pen: Pen, area: Area, look: Look, list: Drawn[], chosen: number | null): void {
  const one = list.find(({ curve }) => curve.trial === chosen);
  if (!one) return;
  pen.strokeStyle = look.ink;
  pen.lineWidth = 2.5;
  pen.beginPath();
  trace(pen, area, one.curve.steps, one.y);
  pen.stroke();
}

function nearest(passing: Drawn[], px: number, py: number, area: Area): Found | null {
  const step = area.x.from(px);
  let [found, place, distance] = [null as Drawn | null, 0, 16];
  for (const one of passing) {
    const { steps } = one.curve;
    if (step < steps[0] - (steps[steps.length - 1] - steps[0]) * 0.05) continue;
    const k = nearestIndex(steps, step);
    const d = Math.hypot((area.x.to(steps[k]) - px) * 0.3, area.y.to(one.y[k]) - py);
    if (d < distance) [found, place, distance] = [one, k, d];
  }
  if (!found) return null;
  const { curve, row, y } = found;
  return {
    x: area.x.to(curve.steps[place]),
    y: area.y.to(y[place]),
    lines: <TrialTip row={row} extra={`step ${short(curve.steps[place])}: ${short(curve.values[place])}`} />,
    pick: () => select(curve.trial),
  };
}

function filterThrough(passing: Drawn[], { x, y: up }: Box): void {
  const through = passing.filter(({ curve, y }) =>
    curve.steps.some((step, k) => step >= x[0] && step <= x[1] && (!up || (y[k] >= up[0] && y[k] <= up[1]))));
  filterBy('trial', { kind: 'among', values: through.map(({ curve }) => String(curve.trial)) });
}

interface ToolsProps {
  logX: boolean;
  logY: boolean;
  all: boolean;
  weight: number;
  setWeight: (weight: number) => void;
}

function Tools({ logX, logY, all, weight, setWeight }: ToolsProps) {
  return (
    <>
      <label class="slider">
        smooth
        <input type="range" min="0" max="0.98" step="0.02" value={weight} aria-label="Smoothing"
          onInput={(event) => setWeight(Number(event.currentTarget.value))}
          onChange={(event) => choose('cs', event.currentTarget.value === '0' ? null : event.currentTarget.value)} />
      </label>
      <Toggle label="log x" on={logX} set={(on) => choose('cx', on ? 'log' : null)} />
      <Toggle label="log y" on={logY} set={(on) => choose('cy', on ? 'log' : null)} />
      <Toggle label="all values" on={all} set={(on) => choose('call', on ? '1' : null)} />
    </>
  );
}

function Foot({ shown, curves }: { shown: Shown; curves: Asked }) {
  const size = curves.byTrial.size;
  return (
    <span class="soft">
      {curves.reported > size && `The best and others evenly chosen: ${count(size)} of ${count(curves.reported)} curves. `}
      <span class="count">
        {shown.passing.length < size ? `Showing ${count(shown.passing.length)} of ${count(size)} curves. ` : `${plural(size, 'curve')}. `}
      </span>
      <span class="by-mouse">Drag moves, Ctrl + wheel zooms, Alt + drag selects what runs through.</span>
      <span class="by-hand">Drag sideways to move, two fingers zoom.</span>
    </span>
  );
}

function axesOf(list: Drawn[], logX: boolean, logY: boolean, all: boolean, name: string): { x: AxisSpec; y: AxisSpec } {
  const [kx, ky]: Kind[] = [logX ? 'log' : 'linear', logY ? 'log' : 'linear'];
  let [x0, x1] = [Infinity, -Infinity];
  const sample: number[] = [];
  const every = Math.max(1, Math.floor(list.reduce((sum, { y }) => sum + y.length, 0) / 20_000));
  let seen = 0;
  let [y0, y1] = [Infinity, -Infinity];
  for (const { curve, y } of list) {
    for (let k = 0; k < y.length; k++) {
      const step = curve.steps[k];
      const value = y[k];
      if (Number.isFinite(step) && (!logX || step > 0)) {
        if (step < x0) x0 = step;
        if (step > x1) x1 = step;
      }
      if (!Number.isFinite(value) || (logY && value <= 0)) continue;
      if (value < y0) y0 = value;
      if (value > y1) y1 = value;
      if (seen++ % every === 0) sample.push(value);
    }
  }
  return {
    x: { kind: kx, domain: airy(x0, x1, kx, 0.01), title: 'step' },
    y: { kind: ky, domain: all ? airy(y0, y1, ky) : robustExtent(sample, ky), title: name },
  };
}
