// How the search saw things before each proposal: what the model expected along one parameter with its doubt, where it
// hoped for most (the acquisition), and what it chose. A slider goes through the search.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { openId, trials, version } from '../data/opened';
import { useAsked } from '../data/asked';
import { inside } from '../data/fetching';
import { toNumber, type ModelStep } from '../data/wire';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { csvLine, short } from '../text';
import { Command, Nothing, Pick, Skeleton, Toggle, Trouble } from '../parts/controls';
import { paintBand } from './band';
import { axisOf } from './parallelaxes';
import { dashed, dot, type Pen } from './pen';
import { Plot, type Area } from './plot';
import { airy, extent, type AxisSpec } from './scale';
import { objectiveTitle } from './scatter';
import { placeOf } from './slices';

const STEP_MS = 700;

/** Each step is a fit of its own along each parameter: for a long search more than all the rest of a file. */
function NotInFile() {
  return (
    <section class="card" aria-label="The model, step by step">
      <p>A file holds no steps of the model, for there is one for each proposal and parameter. Type this in the folder of the project, and open this tab there:</p>
      <Command text="luthier dashboard" />
    </section>
  );
}

export function ModelChart() {
  const names = trials.value.varying();
  const name = names.includes(option('p') ?? '') ? option('p')! : names[0];
  const said = option('step');
  const [playing, setPlaying] = useState(false);
  const query = `parameter=${encodeURIComponent(name ?? '')}${said === null ? '' : `&proposal=${said}`}`;
  // The newest step moves with the search; a chosen one stays what it was.
  const { value, error, busy } = useAsked<ModelStep>(name ? `api/experiments/${openId.value}/model?${query}` : null, said === null ? version.value : 0, 2000);
  const step = said === null ? (value?.proposal ?? 0) : Number(said);
  const of = value?.of ?? 0;
  const show = (next: number) => choose('step', next >= of ? null : String(Math.max(1, next)));
  useEffect(() => {
    if (!playing || busy) return;
    if (step >= of) return setPlaying(false);
    const timer = setTimeout(() => show(step + 1), STEP_MS);
    return () => clearTimeout(timer);
  }, [playing, busy, step, of]);

  if (!name) return <Nothing>The model needs a parameter that varies. Let a few trials finish.</Nothing>;
  if (error && !value) return inside ? <NotInFile /> : <Trouble error={error} />;
  if (!value) return <Skeleton height={420} label="Loading the model" />;
  return (
    <section class="card" aria-label="The model, step by step">
      <div class="stepper">
        <button onClick={() => (step >= of && show(1), setPlaying(!playing))}>{playing ? 'Hold' : 'Play'}</button>
        <button aria-label="One step back" disabled={step <= 1} onClick={() => show(step - 1)}>‹</button>
        <input type="range" min={1} max={Math.max(1, of)} value={step} aria-label="Step of the search" aria-valuetext={`proposal ${step} of ${of}`}
          onInput={(event) => show(Number(event.currentTarget.value))} />
        <button aria-label="One step on" disabled={step >= of} onClick={() => show(step + 1)}>›</button>
        <span>before trial <b>{value.trial ?? value.proposal}</b> <span class="soft">(step {step} of {of})</span></span>
        <Toggle label="newest" on={said === null} set={() => choose('step', null)} />
        <Pick label="along" value={name} options={names} set={(one) => choose('p', one)} />
      </div>
      <StepCharts value={value} />
      {value.note && <p class="soft">{value.note}</p>}
    </section>
  );
}

interface Step {
  x: number[];
  mean: number[];
  low: number[];
  high: number[];
  hope: number[];
  next: number;
  seen: { x: number[]; y: number[] };
}

/** A step as numbers; what is listed has its place on the axis. */
function stepOf(value: ModelStep, spec: AxisSpec): Step {
  const place = (cell: ModelStep['next']) => placeOf(cell, spec);
  const [mean, deviation] = [value.mean.map(toNumber), value.deviation.map(toNumber)];
  return {
    x: value.x.map(place), mean,
    low: mean.map((m, k) => m - 1.96 * deviation[k]), high: mean.map((m, k) => m + 1.96 * deviation[k]),
    hope: value.acquisition.map(toNumber), next: place(value.next),
    seen: { x: value.seen.x.map(place), y: value.seen.y.map(toNumber) },
  };
}

