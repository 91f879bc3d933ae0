// One trial: its configuration against the best one's, why it was proposed and what became of it, its curves, its log, how
// to run it again, and its attempts.

import { useMemo, useState } from 'preact/hooks';
import { details, pointsVersion, trials, version } from '../data/opened';
import { session } from '../data/listing';
import { useAsked } from '../data/asked';
import { toNumber, type Cell, type Points, type TrialDetails } from '../data/wire';
import { bytes, csvLine, duration, moment, plural, readable, short } from '../text';
import { choose, hrefTo, option } from '../state/route';
import { standingClass } from '../charts/standing';
import { Plot, type Area } from '../charts/plot';
import type { Pen } from '../charts/pen';
import { dot } from '../charts/pen';
import { extent } from '../charts/scale';
import type { Look } from '../state/theme';
import { Command, Skeleton, Toggle, Trouble } from '../parts/controls';
import { Log } from '../parts/log';
import { TrialControls } from '../parts/steering';
import { useTitle } from '../parts/title';

export function TrialPage({ id }: { id: string }) {
  const number = Number(id.slice(id.lastIndexOf('.') + 1));
  const experiment = id.slice(0, id.lastIndexOf('.'));
  const held = trials.value;
  const row = held.rowOf(number);
  const standing = row >= 0 ? held.standing(row) : null;
  const attempt = row >= 0 ? held.cell('attempt', row) : null;
  // Asked again when it stands differently, not with every point.
  const { value, error } = useAsked<TrialDetails>(`api/trials/${id}`, `${standing} ${attempt}`, 300);
  const goal = details.value?.goals[0];
  const outcome = row >= 0 && goal ? held.cell(`objective:${goal.metric}`, row) : null;
  useTitle(`trial ${number}${standing ? ` · ${standing}` : ''} · experiment ${experiment}`, null);
  version.value;
  if (error && !value) return <Trouble error={error} />;
  if (!value) return <><Skeleton height={90} label="Loading the trial" /><Skeleton height={300} /></>;
  const said = standing ?? String(value.outcome ?? value.state ?? '');
  // While it runs the goals have their charts before there is a point: what comes first moves nothing.
  const awaited = said === 'running' ? (details.value?.goals ?? []).map((one) => one.metric) : [];
  const names = [...new Set([...awaited, ...value.curves])];
  return (
    <div class="trial-page">
      <Strip id={id} said={said} value={value} outcome={outcome ?? null} />
      <h2 class="unseen">What it is and what became of it</h2>
      <div class="grid two">
        <Configuration value={value} number={number} />
        <div>
          <Why value={value} outcome={outcome ?? null} />
          {value.command && <section class="card"><h3>Run it by hand</h3><Command text={value.command} /></section>}
          <WhyStopped value={value} />
          <Attempts value={value} />
        </div>
      </div>
      {names.length > 0 && <div class="grid two">{names.map((name) => <TrialCurve key={name} id={id} name={name} />)}</div>}
      <Log trial={id} attempts={value.attempts.map((one, k) => Number(one.attempt ?? one.number ?? k + 1))} running={said === 'running'} failed={/failed|timed|memory/.test(said)} />
      <Provenance value={value} />
    </div>
  );
}

function Strip({ id, said, value, outcome }: { id: string; said: string; value: TrialDetails; outcome: Cell }) {
  const [experiment, number] = [id.slice(0, id.lastIndexOf('.')), Number(id.slice(id.lastIndexOf('.') + 1))];
  const held = trials.value;
  const goal = details.value?.goals[0];
  return (
    <section class="strip" aria-label="How it stands">
      <div class="strip-main">
        <h1>Trial {number}</h1>
        <span class={`standing ${standingClass(said)}`}>{said}</span>
        {goal && <span class="big">{goal.metric} <b>{short(outcome)}</b></span>}
        <span class="soft why">{value.reason ?? ''}</span>
        <span class="spread" />
        <nav aria-label="Neighbours" class="controls">
          {number > 0 && held.rowOf(number - 1) >= 0 && <a class="button" href={hrefTo([`${experiment}.${number - 1}`])} aria-label="The trial before">‹ {number - 1}</a>}
          {held.rowOf(number + 1) >= 0 && <a class="button" href={hrefTo([`${experiment}.${number + 1}`])} aria-label="The next trial">{number + 1} ›</a>}
        </nav>
        {session.value?.may_control && <TrialControls id={id} state={String(held.cell('state', held.rowOf(number)) ?? value.state ?? '')} />}
      </div>
    </section>
  );
}

