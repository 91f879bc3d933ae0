// The controls: pause, go on, stop, kill, retry, more trials, a configuration of one's own. Each is the verb of the command
// line, and each has an undo or asks first. They are only shown where the server allows them.

import { useState } from 'preact/hooks';
import { control } from '../data/fetching';
import { refreshDetails } from '../data/opened';
import { plural } from '../text';
import type { Details } from '../data/wire';
import { ask } from './question';
import { EnqueueDialog } from './enqueue';
import { say } from './toasts';

type Verb = Record<string, unknown> & { verb: string; id: string };

/** Does it and tells so, with an undo where the server knows one. */
export async function steer(what: Verb): Promise<boolean> {
  try {
    const { done, undo } = await control(what);
    say(done, 'good', undo ? () => void steer({ ...(undo as Verb) }) : undefined);
    refreshDetails();
    return true;
  } catch (error) {
    say((error as Error).message, 'bad');
    return false;
  }
}

async function asked(title: string, text: string, yes: string, what: Verb): Promise<void> {
  if (await ask(title, text, yes)) await steer(what);
}

// Outcomes that call for no other attempt, as `luthier retry --failed` has it.
const WELL = ['succeeded', 'stopped'];

export function ExperimentControls({ about }: { about: Details }) {
  const [enqueuing, setEnqueuing] = useState(false);
  const { id, state } = about;
  // Every button keeps its place, also where it can do nothing now: a control that moves is hit by mistake.
  const goes = state === 'running' || state === 'asked';
  const rests = ['paused', 'stopped', 'ended', 'interrupted'].includes(state);
  const badly = Object.entries(about.outcomes).reduce((sum, [outcome, n]) => sum + (WELL.includes(outcome) ? 0 : n), 0);
  const running = plural(about.running, 'running trial');
  return (
    <div class="controls" role="group" aria-label="Controls">
      {rests ? (
        <button class="first" onClick={() => steer({ verb: 'resume', id })}>Go on</button>
      ) : (
        <button class="first" disabled={!goes} onClick={() => steer({ verb: 'pause', id })}>Pause</button>
      )}
      <button disabled={!goes && state !== 'paused' && state !== 'interrupted'}
        onClick={() => asked(`Stop experiment ${id}?`, `${running} asked to end; what they have is kept. It can go on later.`, 'Stop', { verb: 'stop', id })}>
        Stop
      </button>
      <button class="danger" disabled={about.running === 0}
        onClick={() => asked(`Kill experiment ${id}?`, `${running} ended at once; what they did not save is lost.`, 'Kill', { verb: 'kill', id })}>
        Kill
      </button>
      <button disabled={badly === 0} title="All that ended badly; stopped ones are left"
        onClick={() => asked(`Try ${plural(badly, 'failed trial')} again?`, 'Each gets another attempt with the same configuration.', 'Try again', { verb: 'retry', id })}>
        Retry failed
      </button>
      <TargetControl about={about} />
      <button onClick={() => setEnqueuing(true)}>Enqueue…</button>
      {enqueuing && <EnqueueDialog about={about} close={() => setEnqueuing(false)} />}
    </div>
  );
}

function TargetControl({ about }: { about: Details }) {
  const [text, setText] = useState<string | null>(null);
  const send = async (event: Event) => {
    event.preventDefault();
    const target = Number(text);
    if (!Number.isInteger(target) || target < 1) return say('A target is a whole number of trials.', 'bad');
    if (await steer({ verb: 'target', id: about.id, target })) setText(null);
  };
  if (text === null) return <button onClick={() => setText(String(about.target ?? about.finished))}>Target…</button>;
  return (
    <form class="inline" onSubmit={send}>
      <label>
        <span class="unseen">How many trials in all</span>
        <input type="number" min="1" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button>Set</button>
      <button type="button" class="quiet" aria-label="Leave the target as it is" onClick={() => setText(null)}>×</button>
    </form>
  );
}

export function TrialControls({ id, state }: { id: string; state: string }) {
  return (
    <div class="controls" role="group" aria-label="Controls">
      {state !== 'finished' && (
        <>
          <button onClick={() => asked(`Stop trial ${id}?`, 'It is asked to end and keeps what it has; its value counts.', 'Stop', { verb: 'stop', id })}>Stop</button>
          <button class="danger" onClick={() => asked(`Kill trial ${id}?`, "It ends at once. This can't be undone.", 'Kill', { verb: 'kill', id })}>Kill</button>
        </>
      )}
      {state === 'finished' && <button onClick={() => asked(`Try trial ${id} again?`, 'It gets another attempt with the same configuration.', 'Try again', { verb: 'retry', id })}>Retry</button>}
    </div>
  );
}