function StepCharts({ value }: { value: ModelStep }) {
  const axis = useMemo(() => axisOf(`parameter:${value.parameter}`), [value]);
  const step = useMemo(() => stepOf(value, axis.spec), [value, axis]);
  const belief = useMemo(() => (pen: Pen, area: Area, look: Look) => paintBelief(pen, area, look, step), [step]);
  const hope = useMemo(() => (pen: Pen, area: Area, look: Look) => paintHope(pen, area, look, step), [step]);
  const y = extent([...step.low, ...step.high, ...step.seen.y].filter(Number.isFinite));
  const hopes = step.hope.filter(Number.isFinite);
  const csv = () => [csvLine([value.parameter, 'mean', 'deviation', 'acquisition']), ...value.x.map((x, k) => csvLine([x, value.mean[k], value.deviation[k], value.acquisition[k]]))].join('\n');
  const domain = step.x.length ? airy(Math.min(...step.x), Math.max(...step.x), axis.spec.kind, axis.spec.categories ? 0.08 : 0.01) : axis.spec.domain;
  const spec = axis.spec.categories ? axis.spec : { ...axis.spec, domain };
  return (
    <>
      <Plot title="Mean and band" height={320} x={{ ...spec, title: '' }} y={{ kind: 'linear', domain: y, title: objectiveTitle() }} marks={belief} csv={csv}
        summary={`Before trial ${value.trial ?? value.proposal} the model had seen ${step.seen.x.length} values; the next point is at ${short(value.next)}.`} />
      <Plot title="Acquisition" height={150} x={spec} y={{ kind: 'linear', domain: hopes.length ? airy(Math.min(0, ...hopes), Math.max(...hopes), 'linear') : [0, 1], title: 'hope' }} marks={hope}
        summary={`Where the search hoped for most: ${short(value.next)}.`}
        empty={hopes.length ? null : 'This proposal was not made by a model: there is no acquisition.'} />
    </>
  );
}

function paintBelief(pen: Pen, area: Area, look: Look, step: Step): void {
  paintBand(pen, area, look, step.x, step.mean, step.low, step.high);
  pen.fillStyle = look.ink;
  pen.beginPath();
  step.seen.x.forEach((x, k) => {
    const [px, py] = [area.x.to(x), area.y.to(step.seen.y[k])];
    if (!Number.isNaN(px + py)) dot(pen, px, py, 3);
  });
  pen.fill();
  paintNext(pen, area, look, step.next);
}

function paintHope(pen: Pen, area: Area, look: Look, { x, hope, next }: Step): void {
  const ground = area.y.to(Math.min(area.y.domain[0], 0));
  pen.fillStyle = pen.strokeStyle = look.stopped;
  pen.globalAlpha = 0.2;
  pen.beginPath();
  traceHope(pen, area, x, hope);
  [...x].reverse().forEach((one) => pen.lineTo(area.x.to(one), ground));
  pen.closePath();
  pen.fill();
  pen.globalAlpha = 1;
  pen.lineWidth = 1.6;
  pen.beginPath();
  traceHope(pen, area, x, hope);
  pen.stroke();
  paintNext(pen, area, look, next);
}

function traceHope(pen: Pen, area: Area, x: number[], hope: number[]): void {
  x.forEach((one, k) => (k ? pen.lineTo(area.x.to(one), area.y.to(hope[k])) : pen.moveTo(area.x.to(one), area.y.to(hope[k]))));
}

function paintNext(pen: Pen, area: Area, look: Look, next: number): void {
  const x = area.x.to(next);
  if (Number.isNaN(x)) return;
  pen.strokeStyle = look.best;
  pen.lineWidth = 1.6;
  dashed(pen, [x, area.top], [x, area.bottom], [5, 4]);
}
