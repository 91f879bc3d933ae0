// The session and the list of experiments, kept up to date by the socket.

import { signal } from '@preact/signals';
import { get } from './fetching';
import { watch } from './live';
import type { Entry, Listing, Session } from './wire';

export const session = signal<Session | null>(null);
export const experiments = signal<Entry[] | null>(null);
export const listFailure = signal<Error | null>(null);

export function startList(): () => void {
  void load();
  return watch('experiments', () => ({ watch: 'experiments' }), (message) => {
    if (message.kind !== 'experiments') return;
    experiments.value = (message as unknown as Listing).experiments;
    listFailure.value = null;
  });
}

export async function load(): Promise<void> {
  try {
    const [about, list] = await Promise.all([get<Session>('api/session'), get<Listing>('api/experiments')]);
    session.value = about;
    experiments.value = list.experiments;
    listFailure.value = null;
  } catch (error) {
    listFailure.value = error as Error;
  }
}
