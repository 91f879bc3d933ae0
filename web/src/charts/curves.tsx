// The learning curves of all trials: faint lines, the best ones in colour, those stopped early with a mark at their end.

import { useMemo, useState } from 'preact/hooks';
import { filterBy, goal, matched, metric, select, selected, trials, version } from '../data/opened';
import { useCurves, type Curve } from '../data/curves';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { count, csvLine, plural, short } from '../text';
import { Toggle } from '../parts/controls';
import { TrialTip } from '../parts/trialtip';
import { goodness } from './best';
import { dot, wedge, type Pen } from './pen';
import { Plot, type Area, type Box } from './plot';
import { airy, robustExtent, type AxisSpec, type Kind } from './scale';
import { nearestIndex, smoothed } from './smoothing';
import { markOf } from './standing';

const TOP = 5; // curves in full colour
const A_SLICE = 60; // curves drawn between two looks at the clock

export function Curves({ height }: { height: number }) {
  const held = trials.value;
  const now = version.value;
  const name = metric.value;
  const curves = useCurves(name);
  const { mask } = matched.value;
  const chosen = selected.value;
  const direction = goal.value?.direction ?? 'minimize';
  const [logX, logY, all] = [option('cx') === 'log', option('cy') === 'log', option('call') === '1'];
  const [weight, setWeight] = useState(Number(option('cs') ?? 0));

  const shown = useMemo(() => {
    const rank = goodness(held.numbers(`objective:${name}`), direction);
    const list = [...curves.byTrial.values()]
      .map((curve) => ({ curve, row: held.rowOf(curve.trial), y: smoothed(curve.values, weight) }))
      .filter(({ row, curve }) => row >= 0 && curve.steps.length > 0);
    const good = (row: number) => (Number.isNaN(rank[row]) ? -1 : rank[row]);
    list.sort((a, b) => good(a.row) - good(b.row));
    return { list, passing: list.filter(({ row }) => mask[row]) };
  }, [curves.key, curves.byTrial, held, now, mask, name, direction, weight]);

  const axes = useMemo(() => axesOf(shown.passing.length ? shown.passing : shown.list, logX, logY, all, name), [shown, logX, logY, all, name]);
  const marks = useMemo(() => (pen: Pen, area: Area, look: Look) => paintCurves(pen, area, look, shown.list, mask), [shown, mask]);
  const over = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      const one = shown.list.find(({ curve }) => curve.trial === chosen);
      if (!one) return;
      pen.strokeStyle = look.ink;
      pen.lineWidth = 2.5;
      pen.beginPath();
      trace(pen, area, one.curve.steps, one.y);
      pen.stroke();
    },
    [shown, chosen],
  );
  const nearest = (px: number, py: number, area: Area) => {
    const step = area.x.from(px);
    let [found, place, distance] = [null as Drawn | null, 0, 16];
    for (const one of shown.passing) {
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
  };
  const onBrush = (box: Box | null) => {
    if (!box) return;
    const through = shown.passing.filter(({ curve, y }) =>
      curve.steps.some((step, k) => step >= box.x[0] && step <= box.x[1] && y[k] >= box.y[0] && y[k] <= box.y[1]));
    filterBy('trial', { kind: 'among', values: through.map(({ curve }) => String(curve.trial)) });
  };
  const csv = () =>
    [csvLine(['trial', 'step', name]), ...shown.passing.flatMap(({ curve }) => Array.from(curve.steps, (step, k) => csvLine([curve.trial, step, curve.values[k]])))].join('\n');
  const stopped = shown.passing.filter(({ curve }) => curve.stoppedEarly).length;
  return (
    <Plot title="Learning curves" height={height} pans x={axes.x} y={axes.y} marks={marks} over={over} nearest={nearest} onBrush={onBrush} csv={csv}
      summary={`${plural(shown.passing.length, 'curve')} of ${name}, ${count(stopped)} stopped early.`}
      tools={
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
      }
      foot={
        <span class="soft">
          {curves.reported > curves.byTrial.size && `The best and others evenly chosen: ${count(curves.byTrial.size)} of ${count(curves.reported)} curves. `}
          <span class="count">
            {shown.passing.length < curves.byTrial.size ? `Showing ${count(shown.passing.length)} of ${count(curves.byTrial.size)} curves. ` : `${plural(curves.byTrial.size, 'curve')}. `}
          </span>
          Drag moves, Ctrl + wheel zooms, Alt + drag selects what runs through.
        </span>
      }
      empty={curves.error ? curves.error.message : curves.ready && curves.byTrial.size === 0 ? `No trial has reported ${name || 'a metric'} yet.` : null} />
  );
}

