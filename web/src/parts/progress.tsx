// A bar of trials: succeeded, stopped, failed and running, as shares of the target. It reads as text as well.

import type { Entry } from '../data/wire';
import { count } from '../text';

type Counts = Pick<Entry, 'target' | 'finished' | 'running' | 'waiting' | 'queued' | 'outcomes'>;

export function sharesOf(entry: Counts): Array<[kind: string, n: number]> {
  const { succeeded = 0, stopped = 0 } = entry.outcomes;
  const others = Math.max(0, entry.finished - succeeded - stopped);
  return [['good', succeeded], ['stopped', stopped], ['bad', others], ['running', entry.running], ['waiting', entry.waiting]];
}

export function Progress({ entry }: { entry: Counts }) {
  const shares = sharesOf(entry).filter(([, n]) => n > 0);
  const sum = entry.finished + entry.running + entry.waiting + entry.queued;
  const all = Math.max(entry.target ?? sum, sum, 1);
  const text = entry.target === null ? `${count(entry.finished)} finished` : `${count(entry.finished)} of ${count(entry.target)}`;
  return (
    <div class="progress">
      <div class="track" role="progressbar" aria-label="Finished trials" aria-valuemin={0} aria-valuemax={all} aria-valuenow={entry.finished} aria-valuetext={text}>
        {shares.map(([kind, n], k) => {
          // Moved by transforms, which shift nothing else.
          const before = shares.slice(0, k).reduce((sum, [, one]) => sum + one, 0);
          return <i key={kind} class={kind} style={{ transform: `translateX(${(100 * before) / all}%) scaleX(${n / all})` }} />;
        })}
      </div>
      <span class="soft">{text}</span>
    </div>
  );
}
