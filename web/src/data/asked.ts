// What a view asks for by itself (importance, slices, the model): asked when its address changes, and again when the search
// moved on, keeping what is shown until the answer is there.

import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from './fetching';

export interface Asked<T> {
  value: T | null;
  error: Error | null;
  busy: boolean;
}

/** The answer to `path`. `fresh` changes when it may be out of date; then it is asked again, at most every `pauseMs`. */
export function useAsked<T>(path: string | null, fresh: unknown = 0, pauseMs = 3000): Asked<T> {
  const [state, setState] = useState<Asked<T> & { path: string | null }>({ value: null, error: null, busy: true, path: null });
  const askedAt = useRef({ path: '' as string | null, at: 0 });
  const wanted = useRef(path);
  wanted.current = path;
  useEffect(() => {
    if (path === null) return;
    const settle = (next: Partial<Asked<T>>) => {
      // An answer to an older question came late: it would overwrite a newer one.
      if (wanted.current === path) setState((old) => ({ value: old.value, error: null, busy: false, ...next, path }));
    };
    const ask = () => {
      askedAt.current = { path, at: Date.now() };
      get<T>(path).then((value) => settle({ value }), (error: Error) => settle({ error }));
    };
    const rest = askedAt.current.path === path ? pauseMs - (Date.now() - askedAt.current.at) : 0;
    const timer = window.setTimeout(ask, Math.max(0, rest));
    return () => clearTimeout(timer);
  }, [path, fresh]);
  const current = state.path === path;
  return { value: state.value, error: current ? state.error : null, busy: !current || state.busy };
}