/** The parameters beside those of another trial: the best one, or the one a person names. */
function Configuration({ value, number }: { value: TrialDetails; number: number }) {
  const held = trials.value;
  const best = details.value?.best?.trial ?? null;
  const said = option('against');
  const other = said !== null && said !== '' ? Number(said) : best === number ? null : best;
  const [onlyDifferent, setOnlyDifferent] = useState(false);
  const row = other === null ? -1 : held.rowOf(other);
  const rows = value.parameters.map((one) => {
    const theirs = row >= 0 ? held.cell(`parameter:${one.name}`, row) : undefined;
    return { ...one, theirs, differs: row >= 0 && !same(one.value, theirs ?? null, one.text) };
  });
  return (
    <section class="card">
      <div class="row-of-tools">
        <h3>Configuration</h3>
        <span class="spread" />
        <label class="pick">
          <span>against trial</span>
          <input type="number" min="0" class="small" value={other ?? ''} placeholder="best" onInput={(event) => choose('against', event.currentTarget.value)} />
        </label>
        {row >= 0 && <Toggle label="only what differs" on={onlyDifferent} set={setOnlyDifferent} />}
      </div>
      <ConfigurationTable rows={rows.filter((one) => !onlyDifferent || one.differs)} number={number} other={row >= 0 ? other : null} />
      {said !== null && said !== '' && row < 0 && <p class="soft">This experiment has no trial {said}.</p>}
    </section>
  );
}

type ConfigurationRow = TrialDetails['parameters'][number] & { theirs: Cell | undefined; differs: boolean };

