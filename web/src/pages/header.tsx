// The strip at the top of an experiment: how it stands, the best value with its configuration and command, how fast it goes
// and when it will be over.

import { details, trials, version } from '../data/opened';
import { session } from '../data/listing';
import type { Details } from '../data/wire';
import { toNumber } from '../data/wire';
import { brief, count, duration, plural, short } from '../text';
import { hrefTo } from '../state/route';
import { look } from '../state/theme';
import { Progress } from '../parts/progress';
import { copyText } from '../parts/saving';
import { useTitle } from '../parts/title';
import { ExperimentControls } from '../parts/steering';
import { classOfState } from './list';

export function Header() {
  const about = details.value!;
  const all = Math.max(about.target ?? 0, about.finished + about.running + about.queued + about.waiting, 1);
  const best = about.best ? ` · ${about.best.display ?? short(about.best.value)}` : '';
  useTitle(`${about.finished}/${all}${best} · ${about.name ?? `experiment ${about.id}`}`, about.finished / all, look.value.result);
  return (
    <section class="strip" aria-label="How it stands">
      <div class="strip-main">
        <h1>
          <span class="number">{about.id}</span> {about.name ?? about.goals[0]?.metric ?? 'experiment'}
        </h1>
        <span class={`standing ${classOfState(about.state)}`}>{about.state}</span>
        {about.why && <span class="soft why">{about.why}</span>}
        <span class="spread" />
        {session.value?.may_control && <ExperimentControls about={about} />}
      </div>
      <div class="facts">
        <BestFact about={about} />
        <div class="fact wide">
          <h2>Trials</h2>
          <Progress entry={about} />
          <Counts about={about} />
        </div>
        <Pace about={about} />
      </div>
    </section>
  );
}

function BestFact({ about }: { about: Details }) {
  const { best, goals } = about;
  const goal = goals[0];
  if (!best) {
    return (
      <div class="fact best">
        <h2>Best {goal?.metric}</h2>
        <p class="big soft">–</p>
        <p class="soft">No trial has a value yet.</p>
      </div>
    );
  }
  const configuration = Object.entries(best.configuration ?? {});
  return (
    <div class="fact best">
      <h2>
        Best {goal?.metric} <span class="soft">({goal?.direction})</span>
      </h2>
      <p class="big" title={String(best.value)}>
        <span class="value">{best.display ?? short(best.value)}</span> <a href={hrefTo([`${about.id}.${best.trial}`])}>trial {best.trial}</a>
      </p>
      <p class="configuration" tabIndex={0} role="group" aria-label="Its configuration">
        {configuration.map(([name, value]) => (
          <span key={name} title={`${name} = ${String(value)}`}>
            <span class="soft">{name}</span> {brief(value)}
          </span>
        ))}
      </p>
      <div class="buttons">
        {best.command && <button onClick={() => copyText(best.command!, 'Command copied')} title={best.command}>Copy command</button>}
        {configuration.length > 0 && (
          <button onClick={() => copyText(JSON.stringify(best.configuration, null, 2), 'Configuration copied as JSON')}>Copy JSON</button>
        )}
      </div>
    </div>
  );
}

function Counts({ about }: { about: Details }) {
  const rows: Array<[string, string, number]> = [
    ['succeeded', 'good', about.outcomes.succeeded ?? 0],
    ['stopped early', 'stopped', about.outcomes.stopped ?? 0],
    ...Object.entries(about.outcomes)
      .filter(([name]) => !['succeeded', 'stopped'].includes(name))
      .map(([name, n]): [string, string, number] => [name, 'bad', n]),
    ['running', 'running', about.running],
    ['waiting', 'waiting', about.waiting],
    ['queued', 'queued', about.queued],
  ];
  return (
    <ul class="counts">
      {rows.filter(([name, , n]) => n > 0 || name === 'succeeded').map(([name, kind, n]) => (
        <li key={name}>
          <i class={kind} aria-hidden="true" /> <b>{count(n)}</b> {name}
        </li>
      ))}
    </ul>
  );
}

/** Trials a minute, over the last twenty that ended: what it does now, not what it did at night. */
function pace(): number | null {
  version.value;
  const column = trials.value.column('ended');
  const ended = column?.kept('latest', () => column.numbers().filter((at) => !Number.isNaN(at)).sort().slice(-21)) ?? [];
  if (ended.length < 3) return null;
  const span = ended[ended.length - 1] - ended[0];
  return span > 0 ? ((ended.length - 1) / span) * 60 : null;
}

function Pace({ about }: { about: Details }) {
  const perMinute = pace();
  const busy = about.workers.filter((worker) => worker.trials.length > 0).length;
  return (
    <div class="fact">
      <h2>Pace</h2>
      <dl class="pace">
        <div>
          <dt>trials a minute</dt>
          <dd>{perMinute === null ? '–' : short(perMinute, 3)}</dd>
        </div>
        <div>
          <dt>{about.seconds_left === null ? 'time taken' : 'time left'}</dt>
          <dd>{about.seconds_left === null ? duration(toNumber(about.changed) - about.created) : `about ${duration(about.seconds_left)}`}</dd>
        </div>
        <div>
          <dt>workers</dt>
          <dd title={about.workers.map((worker) => `${worker.name}: ${worker.state}`).join('\n')}>
            {about.workers.length ? `${busy} busy of ${plural(about.workers.length, 'worker')}` : '–'}
          </dd>
        </div>
        <div>
          <dt>algorithm</dt>
          <dd>{about.algorithm ?? '–'}</dd>
        </div>
      </dl>
    </div>
  );
}
