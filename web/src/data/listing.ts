// The session and the list of experiments, kept up to date by the socket while a page shows it.

import { signal } from '@preact/signals';
import { get, inside } from './fetching';
import { watch } from './live';
import type { Entry, Listing, Session } from './wire';

export const session = signal<Session | null>(null);
export const experiments = signal<Entry[] | null>(null);
export const listFailure = signal<Error | null>(null);

let learnedAt = 0;
let heard = 0; // lists that came over the socket

/** What time it is for the server, whose clock the record goes by; for a file, the moment it was made. */
export function serverNow(): number {
  const then = session.peek()?.now ?? Date.now() / 1000;
  return inside ? then : then + (Date.now() - learnedAt) / 1000;
}

/** Keeps the list up to date while it is looked at. */
export function followList(): () => void {
  return watch('experiments', () => ({ watch: 'experiments' }), (message) => {
    if (message.kind !== 'experiments') return;
    heard++;
    experiments.value = (message as unknown as Listing).experiments;
    listFailure.value = null;
  });
}

export async function load(): Promise<void> {
  const before = heard;
  try {
    const [about, list] = await Promise.all([get<Session>('api/session'), get<Listing>('api/experiments')]);
    learnedAt = Date.now();
    session.value = about;
    // What the socket told meanwhile is newer.
    if (heard === before) experiments.value = list.experiments;
    listFailure.value = null;
  } catch (error) {
    listFailure.value = error as Error;
  }
}
