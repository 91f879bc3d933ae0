// The one WebSocket of this tab: what is watched, resuming by revision after a break, and trying again with jitter.
//
// A watcher gives the message to send as a function, so that after a break it asks from the revision it has by then.
// What messages mean is for those who watch.

import { signal } from '@preact/signals';
import { address, inside } from './fetching';

export type Message = { kind: string; [more: string]: unknown };

interface Watcher {
  ask(): Record<string, unknown>;
  heard(message: Message): void;
}

export type Line = 'connecting' | 'live' | 'waiting' | 'static';

export const line = signal<Line>(inside ? 'static' : 'connecting');
export const lastHeard = signal(0);

const watchers = new Map<string, Watcher>();
const SILENCE_MS = 50_000;
const LONGEST_PAUSE_MS = 10_000;

let socket: WebSocket | null = null;
let failures = 0;
let timer = 0;

/** How long to wait before the next try: doubling, and never the same for two tabs. */
export function pause(tries: number, chance = Math.random()): number {
  return Math.min(LONGEST_PAUSE_MS, 400 * 2 ** tries) * (0.5 + chance / 2);
}

function open(): void {
  clearTimeout(timer);
  const place = address('api/live');
  place.protocol = place.protocol === 'https:' ? 'wss:' : 'ws:';
  const mine = new WebSocket(place);
  socket = mine;
  mine.onopen = () => {
    failures = 0;
    line.value = 'live';
    lastHeard.value = Date.now();
    for (const watcher of watchers.values()) mine.send(JSON.stringify(watcher.ask()));
  };
  mine.onmessage = (event) => {
    lastHeard.value = Date.now();
    const message = JSON.parse(String(event.data)) as Message;
    for (const watcher of [...watchers.values()]) watcher.heard(message);
  };
  mine.onclose = () => {
    if (socket !== mine) return;
    socket = null;
    line.value = 'waiting';
    timer = window.setTimeout(open, pause(failures++));
  };
}

function startListening(): void {
  if (socket || inside) return;
  open();
  window.addEventListener('online', () => socket ?? open());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && !socket) open();
  });
  window.setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN && Date.now() - lastHeard.value > SILENCE_MS) socket.close();
  }, 5_000);
}

/** Watches until the returned function is called. `key` names the topic within this tab. */
export function watch(key: string, ask: Watcher['ask'], heard: Watcher['heard']): () => void {
  if (inside) return () => undefined;
  const watcher = { ask, heard };
  watchers.set(key, watcher);
  if (!socket && !timer) startListening();
  else if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(ask()));
  return () => {
    if (watchers.get(key) !== watcher) return;
    watchers.delete(key);
    const { watch: topic, watch_log: log } = ask() as { watch?: unknown; watch_log?: unknown };
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ unwatch: topic ?? log }));
  };
}
