// Asks the server over HTTP, or the data inside a static file. It does not know what the answers mean.
//
// A static file holds `{"api/session": {...}, "api/experiments/3/trials": {...}}`: what would have been answered, by the
// address that would have been asked. What was asked with options is also found under the address without them.

import { signal } from '@preact/signals';

/** A refusal that tells the person what happened and, where it helps, what to do next. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

function readInside(): Record<string, unknown> | null {
  const holder = typeof document === 'undefined' ? null : document.getElementById('luthier-data');
  return holder ? (JSON.parse(holder.textContent ?? '{}') as Record<string, unknown>) : null;
}

/** All data of a static file, or null where a server answers. */
export const inside = readInside();

/** True once the server refused the cookie: the page then tells how to get in again. */
export const lockedOut = signal(false);

export function address(path: string): URL {
  return new URL(path, document.baseURI.split('#')[0]);
}

function fromInside<T>(path: string): T {
  const found = inside![path] ?? inside![path.split('?')[0]];
  if (found === undefined) throw new Refused('This file does not hold that part of the experiment.', 404);
  return found as T;
}

async function checked(path: string, init?: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(address(path), { credentials: 'same-origin', ...init });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new Refused('The dashboard does not answer. Start it again with `luthier dashboard`.', 0);
  }
  if (answer.ok) return answer;
  if (answer.status === 401) lockedOut.value = true;
  const text = await answer.text();
  let message = `The server answered ${answer.status}.`;
  try {
    message = (JSON.parse(text) as { error?: string }).error ?? message;
  } catch {
    // A proxy's own page: its number says more than its markup.
  }
  throw new Refused(message, answer.status);
}

export async function get<T>(path: string, cancel?: AbortSignal): Promise<T> {
  if (inside) return fromInside<T>(path);
  return (await (await checked(path, { signal: cancel })).json()) as T;
}

/** An answer that is no text. A static file has none. */
export async function getBytes(path: string): Promise<ArrayBuffer> {
  return (await checked(path)).arrayBuffer();
}

export interface LogPart {
  text: string;
  from: number;
  next: number;
  size: number;
}

/** A piece of a log. `from` counts bytes; null asks for the end. A file holds what went to stdout. */
export async function getLog(trial: string, stream: string, attempt: number, from: number | null, most: number): Promise<LogPart> {
  const path = `api/trials/${trial}/log?stream=${stream}&attempt=${attempt}${from === null ? '' : `&from=${from}`}&most=${most}`;
  if (inside) {
    if (stream !== 'stdout') throw new Refused('This file holds only what went to stdout.', 404);
    const text = fromInside<string>(path);
    return { text, from: 0, next: text.length, size: text.length };
  }
  const answer = await checked(path);
  const text = await answer.text();
  const head = (name: string) => Number(answer.headers.get(name) ?? 0);
  return { text, from: head('X-Log-From'), next: head('X-Log-Next'), size: head('X-Log-Size') };
}

export interface Done {
  done: string;
  undo: Record<string, unknown> | null;
}

export async function control(what: Record<string, unknown>): Promise<Done> {
  const answer = await checked('api/control', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Luthier': '1' },
    body: JSON.stringify(what),
  });
  return (await answer.json()) as Done;
}
