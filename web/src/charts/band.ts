// A mean with its band: the model's curve as every view draws it.

import type { Look } from '../state/theme';
import type { Pen } from './pen';
import type { Area } from './plot';

export function paintBand(pen: Pen, area: Area, look: Look, x: number[], mean: number[], low: number[], high: number[]): void {
  const good = x.map((_value, k) => k).filter((k) => Number.isFinite(mean[k]) && Number.isFinite(area.x.to(x[k])));
  if (!good.length) return;
  // On an axis of categories a mean is a bar of its own, not a line between things that have no order.
  if (area.x.kind === 'category') return paintBars(pen, area, look, good, x, mean, low, high);
  pen.fillStyle = look.result;
  pen.globalAlpha = 0.16;
  pen.beginPath();
  good.forEach((k, i) => (i ? pen.lineTo(area.x.to(x[k]), area.y.to(high[k])) : pen.moveTo(area.x.to(x[k]), area.y.to(high[k]))));
  for (const k of [...good].reverse()) pen.lineTo(area.x.to(x[k]), area.y.to(low[k]));
  pen.closePath();
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = look.result;
  pen.lineWidth = 2;
  pen.beginPath();
  good.forEach((k, i) => (i ? pen.lineTo(area.x.to(x[k]), area.y.to(mean[k])) : pen.moveTo(area.x.to(x[k]), area.y.to(mean[k]))));
  pen.stroke();
}

function paintBars(pen: Pen, area: Area, look: Look, good: number[], x: number[], mean: number[], low: number[], high: number[]): void {
  const half = Math.min(26, Math.abs(area.x.to(1) - area.x.to(0)) * 0.32);
  for (const k of good) {
    const at = area.x.to(x[k]);
    const [top, bottom] = [area.y.to(high[k]), area.y.to(low[k])];
    pen.fillStyle = look.result;
    pen.globalAlpha = 0.16;
    if (Number.isFinite(top + bottom)) pen.fillRect(at - half, Math.min(top, bottom), half * 2, Math.abs(bottom - top));
    pen.globalAlpha = 1;
    pen.fillRect(at - half, area.y.to(mean[k]) - 1, half * 2, 2);
  }
}