/** The trial's values, those of another one where there is one, and what both came to. */
function ConfigurationTable({ rows, number, other }: { rows: ConfigurationRow[]; number: number; other: number | null }) {
  const held = trials.value;
  const about = details.value;
  const reached = (metric: string, trial: number) => short(held.cell(`objective:${metric}`, held.rowOf(trial)), 7);
  return (
    <table class="configuration-table">
      <thead>
        <tr>
          <th scope="col">parameter</th>
          <th scope="col">trial {number}</th>
          {other !== null && <th scope="col"><a href={hrefTo([`${about?.id}.${other}`])}>trial {other}{other === about?.best?.trial ? ' ★' : ''}</a></th>}
        </tr>
      </thead>
      <tbody>
        {rows.map((one) => (
          <tr key={one.name} class={one.differs ? 'differs' : ''}>
            <th scope="row">{one.name}</th>
            <td>{one.text}</td>
            {other !== null && <td>{one.theirs === null || one.theirs === undefined ? '–' : String(one.theirs)}</td>}
          </tr>
        ))}
        {(about?.goals ?? []).map((goal) => (
          <tr key={`goal ${goal.metric}`} class="goal">
            <th scope="row">{goal.metric}</th>
            <td>{reached(goal.metric, number)}</td>
            {other !== null && <td>{reached(goal.metric, other)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function same(mine: Cell, theirs: Cell, text: string): boolean {
  return mine === theirs || String(mine) === String(theirs) || text === String(theirs);
}

function Why({ value, outcome }: { value: TrialDetails; outcome: Cell }) {
  const { why } = value;
  if (!why) return null;
  const [mean, deviation] = [toNumber(why.predicted_mean), toNumber(why.predicted_deviation)];
  const got = toNumber(why.outcome ?? outcome);
  const off = (got - mean) / deviation;
  return (
    <section class="card">
      <h3>Why it was proposed</h3>
      {why.text && <p>{why.text}</p>}
      {Number.isFinite(mean) && (
        <dl class="pairs">
          <div><dt>expected</dt><dd>{short(mean)} ± {short(deviation, 3)}</dd></div>
          <div><dt>became</dt><dd>{Number.isNaN(got) ? 'not known yet' : short(got)}</dd></div>
          {Number.isFinite(off) && <div><dt>surprise</dt><dd>{short(Math.abs(off), 2)} deviations {off > 0 ? 'above' : 'below'}</dd></div>}
        </dl>
      )}
    </section>
  );
}

/** Where a stopping rule ended it, and in its words why. */
function WhyStopped({ value }: { value: TrialDetails }) {
  const stops = (value.decisions ?? []).filter((one) => one.stops);
  const looks = value.decisions?.length ?? 0;
  if (!looks) return null;
  return (
    <section class="card">
      <h3>{stops.length ? 'Why it was stopped' : 'Why it was not stopped'}</h3>
      {(stops.length ? stops : value.decisions!.slice(-1)).map((one) => (
        <p key={String(one.resource)}>{one.rule} at {short(one.resource)}: {one.reason}</p>
      ))}
      <p class="soft">{plural(looks, 'look')} at it in all.</p>
    </section>
  );
}

function Attempts({ value }: { value: TrialDetails }) {
  if (!value.attempts.length) return null;
  const text = (cell: Cell | undefined) => (cell === null || cell === undefined ? '–' : String(cell));
  return (
    <section class="card">
      <h3>{plural(value.attempts.length, 'attempt')}</h3>
      <div class="scrolls" tabIndex={0} role="region" aria-label="Attempts">
      <table class="events in-lines">
        <thead><tr><th scope="col">attempt</th><th scope="col">began</th><th scope="col">for</th><th scope="col">where</th><th scope="col">ended</th></tr></thead>
        <tbody>
          {value.attempts.map((one, k) => (
            <tr key={k}>
              <td>{text(one.attempt ?? one.number ?? k + 1)}</td>
              <td>{moment(toNumber(one.began))}</td>
              <td>{duration(toNumber(one.ended ?? null) - toNumber(one.began))}</td>
              <td>{[one.worker, one.slot].filter((cell) => cell !== null && cell !== undefined).join(' · ') || '–'}</td>
              <td>{one.outcome === null || one.outcome === undefined ? 'running' : text(one.outcome)}{one.reason ? <span class="soft">: {text(one.reason)}</span> : null}</td>
            </tr>
          ))}
        </tbody>
      </table>
      </div>
    </section>
  );
}

function TrialCurve({ id, name }: { id: string; name: string }) {
  const { value, error } = useAsked<Points>(`api/trials/${id}/points?metric=${encodeURIComponent(name)}`, pointsVersion.value, 500);
  const data = useMemo(() => ({ x: (value?.steps ?? []).map(toNumber), y: (value?.values ?? []).map(toNumber) }), [value]);
  const marks = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      pen.strokeStyle = pen.fillStyle = look.result;
      pen.lineWidth = 1.8;
      pen.beginPath();
      let down = false;
      data.x.forEach((x, k) => {
        const [px, py] = [area.x.to(x), area.y.to(data.y[k])];
        if (Number.isNaN(px + py)) down = false;
        else if (down) pen.lineTo(px, py);
        else (pen.moveTo(px, py), (down = true));
      });
      pen.stroke();
      if (data.x.length > 60) return;
      pen.beginPath();
      data.x.forEach((x, k) => Number.isFinite(data.y[k]) && dot(pen, area.x.to(x), area.y.to(data.y[k]), 2.6));
      pen.fill();
    },
    [data],
  );
  const bad = data.y.filter((y) => !Number.isFinite(y)).length;
  return (
    <Plot title={name} height={230} pans x={{ kind: 'linear', domain: extent(data.x), title: 'step' }} y={{ kind: 'linear', domain: extent(data.y), title: name }} marks={marks}
      nearest={(px, _py, area) => {
        const k = data.x.reduce((best, x, i) => (Math.abs(area.x.to(x) - px) < Math.abs(area.x.to(data.x[best]) - px) ? i : best), 0);
        if (!data.x.length || Number.isNaN(area.y.to(data.y[k]))) return null;
        return { x: area.x.to(data.x[k]), y: area.y.to(data.y[k]), lines: <>step {short(data.x[k])}: <b>{short(data.y[k], 7)}</b></> };
      }}
      csv={() => [csvLine(['step', name, 'time']), ...data.x.map((x, k) => csvLine([x, value?.values[k], value?.times?.[k]]))].join('\n')}
      summary={`${plural(data.x.length, 'point')}, the last ${short(data.y[data.y.length - 1])}.`}
      foot={bad > 0 ? <span class="soft">{plural(bad, 'point')} nan or infinite: shown as gaps.</span> : null}
      empty={error?.message ?? (value && !data.x.length ? 'Nothing reported yet.' : null)} />
  );
}

function Provenance({ value }: { value: TrialDetails }) {
  const facts = Object.entries(value.provenance ?? {}).filter(([, held]) => held !== null && held !== undefined);
  const variables = Object.entries(value.variables ?? {});
  if (!facts.length && !variables.length && !value.files.length) return null;
  return (
    <section class="card">
      <h3>Where it came from</h3>
      <dl class="pairs">
        {facts.map(([key, held]) => <div key={key}><dt>{key.replaceAll('_', ' ')}</dt><dd>{readable(held)}</dd></div>)}
      </dl>
      {variables.length > 0 && (
        <details>
          <summary>{plural(variables.length, 'variable')} of its environment</summary>
          <dl class="pairs">{variables.map(([key, held]) => <div key={key}><dt>{key}</dt><dd>{held}</dd></div>)}</dl>
        </details>
      )}
      {value.files.length > 0 && (
        <details>
          <summary>{plural(value.files.length, 'file')}</summary>
          <ul class="plain">{value.files.map((file) => <li key={file.name}>{file.name} <span class="soft">{bytes(file.bytes)}</span></li>)}</ul>
        </details>
      )}
    </section>
  );
}
