// How a trial's standing looks everywhere: colour and shape, so that neither carries the meaning alone.

import type { Look } from '../state/theme';

export type Shape = 'dot' | 'cross' | 'wedge' | 'ring';

export interface Mark {
  shape: Shape;
  colour(look: Look): string;
  says: string;
}

const MARKS: Record<string, Mark> = {
  succeeded: { shape: 'dot', colour: (look) => look.result, says: 'succeeded' },
  stopped: { shape: 'wedge', colour: (look) => look.stopped, says: 'stopped early' },
  failed: { shape: 'cross', colour: (look) => look.failed, says: 'failed' },
  'timed out': { shape: 'cross', colour: (look) => look.failed, says: 'timed out' },
  'out of memory': { shape: 'cross', colour: (look) => look.failed, says: 'out of memory' },
  killed: { shape: 'cross', colour: (look) => look.soft, says: 'killed' },
  interrupted: { shape: 'cross', colour: (look) => look.soft, says: 'interrupted' },
  lost: { shape: 'cross', colour: (look) => look.soft, says: 'lost' },
  running: { shape: 'ring', colour: (look) => look.best, says: 'running' },
  waiting: { shape: 'ring', colour: (look) => look.result, says: 'waiting for its next stage' },
  queued: { shape: 'ring', colour: (look) => look.faint, says: 'queued' },
  reserved: { shape: 'ring', colour: (look) => look.faint, says: 'reserved' },
};

export function markOf(standing: string): Mark {
  return MARKS[standing] ?? { shape: 'ring', colour: (look) => look.soft, says: standing };
}

/** The class that colours a word in the page as its mark is coloured in a chart. */
export function standingClass(standing: string): string {
  if (standing === 'succeeded' || standing === 'finished') return 'is-good';
  if (standing === 'stopped') return 'is-stopped';
  if (standing === 'running') return 'is-running';
  if (['failed', 'timed out', 'out of memory'].includes(standing)) return 'is-bad';
  return 'is-quiet';
}
