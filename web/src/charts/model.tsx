// How the search saw things before each proposal: what the model expected along one parameter with its doubt, where it
// hoped for most (the acquisition), and what it chose. A slider goes through the search.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { openId, trials, version } from '../data/opened';
import { useAsked } from '../data/asked';
import { toNumber, type ModelStep } from '../data/wire';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { csvLine, short } from '../text';
import { Nothing, Pick, Skeleton, Toggle, Trouble } from '../parts/controls';
import { paintBand } from './band';
import { axisOf } from './parallel';
import { dot, type Pen } from './pen';
import { Plot, type Area } from './plot';
import { airy, extent } from './scale';
import { objectiveTitle } from './scatter';
import { placeOf } from './slices';

const STEP_MS = 700;

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
  if (error && !value) return <Trouble error={error} />;
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

function StepCharts({ value }: { value: ModelStep }) {
  const axis = useMemo(() => axisOf(`parameter:${value.parameter}`), [value]);
  const data = useMemo(() => {
    const place = (cell: ModelStep['next']) => placeOf(cell, axis.spec);
    const [mean, deviation] = [value.mean.map(toNumber), value.deviation.map(toNumber)];
    return {
      x: value.x.map(place), mean,
      low: mean.map((m, k) => m - 1.96 * deviation[k]), high: mean.map((m, k) => m + 1.96 * deviation[k]),
      hope: value.acquisition.map(toNumber), next: place(value.next),
      seen: { x: value.seen.x.map(place), y: value.seen.y.map(toNumber) },
    };
  }, [value, axis]);
  const y = extent([...data.low, ...data.high, ...data.seen.y].filter(Number.isFinite));
  const upper = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      paintBand(pen, area, look, data.x, data.mean, data.low, data.high);
      pen.fillStyle = look.ink;
      pen.beginPath();
      data.seen.x.forEach((x, k) => {
        const [px, py] = [area.x.to(x), area.y.to(data.seen.y[k])];
        if (!Number.isNaN(px + py)) dot(pen, px, py, 3);
      });
      pen.fill();
      paintNext(pen, area, look, data.next);
    },
    [data],
  );
  const lower = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      const zeros = data.hope.map(() => Math.min(area.y.domain[0], 0));
      pen.fillStyle = pen.strokeStyle = look.stopped;
      pen.globalAlpha = 0.2;
      pen.beginPath();
      data.x.forEach((x, k) => (k ? pen.lineTo(area.x.to(x), area.y.to(data.hope[k])) : pen.moveTo(area.x.to(x), area.y.to(data.hope[k]))));
      [...data.x].reverse().forEach((x, k) => pen.lineTo(area.x.to(x), area.y.to(zeros[k])));
      pen.closePath();
      pen.fill();
      pen.globalAlpha = 1;
      pen.lineWidth = 1.6;
      pen.beginPath();
      data.x.forEach((x, k) => (k ? pen.lineTo(area.x.to(x), area.y.to(data.hope[k])) : pen.moveTo(area.x.to(x), area.y.to(data.hope[k]))));
      pen.stroke();
      paintNext(pen, area, look, data.next);
    },
    [data],
  );
  const hopes = data.hope.filter(Number.isFinite);
  const csv = () => [csvLine([value.parameter, 'mean', 'deviation', 'acquisition']), ...value.x.map((x, k) => csvLine([x, value.mean[k], value.deviation[k], value.acquisition[k]]))].join('\n');
  const domain = data.x.length ? airy(Math.min(...data.x), Math.max(...data.x), axis.spec.kind, axis.spec.categories ? 0.08 : 0.01) : axis.spec.domain;
  const spec = axis.spec.categories ? axis.spec : { ...axis.spec, domain };
  return (
    <>
      <Plot title="Mean and band" height={320} x={{ ...spec, title: '' }} y={{ kind: 'linear', domain: y, title: objectiveTitle() }} marks={upper} csv={csv}
        summary={`Before trial ${value.trial ?? value.proposal} the model had seen ${data.seen.x.length} values; the next point is at ${short(value.next)}.`} />
      <Plot title="Acquisition" height={150} x={spec} y={{ kind: 'linear', domain: hopes.length ? airy(Math.min(0, ...hopes), Math.max(...hopes), 'linear') : [0, 1], title: 'hope' }} marks={lower}
        summary={`Where the search hoped for most: ${short(value.next)}.`}
        empty={hopes.length ? null : 'This proposal was not made by a model: there is no acquisition.'} />
    </>
  );
}

function paintNext(pen: Pen, area: Area, look: Look, next: number): void {
  const x = area.x.to(next);
  if (Number.isNaN(x)) return;
  pen.strokeStyle = look.best;
  pen.lineWidth = 1.6;
  pen.setLineDash([5, 4]);
  pen.beginPath();
  pen.moveTo(x, area.top);
  pen.lineTo(x, area.bottom);
  pen.stroke();
  pen.setLineDash([]);
}