interface Drawn {
  curve: Curve;
  row: number;
  y: Float64Array;
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
      const [step, value] = [curve.steps[k], y[k]];
      if (Number.isFinite(step) && (!logX || step > 0)) [x0, x1] = [Math.min(x0, step), Math.max(x1, step)];
      if (!Number.isFinite(value) || (logY && value <= 0)) continue;
      [y0, y1] = [Math.min(y0, value), Math.max(y1, value)];
      if (seen++ % every === 0) sample.push(value);
    }
  }
  return {
    x: { kind: kx, domain: airy(x0, x1, kx, 0.01), title: 'step' },
    y: { kind: ky, domain: all ? airy(y0, y1, ky) : robustExtent(sample, ky), title: name },
  };
}

function trace(pen: Pen, area: Area, steps: Float64Array, y: Float64Array): void {
  let down = false;
  for (let k = 0; k < steps.length; k++) {
    const [px, py] = [area.x.to(steps[k]), area.y.to(y[k])];
    // A gap where a value can't be drawn, so that nothing is joined over it.
    if (Number.isNaN(px) || Number.isNaN(py)) down = false;
    else if (down) pen.lineTo(px, py);
    else {
      pen.moveTo(px, py);
      down = true;
    }
  }
}

function* paintCurves(pen: Pen, area: Area, look: Look, list: Drawn[], mask: Uint8Array): Generator<void> {
  const held = trials.peek();
  const passing = list.filter(({ row }) => mask[row]);
  const others = list.filter(({ row }) => !mask[row]);
  const alpha = passing.length > 400 ? 0.18 : passing.length > 80 ? 0.32 : 0.5;
  let drawn = 0;
  for (const [group, isPassing] of [[others, false], [passing, true]] as const) {
    for (const { curve, row, y } of group) {
      const standing = held.standing(row);
      const isTop = isPassing && group.length - group.findLastIndex((one) => one.row === row) <= TOP && group.length > TOP;
      pen.strokeStyle = isPassing ? (isTop ? look.best : markOf(standing).colour(look)) : look.faint;
      pen.globalAlpha = isPassing ? (isTop ? 0.95 : standing === 'running' ? 0.8 : alpha) : 0.08;
      pen.lineWidth = isTop ? 1.8 : 1;
      pen.beginPath();
      trace(pen, area, curve.steps, y);
      pen.stroke();
      if (isPassing) paintEnd(pen, area, look, curve, y, standing);
      if (++drawn % A_SLICE === 0) yield;
    }
  }
  pen.globalAlpha = 1;
}

function paintEnd(pen: Pen, area: Area, look: Look, curve: Curve, y: Float64Array, standing: string): void {
  const last = y.length - 1;
  const [px, py] = [area.x.to(curve.steps[last]), area.y.to(y[last])];
  if (Number.isNaN(px) || Number.isNaN(py)) return;
  pen.beginPath();
  pen.fillStyle = pen.strokeStyle;
  if (curve.stoppedEarly) {
    pen.fillStyle = look.stopped;
    pen.globalAlpha = Math.max(pen.globalAlpha, 0.6);
    wedge(pen, px, py, 3.2);
    pen.fill();
  } else if (standing === 'running' || last === 0) {
    pen.globalAlpha = 0.9;
    dot(pen, px, py, 2.6);
    pen.fill();
  }
}
