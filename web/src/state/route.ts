// The address of the page is its state: which experiment, tab or trial, and every choice made there.
//
// After the `#`, so that the page works below any path and from a file: `#/3/trials?f=lr:1e-4..1e-2&sort=-loss`.
// Choices replace the entry in the browser's history; going somewhere adds one.

import { computed, signal } from '@preact/signals';

export interface Route {
  parts: string[];
  options: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path, options = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  return { parts: path.split('/').filter(Boolean).map(decodeURIComponent), options: new URLSearchParams(options) };
}

const here = signal(typeof location === 'undefined' ? '' : location.hash);
export const route = computed(() => parseRoute(here.value));

if (typeof window !== 'undefined') {
  window.addEventListener('hashchange', () => (here.value = location.hash));
}

function write({ parts, options }: Route): string {
  const query = options.toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${query ? `?${query}` : ''}`;
}

/** The address of another place; `kept` names the choices that go along. */
export function hrefTo(parts: string[], options: Record<string, string> = {}, kept: string[] = []): string {
  const all = new URLSearchParams();
  for (const name of kept) {
    const value = route.value.options.get(name);
    if (value) all.set(name, value);
  }
  for (const [name, value] of Object.entries(options)) if (value) all.set(name, value);
  return write({ parts, options: all });
}

export function goTo(parts: string[], options: Record<string, string> = {}, kept: string[] = []): void {
  location.hash = hrefTo(parts, options, kept);
}

export function option(name: string): string | null {
  return route.value.options.get(name);
}

/** Remembers a choice in the address; an empty one is left out. */
export function choose(name: string, value: string | null): void {
  const options = new URLSearchParams(route.peek().options);
  if (value === null || value === '') options.delete(name);
  else options.set(name, value);
  const address = write({ parts: route.peek().parts, options });
  history.replaceState(null, '', address);
  here.value = address;
}
