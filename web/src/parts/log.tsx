// The log of a trial, live: it follows the end until a person scrolls up, and says how much of it is shown.
//
// Text is only ever text here: nothing of a log becomes markup. Offsets count bytes, because the server's do.

import { useEffect, useRef, useState } from 'preact/hooks';
import { address, getLog, inside } from '../data/fetching';
import { watch } from '../data/live';
import { bytes, count } from '../text';
import { useKeys } from '../state/keys';
import { Toggle } from './controls';
import { overwritten, pieces } from './ansi';

const PART = 65_536;
const MOST_LINES = 5_000;

interface Held {
  text: string;
  from: number;
  next: number;
  size: number;
}

export function Log({ trial, attempts, running, failed }: { trial: string; attempts: number[]; running: boolean; failed: boolean }) {
  // What failed says why on stderr.
  const [stream, setStream] = useState(failed && !inside ? 'stderr' : 'stdout');
  const [attempt, setAttempt] = useState(attempts[attempts.length - 1] ?? 1);
  const [held, setHeld] = useState<Held | null>(null);
  const [follow, setFollow] = useState(true);
  const [word, setWord] = useState('');
  const [error, setError] = useState<Error | null>(null);
  const box = useRef<HTMLPreElement>(null);
  const last = useRef<Held | null>(null);
  last.current = held;

  useEffect(() => setAttempt(attempts[attempts.length - 1] ?? 1), [attempts.length]);
  useEffect(() => {
    let gone = false;
    let unwatch = () => undefined as void;
    setHeld(null);
    getLog(trial, stream, attempt, null, PART).then(
      (part) => {
        if (gone) return;
        setError(null);
        setHeld(part);
        unwatch = watch(`log ${trial}`, () => ({ watch_log: trial, stream, attempt, from: last.current?.next ?? part.next }), (message) => {
          if (message.kind !== 'log' || message.trial !== trial) return;
          if (message.stream !== undefined && (message.stream !== stream || message.attempt !== attempt)) return;
          const { from, text } = message as unknown as { from: number; text: string };
          const next = Number(message.next ?? from + new TextEncoder().encode(text).length);
          setHeld((old) => (old && from < old.next ? old : { text: (old?.text ?? '') + text, from: old?.from ?? from, next, size: next }));
        });
      },
      (problem: Error) => !gone && setError(problem),
    );
    return () => {
      gone = true;
      unwatch();
    };
  }, [trial, stream, attempt]);

  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [held, follow]);
  useKeys({ p: () => setFollow(!follow) });

  const earlier = async () => {
    const from = Math.max(0, held!.from - PART);
    const part = await getLog(trial, stream, attempt, from, held!.from - from);
    setFollow(false);
    setHeld({ ...held!, text: part.text + held!.text, from: part.from });
  };
  const lines = (held?.text ?? '').replace(/\n$/, '').split('\n').map(overwritten);
  const wanted = word ? lines.filter((line) => line.toLowerCase().includes(word.toLowerCase())) : lines;
  const shown = wanted.slice(-MOST_LINES);
  const link = inside ? null : address(`api/trials/${trial}/log?stream=${stream}&attempt=${attempt}&from=0&most=${held?.size ?? PART}`).href;
  return (
    <section class="card log" aria-label="Log">
      <div class="row-of-tools">
        <h3>Log</h3>
        <span class="segments" role="group" aria-label="Stream">
          {['stdout', 'stderr'].map((one) => <Toggle key={one} label={one} on={stream === one} set={() => setStream(one)} />)}
        </span>
        {attempts.length > 1 && (
          <label class="pick">
            <span>attempt</span>
            <select value={String(attempt)} onChange={(event) => setAttempt(Number(event.currentTarget.value))}>
              {attempts.map((one) => <option key={one} value={one} selected={one === attempt}>{one}</option>)}
            </select>
          </label>
        )}
        <input type="search" placeholder="Search the log" aria-label="Search the log" value={word} onInput={(event) => setWord(event.currentTarget.value)} />
        <span class="spread" />
        {running && <Toggle label={follow ? 'following' : 'held'} on={follow} set={setFollow} />}
        {link && <a href={link} download={`${trial}-${stream}.txt`}>Save</a>}
      </div>
      {error && <p class="bad" role="alert">{error.message}</p>}
      <pre ref={box} tabIndex={0} aria-label={`${stream} of trial ${trial}`}
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
        {!held && !error && <div class="soft">Reading…</div>}
        {held && !held.text && <div class="soft">{running ? 'Nothing written yet.' : `This attempt wrote nothing to ${stream}.`}</div>}
        {word && !shown.length && <div class="soft">No line has “{word}”.</div>}
      </pre>
    </section>
  );
}
