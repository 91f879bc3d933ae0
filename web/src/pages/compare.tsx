// Several experiments side by side: the best so far of each, or the mean and the range of those that differ only in their
// seed, and what they are.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { experiments, followList } from '../data/listing';
import { get } from '../data/fetching';
import { Trials } from '../data/trials';
import type { Details, TrialColumns } from '../data/wire';
import { duration, plural, short, csvLine } from '../text';
import { choose, hrefTo, option } from '../state/route';
import { look as looks, type Look } from '../state/theme';
import { bestSoFar } from '../charts/best';
import type { Pen } from '../charts/pen';
import { Plot, type Area } from '../charts/plot';
import { extent, robustExtent } from '../charts/scale';
import { Skeleton, Toggle, Trouble } from '../parts/controls';
import { useTitle } from '../parts/title';

interface Line {
  about: Details;
  x: number[];
  y: number[];
}

interface Group {
  title: string;
  lines: Line[];
}

export function ComparePage({ ids }: { ids: string[] }) {
  useTitle(`compare ${ids.join(', ')} · luthier`, null);
  const byTime = option('hx') === 'time';
  const { lines, error } = useLines(ids, byTime);
  const grouped = option('group') === '1';
  const groups = useMemo(() => groupsOf(lines ?? [], grouped), [lines, grouped]);
  if (ids.length < 1) return <p class="nothing-here">Choose experiments in the list first.</p>;
  if (error && !lines) return <Trouble error={error} />;
  if (!lines) return <Skeleton height={400} label="Loading the experiments" />;
  const metrics = [...new Set(lines.map((line) => line.about.goals[0]?.metric))];
  return (
    <section aria-labelledby="compare-title">
      <div class="page-head"><h1 id="compare-title">{plural(ids.length, 'experiment')} side by side</h1></div>
      {metrics.length > 1 && <p class="bad">They have different goals ({metrics.join(', ')}): their values don't compare.</p>}
      <h2 class="unseen">How they went</h2>
      <BestChart lines={lines} groups={groups} name={metrics.join(' / ')} byTime={byTime} grouped={grouped} />
      <Table lines={lines} />
    </section>
  );
}

function useLines(ids: string[], byTime: boolean): { lines: Line[] | null; error: Error | null } {
  const [lines, setLines] = useState<Line[] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(followList, []);
  // What any of them finished since: then all are asked again.
  const finished = (experiments.value ?? []).filter((one) => ids.includes(one.id)).map((one) => one.finished).join();
  useEffect(() => {
    Promise.all(ids.map((id) => loadLine(id, byTime))).then(setLines, setError);
  }, [ids.join(), finished, byTime]);
  return { lines, error };
}

interface ChartProps {
  lines: Line[];
  groups: Group[];
  name: string;
  byTime: boolean;
  grouped: boolean;
}

function BestChart({ lines, groups, name, byTime, grouped }: ChartProps) {
  const log = option('hy') === 'log';
  const kind = log ? 'log' : 'linear';
  const colours = coloursOf(looks.value);
  const marks = useMemo(() => (pen: Pen, area: Area, look: Look) => groups.forEach((group, k) => paintGroup(pen, area, coloursOf(look)[k % 8], group)), [groups]);
  return (
    <Plot title="Best so far" height={400} x={{ kind: 'linear', domain: extent(lines.flatMap((line) => line.x)), title: byTime ? 'minutes since the search began' : 'finished trials' }}
      y={{ kind, domain: robustExtent(lines.flatMap((line) => line.y), kind), title: name }} marks={marks}
      csv={() => [csvLine(['experiment', 'x', 'best']), ...lines.flatMap((line) => line.x.map((x, k) => csvLine([line.about.id, x, line.y[k]])))].join('\n')}
      summary={groups.map((group) => `${group.title}: ${group.lines.map((line) => short(line.y[line.y.length - 1])).join(', ')}`).join('; ')}
      tools={
        <>
          <Toggle label="mean of the same algorithm" on={grouped} set={(on) => choose('group', on ? '1' : null)} />
          <Toggle label="by time" on={byTime} set={(on) => choose('hx', on ? 'time' : null)} />
          <Toggle label="log" on={log} set={(on) => choose('hy', on ? 'log' : null)} />
        </>
      }
      foot={<span class="legend">{groups.map((group, k) => <span key={group.title}><i style={{ background: colours[k % 8] }} /> {group.title}</span>)}</span>} />
  );
}

function Table({ lines }: { lines: Line[] }) {
  return (
    <div class="card scrolls">
      <table class="compare">
        <thead><tr>{['experiment', 'state', 'algorithm', 'best', 'trials', 'unsuccessful', 'time'].map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {lines.map(({ about }) => (
            <tr key={about.id}>
              <th scope="row"><a href={hrefTo([about.id])}>{about.id} {about.name ?? ''}</a></th>
              <td>{about.state}</td>
              <td>{about.algorithm}</td>
              <td>{about.best ? <><b>{about.best.display ?? short(about.best.value)}</b> <a href={hrefTo([`${about.id}.${about.best.trial}`])}>trial {about.best.trial}</a></> : '–'}</td>
              <td>{about.finished}</td>
              <td>{about.finished - (about.outcomes.succeeded ?? 0)}</td>
              <td>{duration(about.changed - about.created)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

async function loadLine(id: string, byTime: boolean): Promise<Line> {
  const [about, columns] = await Promise.all([get<Details>(`api/experiments/${id}`), get<TrialColumns>(`api/experiments/${id}/trials`)]);
  const held = new Trials();
  held.apply({ ...columns, whole: true });
  const goal = about.goals[0];
  const y = held.numbers(`objective:${goal?.metric}`);
  const ended = held.numbers('ended');
  const order = Array.from(ended.keys()).filter((row) => !Number.isNaN(ended[row])).sort((a, b) => ended[a] - ended[b]);
  const x = new Float64Array(held.n).fill(NaN);
  order.forEach((row, k) => (x[row] = byTime ? (ended[row] - about.created) / 60 : k + 1));
  const best = bestSoFar(x, y, goal?.direction ?? 'minimize', (row) => held.standing(row) === 'succeeded');
  const last = order.length ? x[order[order.length - 1]] : NaN;
  if (best.y.length && last > best.x[best.x.length - 1]) {
    best.x.push(last);
    best.y.push(best.y[best.y.length - 1]);
  }
  return { about, x: best.x, y: best.y };
}

function groupsOf(lines: Line[], grouped: boolean): Group[] {
  const made = new Map<string, Line[]>();
  for (const line of lines) {
    const title = grouped ? (line.about.algorithm ?? 'unknown') : `${line.about.id} ${line.about.name ?? line.about.algorithm ?? ''}`.trim();
    made.set(title, [...(made.get(title) ?? []), line]);
  }
  return [...made].map(([title, held]) => ({ title: grouped ? `${title} (${held.length})` : title, lines: held }));
}

/** The best of a line at `x`: that of the last step before it. */
function valueAt(line: Line, x: number): number {
  let value = NaN;
  for (let k = 0; k < line.x.length && line.x[k] <= x; k++) value = line.y[k];
  return value;
}

function paintGroup(pen: Pen, area: Area, colour: string, { lines }: Group): void {
  const xs = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const at = xs.map((x) => lines.map((line) => valueAt(line, x)).filter((value) => !Number.isNaN(value)));
  const mean = at.map((values) => values.reduce((sum, one) => sum + one, 0) / values.length);
  pen.fillStyle = pen.strokeStyle = colour;
  if (lines.length > 1) {
    pen.globalAlpha = 0.15;
    for (let k = 0; k + 1 < xs.length; k++) {
      const [low, high] = [area.y.to(Math.min(...at[k])), area.y.to(Math.max(...at[k]))];
      pen.fillRect(area.x.to(xs[k]), high, area.x.to(xs[k + 1]) - area.x.to(xs[k]), low - high);
    }
    pen.globalAlpha = 1;
  }
  pen.lineWidth = 2;
  pen.beginPath();
  xs.forEach((x, k) => {
    if (!k) return pen.moveTo(area.x.to(x), area.y.to(mean[0]));
    pen.lineTo(area.x.to(x), area.y.to(mean[k - 1]));
    pen.lineTo(area.x.to(x), area.y.to(mean[k]));
  });
  pen.stroke();
}

function coloursOf(look: Look): string[] {
  return [look.result, look.best, look.stopped, look.failed, look.ramp[8], look.soft, look.ramp[5], look.faint];
}
