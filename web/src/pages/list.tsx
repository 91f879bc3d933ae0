// All experiments: how each stands at a glance, the best so far, and when it will be over.

import { useEffect } from 'preact/hooks';
import { experiments, followList, listFailure, load } from '../data/listing';
import type { Entry } from '../data/wire';
import { ago, count, duration, plural, short } from '../text';
import { choose, goTo, hrefTo, option } from '../state/route';
import { Command, Skeleton, Trouble } from '../parts/controls';
import { Progress } from '../parts/progress';
import { Spark } from '../parts/spark';
import { useTitle } from '../parts/title';

const stateClass: Record<string, string> = {
  running: 'is-running', finished: 'is-good', ended: 'is-good', paused: 'is-stopped', stopping: 'is-stopped', stopped: 'is-stopped',
  interrupted: 'is-bad', asked: 'is-running',
};
export const classOfState = (state: string) => stateClass[state] ?? 'is-quiet';

export function ListPage() {
  useEffect(followList, []);
  const all = experiments.value;
  const word = (option('q') ?? '').toLowerCase();
  useTitle(all ? `luthier: ${plural(all.length, 'experiment')}` : 'luthier', null);
  if (!all) return listFailure.value ? <Trouble error={listFailure.value} retry={load} /> : <Skeletons />;
  if (!all.length) return <NoExperiments />;
  const shown = all.filter((one) => !word || textOf(one).includes(word));
  const chosen = (option('c') ?? '').split(',').filter(Boolean);
  const mark = (id: string, on: boolean) => choose('c', (on ? [...chosen, id] : chosen.filter((one) => one !== id)).join(','));
  return (
    <section aria-labelledby="list-title">
      <div class="page-head">
        <h1 id="list-title">Experiments</h1>
        <input type="search" placeholder="Filter by name, state, algorithm, label…" aria-label="Filter the experiments"
          value={option('q') ?? ''} onInput={(event) => choose('q', event.currentTarget.value)} />
        <span class="soft">{shown.length === all.length ? plural(all.length, 'experiment') : `showing ${count(shown.length)} of ${count(all.length)}`}</span>
        <span class="spread" />
        <button disabled={chosen.length < 2} onClick={() => goTo(['compare', chosen.join(',')])}>
          Compare{chosen.length ? ` ${chosen.length}` : ''}
        </button>
      </div>
      <ul class="experiments">
        {shown.map((one) => (
          <Card key={one.id} entry={one} chosen={chosen.includes(one.id)} mark={mark} />
        ))}
      </ul>
      {!shown.length && <p class="nothing-here">No experiment has “{word}” in its name, state, algorithm or labels.</p>}
    </section>
  );
}

function textOf(one: Entry): string {
  const labels = Array.isArray(one.labels) ? one.labels.join(' ') : Object.entries(one.labels ?? {}).flat().join(' ');
  return [one.id, one.name, one.state, one.algorithm, one.project, labels, ...one.goals.map((goal) => goal.metric)].join(' ').toLowerCase();
}

function Card({ entry, chosen, mark }: { entry: Entry; chosen: boolean; mark: (id: string, on: boolean) => void }) {
  const goal = entry.goals[0];
  const labels = Array.isArray(entry.labels) ? entry.labels : Object.entries(entry.labels ?? {}).map(([key, value]) => (value ? `${key}=${value}` : key));
  return (
    <li class="card experiment">
      <input type="checkbox" checked={chosen} aria-label={`Compare experiment ${entry.id}`}
        onChange={(event) => mark(entry.id, event.currentTarget.checked)} />
      <a class="who" href={hrefTo([entry.id])}>
        <span class="number">{entry.id}</span>
        <span class="name">{entry.name ?? goal?.metric ?? 'experiment'}</span>
        <span class="soft">{[entry.algorithm, entry.project, ...labels].filter(Boolean).join(' · ')}</span>
      </a>
      <div class="how">
        <span class={`standing ${classOfState(entry.state)}`} title={entry.why ?? undefined}>{entry.state}</span>
        <span class="soft">{entry.state === 'running' && entry.seconds_left !== null ? `${duration(entry.seconds_left)} left` : ago(entry.changed)}</span>
      </div>
      <Progress entry={entry} />
      <Spark values={entry.spark} />
      <div class="best">
        {entry.best ? (
          <>
            <b>{entry.best.display ?? short(entry.best.value)}</b>
            <span class="soft">{goal?.metric} · trial {entry.best.trial}</span>
          </>
        ) : (
          <span class="soft">no value yet</span>
        )}
      </div>
    </li>
  );
}

function Skeletons() {
  return (
    <section>
      <div class="page-head"><h1>Experiments</h1></div>
      {[0, 1, 2, 3].map((k) => <Skeleton key={k} height={74} label="Loading the experiments" />)}
    </section>
  );
}

function NoExperiments() {
  return (
    <section class="middle">
      <h1>No experiment yet</h1>
      <p>Begin one in another terminal and watch it appear here. This template takes about a minute:</p>
      <Command text="luthier template get digits && cd digits && luthier run luthier.yaml" />
      <p class="soft">Or tune a command of yours: write what varies in its place.</p>
      <Command text="luthier bayesian --num-runs 40 --param lr=1e-5:1e-1:log --minimize loss 'python train.py --lr :lr:'" />
    </section>
  );
}
