// The log of a trial, live: it follows the end until a person scrolls up, and says how much of it is shown.
//
// Text is only ever text here: nothing of a log becomes markup. Offsets count bytes, because the server's do.

import { useEffect, useRef, useState } from 'preact/hooks';
import { address, getLog, inside } from '../data/fetching';
import { watch, type Message } from '../data/live';
import { bytes, count } from '../text';
import { useKeys } from '../state/keys';
import { Pick, Toggle } from './controls';
import { overwritten, pieces } from './ansi';

const PART = 65_536;
const MOST_LINES = 5_000;

interface Held {
  text: string;
  from: number;
  next: number;
  size: number;
}

interface LogProps {
  trial: string;
  attempts: number[];
  running: boolean;
  failed: boolean;
}

export function Log({ trial, attempts, running, failed }: LogProps) {
  // What failed says why on stderr.
  const [stream, setStream] = useState(failed && !inside ? 'stderr' : 'stdout');
  const [attempt, setAttempt] = useState(attempts[attempts.length - 1] ?? 1);
  const [follow, setFollow] = useState(true);
  const [word, setWord] = useState('');
  const { held, error, earlier } = useLog(trial, stream, attempt);
  useEffect(() => setAttempt(attempts[attempts.length - 1] ?? 1), [attempts.length]);
  useKeys({ p: () => setFollow(!follow) });
  const link = inside ? null : address(`api/trials/${trial}/log?stream=${stream}&attempt=${attempt}&from=0&most=${held?.size ?? PART}`).href;
  return (
    <section class={`card log${running ? ' grows' : ''}`} aria-label="Log">
      <div class="row-of-tools">
        <h3>Log</h3>
        <span class="segments" role="group" aria-label="Stream">
          {['stdout', 'stderr'].map((one) => <Toggle key={one} label={one} on={stream === one} set={() => setStream(one)} />)}
        </span>
        {attempts.length > 1 && <Pick label="attempt" value={String(attempt)} options={attempts.map(String)} set={(one) => setAttempt(Number(one))} />}
        <input type="search" placeholder="Search the log" aria-label="Search the log" value={word} onInput={(event) => setWord(event.currentTarget.value)} />
        <span class="spread" />
        {running && <Toggle label={follow ? 'following' : 'held'} on={follow} set={setFollow} />}
        {link && <a href={link} download={`${trial}-${stream}.txt`}>Save</a>}
      </div>
      {error && <p class="bad" role="alert">{error.message}</p>}
      <Lines held={held} label={`${stream} of trial ${trial}`} word={word} follow={follow} setFollow={setFollow}
        earlier={() => (setFollow(false), void earlier())}
        nothing={error ? '' : !held ? 'Reading…' : held.text ? '' : running ? 'Nothing written yet.' : `This attempt wrote nothing to ${stream}.`} />
    </section>
  );
}

/** What was read of a log, and what reads more of its beginning. It grows by itself. */
function useLog(trial: string, stream: string, attempt: number) {
  const [held, setHeld] = useState<Held | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const last = useRef<Held | null>(null);
  last.current = held;
  useEffect(() => {
    let gone = false;
    let unwatch = () => undefined as void;
    setHeld(null);
    const heard = (message: Message) => {
      if (message.kind !== 'log' || message.trial !== trial) return;
      if (message.stream !== undefined && (message.stream !== stream || message.attempt !== attempt)) return;
      setHeld((old) => grown(old, message));
    };
    getLog(trial, stream, attempt, null, PART).then(
      (part) => {
        if (gone) return;
        setError(null);
        setHeld(part);
        unwatch = watch(`log ${trial}`, () => ({ watch_log: trial, stream, attempt, from: last.current?.next ?? part.next }), heard);
      },
      (problem: Error) => !gone && setError(problem),
    );
    return () => {
      gone = true;
      unwatch();
    };
  }, [trial, stream, attempt]);
  const earlier = async () => {
    const from = Math.max(0, held!.from - PART);
    const part = await getLog(trial, stream, attempt, from, held!.from - from);
    setHeld({ ...held!, text: part.text + held!.text, from: part.from });
  };
  return { held, error, earlier };
}

/** A log with what was written since; what is known already is not added twice. */
function grown(old: Held | null, message: Message): Held {
  const { from, text } = message as unknown as { from: number; text: string };
  if (old && from < old.next) return old;
  const next = Number(message.next ?? from + new TextEncoder().encode(text).length);
  return { text: (old?.text ?? '') + text, from: old?.from ?? from, next, size: next };
}

interface LinesProps {
  held: Held | null;
  label: string;
  word: string;
  follow: boolean;
  setFollow: (follow: boolean) => void;
  earlier: () => void;
  nothing: string;
}

function Lines({ held, label, word, follow, setFollow, earlier, nothing }: LinesProps) {
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [held, follow]);
  const lines = (held?.text ?? '').replace(/\n$/, '').split('\n').map(overwritten);
  const wanted = word ? lines.filter((line) => line.toLowerCase().includes(word.toLowerCase())) : lines;
  const shown = wanted.slice(-MOST_LINES);
  return (
    <pre ref={box} tabIndex={0} aria-label={label}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        setFollow(scrollHeight - scrollTop - clientHeight < 24);
      }}>
      {held && held.from > 0 && (
        <button class="quiet" onClick={earlier}>
          Showing the last {bytes(held.next - held.from)} of {bytes(held.size)}. Show earlier lines
        </button>
      )}
      {wanted.length > shown.length && <div class="soft">Showing the last {count(shown.length)} of {count(wanted.length)} lines.</div>}
      {shown.map((line, k) => (
        <div key={k}>{pieces(line).map((piece, i) => <span key={i} class={piece.style || undefined}>{piece.text}</span>)}</div>
      ))}
      {nothing && <div class="soft">{nothing}</div>}
      {word && !shown.length && <div class="soft">No line has “{word}”.</div>}
    </pre>
  );
}
