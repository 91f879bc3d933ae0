// Who ran what and when: a row for each worker and slot, a bar for each attempt.

import { useMemo } from 'preact/hooks';
import { filterBy, matched, openId, select, selected, trials, version } from '../data/opened';
import { useAsked } from '../data/asked';
import { serverNow } from '../data/listing';
import { toNumber, type Timeline } from '../data/wire';
import type { Look } from '../state/theme';
import { count, csvLine, duration, plural } from '../text';
import { Skeleton, Trouble } from '../parts/controls';
import type { Found } from './gestures';
import { fitted, type Pen } from './pen';
import { Plot, type Area, type Box } from './plot';
import { airy } from './scale';
import { markOf } from './standing';

const ROW = 26;

interface Bar {
  trial: number;
  attempt: number;
  lane: number;
  began: number;
  ended: number;
  outcome: string;
}

/** The attempts as bars in lanes, and how busy each lane was. */
export function barsOf({ attempts }: Timeline, now: number): { lanes: string[]; bars: Bar[]; busy: number[] } {
  const names = attempts.trial.map((_trial, k) => [attempts.worker[k] ?? 'unknown', attempts.slot[k]].filter((one) => one !== null && one !== undefined).join(' · '));
  const lanes = [...new Set(names)].sort((a, b) => b.localeCompare(a, undefined, { numeric: true }));
  const place = new Map(lanes.map((name, k) => [name, k]));
  const busy = lanes.map(() => 0);
  const bars = attempts.trial.map((trial, k) => {
    const began = toNumber(attempts.began[k]);
    const end = toNumber(attempts.ended[k]);
    const ended = Number.isNaN(end) ? Math.max(now, began) : end;
    const lane = place.get(names[k])!;
    if (Number.isFinite(began)) busy[lane] += ended - began;
    return { trial, attempt: attempts.attempt[k], lane, began, ended, outcome: attempts.outcome[k] ?? 'running' };
  });
  return { lanes, bars: bars.filter((bar) => Number.isFinite(bar.began)), busy };
}

interface Drawn {
  lanes: string[];
  bars: Bar[];
  busy: number[];
  first: number;
  latest: number;
}

/** All that is drawn, until now while something runs, else until the last end. */
function drawnOf(value: Timeline): Drawn {
  const { began, ended } = value.attempts;
  const isRunning = ended.some((end) => end === null);
  const latest = [...began, ...ended].map(toNumber).reduce((most, one) => (one > most ? one : most), isRunning ? serverNow() : 0);
  const all = barsOf(value, latest);
  return { ...all, latest, first: all.bars.reduce((low, bar) => Math.min(low, bar.began), Infinity) };
}

export function TimelineChart() {
  const { value, error } = useAsked<Timeline>(`api/experiments/${openId.value}/timeline`, version.value, 1000);
  const { mask } = matched.value;
  const held = trials.value;
  const chosen = selected.value;
  const drawn = useMemo(() => value && drawnOf(value), [value]);
  const marks = useMemo(
    () => (pen: Pen, area: Area, look: Look) => {
      if (drawn) paintBars(pen, area, look, drawn.bars, (trial) => mask[held.rowOf(trial)] === 1, chosen);
    },
    [drawn, mask, held, chosen],
  );
  if (error && !value) return <Trouble error={error} />;
  if (!drawn) return <Skeleton height={300} label="Loading the timeline" />;
  const { bars, lanes, first, latest } = drawn;
  const said = inWords(drawn);
  const onBrush = (box: Box | null) => filterBy('began', box && { kind: 'range', low: Math.round(box.x[0]), high: Math.round(box.x[1]) });
  return (
    <Plot title="Timeline" height={Math.max(160, Math.min(900, lanes.length * ROW + 60))} left={Math.min(220, 40 + Math.max(...lanes.map((one) => one.length), 4) * 6.5)}
      x={{ kind: 'time', domain: airy(first, latest, 'time', 0.01), title: 'time' }}
      y={{ kind: 'category', domain: [-0.6, lanes.length - 0.4], title: '', categories: lanes }}
      marks={marks} nearest={(px, py, area) => nearest(drawn, px, py, area)} onBrush={onBrush} csv={() => csvOf(drawn)} summary={said}
      foot={<span class="soft">{(value?.trials ?? 0) > (value?.shown ?? 0) && `The newest ${count(value!.shown!)} of ${count(value!.trials!)} trials. `}{said}</span>}
      empty={bars.length === 0 ? 'No attempt has begun yet.' : null} />
  );
}

function inWords({ bars, lanes, busy, first, latest }: Drawn): string {
  const wall = Math.max(1e-9, latest - first);
  const share = Math.round((100 * busy.reduce((sum, one) => sum + one, 0)) / (wall * Math.max(1, lanes.length)));
  return `${plural(bars.length, 'attempt')} on ${plural(lanes.length, 'slot')}, busy ${share} % of ${duration(wall)}.`;
}

function nearest({ bars, lanes }: Drawn, px: number, py: number, area: Area): Found | null {
  const lane = Math.round(area.y.from(py));
  const at = area.x.from(px);
  const bar = bars.findLast((one) => one.lane === lane && one.began <= at && at <= Math.max(one.ended, one.began + (area.x.from(px + 3) - at)));
  if (!bar) return null;
  return {
    x: px,
    y: area.y.to(bar.lane),
    lines: (
      <>
        <b>Trial {bar.trial}</b>, attempt {bar.attempt}
        <div>{bar.outcome} after {duration(bar.ended - bar.began)}</div>
        <div class="soft">{lanes[bar.lane]}</div>
      </>
    ),
    pick: () => select(bar.trial),
  };
}

function csvOf({ bars, lanes }: Drawn): string {
  const head = csvLine(['trial', 'attempt', 'where', 'began', 'ended', 'outcome']);
  return [head, ...bars.map((bar) => csvLine([bar.trial, bar.attempt, lanes[bar.lane], bar.began, bar.ended, bar.outcome]))].join('\n');
}

function paintBars(pen: Pen, area: Area, look: Look, bars: Bar[], passes: (trial: number) => boolean, chosen: number | null): void {
  const thick = Math.min(20, Math.abs(area.y.to(0) - area.y.to(1)) * 0.72);
  pen.font = `10.5px ${look.font}`;
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  for (const bar of bars) {
    const [x0, x1] = [area.x.to(bar.began), area.x.to(bar.ended)];
    const y = area.y.to(bar.lane);
    if (x1 < area.left || x0 > area.right) continue;
    const through = passes(bar.trial);
    pen.globalAlpha = through ? 0.85 : 0.15;
    pen.fillStyle = markOf(bar.outcome).colour(look);
    pen.fillRect(x0, y - thick / 2, Math.max(1, x1 - x0 - (x1 - x0 > 4 ? 0.7 : 0)), thick);
    if (bar.trial === chosen) {
      pen.globalAlpha = 1;
      pen.strokeStyle = look.ink;
      pen.lineWidth = 2;
      pen.strokeRect(x0, y - thick / 2, Math.max(2, x1 - x0), thick);
    }
    if (x1 - x0 > 26 && thick > 10) {
      pen.globalAlpha = through ? 1 : 0.3;
      pen.fillStyle = look.raised;
      pen.fillText(fitted(pen, String(bar.trial), x1 - x0 - 6), x0 + 4, y);
    }
  }
  pen.globalAlpha = 1;
}
