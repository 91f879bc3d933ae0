// The two axes of a plot: where they lie, how they are painted, and what zooming and moving make of them.
//
// Pure but for the painting. It knows no chart and no hand; `gestures.ts` turns pointers into views, `plot.tsx` puts all
// together.

import type { Look } from '../state/theme';
import { fitted, type Pen } from './pen';
import { makeScale, type AxisSpec, type Scale } from './scale';

export interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
  x: Scale;
  y: Scale;
}

/** What of each axis is looked at; null is all of it. */
export interface View {
  x: [number, number] | null;
  y: [number, number] | null;
}

export const WHOLE: View = { x: null, y: null };

export interface Axes {
  x: AxisSpec;
  y: AxisSpec;
  /** Room for what is written at the axis that goes up. */
  left?: number;
}

const TOP = 10;
const RIGHT = 14;
const BOTTOM = 38;
const LEFT = 58;

export function areaOf(axes: Axes, view: View, width: number, height: number): Area {
  const left = axes.left ?? LEFT;
  const right = Math.max(left + 20, width - RIGHT);
  const bottom = height - BOTTOM;
  const room = axes.x.kind === 'time' ? 90 : 64;
  const x = makeScale(axes.x, view.x ?? axes.x.domain, left, right, Math.max(3, Math.floor((right - left) / room)));
  const y = makeScale(axes.y, view.y ?? axes.y.domain, bottom, TOP, Math.max(2, Math.floor((bottom - TOP) / 36)));
  return { left, top: TOP, right, bottom, x, y };
}

export function paintAxes(pen: Pen, area: Area, axes: Axes, look: Look): void {
  pen.font = `11px ${look.font}`;
  pen.lineWidth = 1;
  pen.strokeStyle = look.grid;
  pen.fillStyle = look.soft;
  pen.beginPath();
  paintUp(pen, area);
  paintAcross(pen, area, axes);
  pen.moveTo(area.left, area.bottom + 0.5);
  pen.lineTo(area.right, area.bottom + 0.5);
  pen.stroke();
  paintTitles(pen, area, axes);
}

function paintUp(pen: Pen, area: Area): void {
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  for (const { at, text } of area.y.ticks) {
    const y = Math.round(area.y.to(at)) + 0.5;
    pen.moveTo(area.left, y);
    pen.lineTo(area.right, y);
    pen.fillText(fitted(pen, text, area.left - 22), area.left - 7, y);
  }
}

function paintAcross(pen: Pen, area: Area, axes: Axes): void {
  pen.textAlign = 'center';
  pen.textBaseline = 'top';
  const room = (area.right - area.left) / Math.max(1, area.x.ticks.length) - 6;
  for (const { at, text } of area.x.ticks) {
    const x = Math.round(area.x.to(at)) + 0.5;
    pen.moveTo(x, area.bottom);
    pen.lineTo(x, area.bottom + 4);
    pen.fillText(axes.x.kind === 'category' ? fitted(pen, text, room) : text, x, area.bottom + 7);
  }
}

function paintTitles(pen: Pen, area: Area, axes: Axes): void {
  pen.textBaseline = 'bottom';
  pen.fillText(fitted(pen, axes.x.title, area.right - area.left), (area.left + area.right) / 2, area.bottom + BOTTOM);
  pen.save();
  pen.translate(9, (area.top + area.bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.textBaseline = 'middle';
  pen.fillText(fitted(pen, axes.y.title, area.bottom - area.top), 0, 0);
  pen.restore();
}

/** A scale's domain after zooming by a factor around a pixel. */
export function zoomed(scale: Scale, factor: number, at: number): [number, number] {
  const [a, b] = [scale.to(scale.domain[0]), scale.to(scale.domain[1])];
  return [scale.from(at + (a - at) * factor), scale.from(at + (b - at) * factor)];
}

/** A scale's domain after moving by pixels. */
export function moved(scale: Scale, by: number): [number, number] {
  return [scale.from(scale.to(scale.domain[0]) - by), scale.from(scale.to(scale.domain[1]) - by)];
}

/** Where a picture that was painted for one area lies in another one, as shares of the canvas; null where it can't be told. */
export function stretched(old: Area, now: Area, [width, height]: [number, number]): [number, number, number, number] | null {
  const [x0, x1] = [now.x.to(old.x.from(0)), now.x.to(old.x.from(width))];
  const [y0, y1] = [now.y.to(old.y.from(0)), now.y.to(old.y.from(height))];
  if (![x0, x1, y0, y1].every(Number.isFinite)) return null;
  return [x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height];
}
