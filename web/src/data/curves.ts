// The learning curves of all trials for one metric, thinned by the server; only trials that changed are asked again.

import { useEffect, useState } from 'preact/hooks';
import { openId, pointsVersion } from './opened';
import { get } from './fetching';
import { toNumber, type CurveColumns } from './wire';

export interface Curve {
  trial: number;
  steps: Float64Array;
  values: Float64Array;
  stoppedEarly: boolean;
}

export interface Curves {
  byTrial: Map<number, Curve>;
  revision: number;
  key: number; // changes whenever a curve did
  error: Error | null;
  ready: boolean;
}

const POINTS = 200;
const PAUSE_MS = 500;

export function takeCurves(into: Map<number, Curve>, answer: CurveColumns): void {
  answer.trials.forEach((trial, k) => {
    const [from, to] = [answer.offsets[k], answer.offsets[k + 1]];
    into.set(trial, {
      trial,
      steps: Float64Array.from(answer.steps.slice(from, to), toNumber),
      values: Float64Array.from(answer.values.slice(from, to), toNumber),
      stoppedEarly: answer.ended[k] ?? false,
    });
  });
}

export function useCurves(metric: string): Curves {
  const id = openId.value;
  const fresh = pointsVersion.value;
  const [state, setState] = useState<Curves & { of: string; askedAt: number }>(() => nothing(''));
  const of = `${id} ${metric}`;
  useEffect(() => {
    let gone = false;
    const known = state.of === of ? state : nothing(of);
    const ask = async () => {
      const since = known.revision ? `&since=${known.revision}` : '';
      try {
        const answer = await get<CurveColumns>(`api/experiments/${id}/curves?metric=${encodeURIComponent(metric)}&points=${POINTS}${since}`);
        if (gone) return;
        takeCurves(known.byTrial, answer);
        setState({ ...known, revision: answer.revision, key: known.key + 1, error: null, ready: true, askedAt: Date.now() });
      } catch (error) {
        if (!gone) setState({ ...known, error: error as Error, ready: true, askedAt: Date.now() });
      }
    };
    const timer = setTimeout(() => void ask(), Math.max(0, PAUSE_MS - (Date.now() - known.askedAt)));
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [of, fresh]);
  return state.of === of ? state : nothing(of);
}

function nothing(of: string): Curves & { of: string; askedAt: number } {
  return { of, byTrial: new Map(), revision: 0, key: 0, error: null, ready: false, askedAt: 0 };
}
