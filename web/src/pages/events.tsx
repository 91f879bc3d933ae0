// What happened, newest first, read in pages: changes of state, controls and who used them, workers that came and went.

import { useEffect, useState } from 'preact/hooks';
import { details, openId, version } from '../data/opened';
import { get } from '../data/fetching';
import type { EventRow } from '../data/wire';
import { ago, moment } from '../text';
import { hrefTo } from '../state/route';
import { Skeleton, Trouble } from '../parts/controls';

const PAGE = 100;

export function Events() {
  const { rows, more, error, load } = useEvents(openId.value!);
  if (error && !rows) return <Trouble error={error} retry={() => load(null)} />;
  if (!rows) return <Skeleton height={300} label="Loading the events" />;
  if (!rows.length) return <p class="nothing-here">Nothing has happened yet.</p>;
  return (
    <section class="card">
      <table class="events in-lines">
        <caption class="unseen">Events, newest first</caption>
        <thead>
          <tr><th scope="col">when</th><th scope="col">what</th><th scope="col">trial</th><th scope="col">told</th></tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.revision} ${row.trial} ${row.kind}`}>
              <td title={moment(row.at)}>{ago(row.at)}</td>
              <td>{row.kind}</td>
              <td>{row.trial === null ? '' : <a href={hrefTo([`${openId.value}.${row.trial}`])}>{row.trial}</a>}</td>
              <td>{row.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more && rows.length >= PAGE && <button onClick={() => load(rows[rows.length - 1].revision)}>Older events</button>}
    </section>
  );
}

/** The events read so far, and what reads more: the newest ones, or those before a revision. */
function useEvents(id: string) {
  const [rows, setRows] = useState<EventRow[] | null>(null);
  const [more, setMore] = useState(true);
  const [error, setError] = useState<Error | null>(null);
  const load = async (before: number | null) => {
    try {
      const query = before === null ? '' : `before=${before}&`;
      const { events } = await get<{ events: EventRow[] }>(`api/experiments/${id}/events?${query}limit=${PAGE}`);
      setError(null);
      if (before !== null) setMore(events.length >= PAGE);
      setRows((old) => merged(old ?? [], events));
    } catch (problem) {
      setError(problem as Error);
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void load(null), rows ? 400 : 0);
    return () => clearTimeout(timer);
  }, [id, version.value, details.value?.events_last]);
  return { rows, more, error, load };
}

function merged(old: EventRow[], fresh: EventRow[]): EventRow[] {
  const known = new Map([...old, ...fresh].map((row) => [`${row.revision} ${row.trial} ${row.kind}`, row]));
  return [...known.values()].sort((a, b) => b.revision - a.revision);
}
