// What the experiment is: its command, its space, its rules, and who works on it.

import { details } from '../data/opened';
import type { ParameterInfo } from '../data/wire';
import { ago, moment, readable, short } from '../text';
import { Command } from '../parts/controls';

const TOLD_ELSEWHERE = new Set(['command', 'space', 'algorithm']);

export function Description() {
  return (
    <div class="grid two">
      <section class="card">
        <Rules />
        <Workers />
      </section>
      <Space />
    </div>
  );
}

function Rules() {
  const about = details.value!;
  const { command, algorithm } = about.description;
  const rest = Object.entries(about.description).filter(([key, value]) => !TOLD_ELSEWHERE.has(key) && readable(value) !== '');
  return (
    <>
      <h3>Command</h3>
      {command ? <Command text={command} /> : <p class="soft">A Python function.</p>}
      <h3>Rules</h3>
      <dl class="pairs">
        <div><dt>created</dt><dd>{moment(about.created)}</dd></div>
        <div><dt>algorithm</dt><dd>{algorithm ? named(algorithm) : (about.algorithm ?? '–')}</dd></div>
        {about.goals.map((goal) => <div key={goal.metric}><dt>{goal.direction}</dt><dd>{goal.metric}</dd></div>)}
        {about.stages ? <div><dt>stages</dt><dd>{readable(about.stages)}</dd></div> : null}
        {about.stopping ? <div><dt>stopping</dt><dd>{named(about.stopping)}</dd></div> : null}
        {rest.map(([key, value]) => <div key={key}><dt>{key.replaceAll('_', ' ')}</dt><dd>{readable(value)}</dd></div>)}
      </dl>
    </>
  );
}

/** What has a name and settings, the name first: `asha: eta 3, min resource 1`. */
function named(value: unknown): string {
  const { name, rule, settings, ...rest } = value as Record<string, unknown>;
  return [String(name ?? rule), [settings, rest].map(readable).filter(Boolean).join(', ')].filter(Boolean).join(': ');
}

function Workers() {
  const { workers } = details.value!;
  return (
    <>
      <h3>Workers</h3>
      {workers.length === 0 && <p class="soft">Nobody works on it now.</p>}
      <ul class="plain">
        {workers.map((worker) => (
          <li key={worker.name}>
            <b>{worker.name}</b> <span class="soft">{worker.machine} · {worker.state}{worker.seen ? ` · seen ${ago(worker.seen)}` : ''}</span>
            {worker.trials.length > 0 && <span> · trials {worker.trials.join(', ')}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

function Space() {
  return (
    <section class="card">
      <h3>Parameters</h3>
      <table class="space">
        <thead><tr><th scope="col">name</th><th scope="col">kind</th><th scope="col">values</th><th scope="col">when</th></tr></thead>
        <tbody>
          {details.value!.description.space.map((one) => (
            <tr key={one.name}>
              <td>{one.name}</td>
              <td>{one.kind}</td>
              <td>{valuesOf(one)}</td>
              <td>{one.when ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function valuesOf({ choices, low, high, scale, step }: ParameterInfo): string {
  if (choices) return choices.join(', ');
  if (low === null) return '–';
  return `${short(low)} … ${short(high)}${scale === 'linear' ? '' : `, ${scale.replace('_', ' ')}`}${step ? `, step ${short(step)}` : ''}`;
}
