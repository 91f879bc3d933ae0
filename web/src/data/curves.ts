// The learning curves of all trials for one metric, thinned by the server; only trials that changed are asked again.

import { useEffect, useRef, useState } from 'preact/hooks';
import { openId, pointsVersion } from './opened';
import { readCurves } from './block';
import { get, getBytes, inside } from './fetching';
import { toNumber, type Cell, type CurveColumns } from './wire';

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
  reported: number;
}

const POINTS = 200;
const PAUSE_MS = 500;

export function takeCurves(into: Map<number, Curve>, answer: CurveColumns): void {
  answer.trials.forEach((trial, k) => {
    const [from, to] = [answer.offsets[k], answer.offsets[k + 1]];
    into.set(trial, {
      trial,
      steps: part(answer.steps, from, to),
      values: part(answer.values, from, to),
      stoppedEarly: answer.ended[k] ?? false,
    });
  });
}

function part(cells: Cell[] | Float64Array, from: number, to: number): Float64Array {
  return cells instanceof Float64Array ? cells.subarray(from, to) : Float64Array.from(cells.slice(from, to), toNumber);
}

async function curvesAt(path: string): Promise<CurveColumns> {
  return inside ? get<CurveColumns>(path) : readCurves(await getBytes(`${path}&form=block`));
}

export function useCurves(metric: string): Curves {
  const id = openId.value;
  const fresh = pointsVersion.value;
  const of = `${id} ${metric}`;
  const [state, setState] = useState<Curves>(() => nothing());
  // One question at a time: news that come meanwhile are asked for once it is answered, so that a busy search never keeps
  // an answer from being shown.
  const asking = useRef({ of: '', busy: false, again: false, known: state });
  useEffect(() => {
    if (asking.current.of !== of) {
      asking.current = { of, busy: false, again: false, known: nothing() };
      setState(asking.current.known);
    }
    const mine = asking.current;
    const ask = async () => {
      mine.busy = true;
      mine.again = false;
      const since = mine.known.revision ? `&since=${mine.known.revision}` : '';
      const path = `api/experiments/${id}/curves?metric=${encodeURIComponent(metric)}&points=${POINTS}${since}`;
      mine.known = await curvesAt(path).then(
        (answer) => {
          takeCurves(mine.known.byTrial, answer);
          const reported = Math.max(answer.reported ?? 0, mine.known.byTrial.size);
          return { ...mine.known, revision: answer.revision, key: mine.known.key + 1, error: null, ready: true, reported };
        },
        (error: Error) => ({ ...mine.known, error, ready: true }),
      );
      if (asking.current === mine) setState(mine.known);
      setTimeout(() => {
        mine.busy = false;
        if (mine.again && asking.current === mine) void ask();
      }, PAUSE_MS);
    };
    if (mine.busy) mine.again = true;
    else if (metric) void ask();
  }, [of, fresh]);
  useEffect(() => () => void (asking.current = { of: '', busy: false, again: false, known: nothing() }), []);
  return asking.current.of === of ? state : nothing();
}

function nothing(): Curves {
  return { byTrial: new Map(), revision: 0, key: 0, error: null, ready: false, reported: 0 };
}
