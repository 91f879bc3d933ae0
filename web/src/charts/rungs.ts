// Where a search compares its trials and ends the poor ones: the rungs of successive halving, as places on the axis of steps.
//
// A rule that decides at every step (median, extrapolation) has none. Pure; `curves.tsx` draws them.

import { dashed, fitted, type Pen } from './pen';
import type { Area } from './axes';
import type { Look } from '../state/theme';

/** A rung, how many of the curves shown came to it, and how many of these ended there. */
export interface Rung {
  at: number;
  reached: number;
  ended: number;
}

export interface Ends {
  first: number;
  last: number;
  stoppedEarly: boolean;
}

const MOST = 24;
const ETA: Record<string, number> = { asha: 4, hyperband: 3 };

type Settings = Record<string, unknown>;
const numberOf = (settings: Settings, name: string) => (typeof settings[name] === 'number' ? (settings[name] as number) : null);

/** The resources at which a search decides, ascending. Stages tell theirs; a rule has `min_resource · eta^k`, below its end. */
export function resourcesOf(stages: unknown, stopping: unknown, furthest: number): number[] {
  const staged = stages as { kind?: string; levels?: number[] } | null;
  // Nothing is decided at the last one: who is there is complete.
  if (staged?.kind === 'rungs' && staged.levels) return staged.levels.slice(0, -1);
  const { rule = '', settings = {} } = (stopping ?? {}) as { rule?: string; settings?: Settings };
  if (!(rule in ETA)) return [];
  const eta = numberOf(settings, 'eta') ?? ETA[rule];
  const end = numberOf(settings, 'max_resource') ?? furthest;
  const found: number[] = [];
  if (!(eta > 1)) return found;
  for (let at = numberOf(settings, 'min_resource') ?? 1; at < end * (1 - 1e-9) && found.length < MOST; at *= eta) found.push(at);
  return found;
}

/** Rungs with what became of the curves there. A curve that begins at step 0 has its first resource there. */
export function rungsOf(stages: unknown, stopping: unknown, curves: Ends[]): Rung[] {
  const shift = curves.some((curve) => curve.first === 0) ? 1 : 0;
  const furthest = curves.reduce((most, curve) => Math.max(most, curve.last), 0) + shift;
  const resources = resourcesOf(stages, stopping, furthest);
  return resources.map((resource, k) => {
    const [at, next] = [resource - shift, (resources[k + 1] ?? Infinity) - shift];
    const reached = curves.filter((curve) => curve.last >= at);
    return { at, reached: reached.length, ended: reached.filter((curve) => curve.stoppedEarly && curve.last < next).length };
  });
}

/** Dashed lines, and beside each how many of those that came went on. */
export function paintRungs(pen: Pen, area: Area, look: Look, rungs: Rung[]): void {
  pen.font = `11px ${look.font}`;
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  pen.lineWidth = 1;
  const places = rungs.map((rung) => area.x.to(rung.at));
  rungs.forEach((rung, k) => {
    const x = Math.round(places[k]) + 0.5;
    if (!(x >= area.left && x <= area.right)) return;
    pen.strokeStyle = look.stopped;
    pen.globalAlpha = 0.55;
    dashed(pen, [x, area.top], [x, area.bottom], [3, 4]);
    pen.globalAlpha = 1;
    const text = `${rung.reached - rung.ended} of ${rung.reached} went on`;
    const room = (places[k + 1] ?? area.right) - x - 9;
    // Low, where curves that fall or rise leave room at the side they come from; the words have a ground of their own.
    paintLabel(pen, look, room < pen.measureText(text).width ? `${rung.reached - rung.ended}/${rung.reached}` : text, x + 5, area.bottom - 10 - (k % 2) * 15, room);
  });
}

function paintLabel(pen: Pen, look: Look, text: string, x: number, y: number, room: number): void {
  const shown = fitted(pen, text, Math.max(room, 34));
  if (!shown) return;
  pen.globalAlpha = 0.8;
  pen.fillStyle = look.raised;
  pen.fillRect(x - 2, y - 7, pen.measureText(shown).width + 4, 14);
  pen.globalAlpha = 1;
  pen.fillStyle = look.stopped;
  pen.fillText(shown, x, y);
}
