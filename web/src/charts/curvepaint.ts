// How learning curves are painted: the rest faint, the best in the strongest colour and last, with a mark at the end of those
// that were stopped early and of those that still run. In slices, so that a thousand never hold the page up.

import { trials } from '../data/opened';
import type { Curve } from '../data/curves';
import type { Look } from '../state/theme';
import type { Area } from './axes';
import { dot, wedge, type Pen } from './pen';
import { markOf } from './standing';

export interface Drawn {
  curve: Curve;
  row: number;
  y: Float64Array; // smoothed
}

const TOP = 5; // curves in full colour
const A_SLICE = 12_000; // points drawn between two looks at the clock

export function trace(pen: Pen, area: Area, steps: Float64Array, y: Float64Array): void {
  let down = false;
  for (let k = 0; k < steps.length; k++) {
    const px = area.x.to(steps[k]);
    const py = area.y.to(y[k]);
    // A gap where a value can't be drawn, so that nothing is joined over it.
    if (Number.isNaN(px) || Number.isNaN(py)) down = false;
    else if (down) pen.lineTo(px, py);
    else {
      pen.moveTo(px, py);
      down = true;
    }
  }
}

export function* paintCurves(pen: Pen, area: Area, look: Look, list: Drawn[], mask: Uint8Array): Generator<void> {
  const held = trials.peek();
  const passing = list.filter(({ row }) => mask[row]);
  const others = list.filter(({ row }) => !mask[row]);
  const alpha = passing.length > 400 ? 0.18 : passing.length > 80 ? 0.32 : 0.5;
  let points = 0;
  for (const [group, isPassing] of [[others, false], [passing, true]] as const) {
    for (const [k, { curve, row, y }] of group.entries()) {
      const standing = held.standing(row);
      const isTop = isPassing && group.length - k <= TOP && group.length > TOP;
      pen.strokeStyle = isPassing ? (isTop ? look.best : markOf(standing).colour(look)) : look.faint;
      pen.globalAlpha = isPassing ? (isTop ? 0.95 : standing === 'running' ? 0.8 : alpha) : 0.08;
      pen.lineWidth = isTop ? 1.8 : 1;
      pen.beginPath();
      trace(pen, area, curve.steps, y);
      pen.stroke();
      if (isPassing) paintEnd(pen, area, look, curve, y, standing);
      if ((points += y.length) < A_SLICE) continue;
      points = 0;
      yield;
    }
  }
  pen.globalAlpha = 1;
}

function paintEnd(pen: Pen, area: Area, look: Look, curve: Curve, y: Float64Array, standing: string): void {
  const last = y.length - 1;
  const [px, py] = [area.x.to(curve.steps[last]), area.y.to(y[last])];
  if (Number.isNaN(px) || Number.isNaN(py)) return;
  pen.beginPath();
  pen.fillStyle = pen.strokeStyle;
  if (curve.stoppedEarly) {
    pen.fillStyle = look.stopped;
    pen.globalAlpha = Math.max(pen.globalAlpha, 0.6);
    wedge(pen, px, py, 3.2);
    pen.fill();
  } else if (standing === 'running' || last === 0) {
    pen.globalAlpha = 0.9;
    dot(pen, px, py, 2.6);
    pen.fill();
  }
}
