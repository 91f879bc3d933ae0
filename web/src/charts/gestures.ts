// What a hand does to a plot: a drag selects or moves the view, two fingers and Ctrl with the wheel zoom, a click picks,
// arrows and + - 0 do the same from the keyboard.
//
// A finger that goes up or down scrolls the page; one that goes sideways selects a stretch of the axis across (or moves a
// plot that pans). Nothing is drawn here; `plot.tsx` draws what `Hand` holds.

import type { ComponentChildren } from 'preact';
import { moved, zoomed, type Area, type Axes, type View } from './axes';

/** What a brush selected; an axis it says nothing of is null. */
export interface Box {
  x: [number, number];
  y: [number, number] | null;
}

export interface Drag {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  /** By a finger: of the axis across alone. */
  isStretch: boolean;
}

export interface Found {
  x: number;
  y: number;
  lines: ComponentChildren;
  pick?: () => void;
}

export type Nearest = (px: number, py: number, area: Area) => Found | null;

/** A plot in somebody's hand: what it shows now, what is under way, and how it is told of news. */
export interface Hand {
  axes: Axes;
  area: Area;
  view: View;
  pans: boolean;
  nearest?: Nearest;
  onBrush?: (box: Box | null) => void;
  drag: Drag | null;
  setView: (view: View) => void;
  setTip: (tip: Found | null) => void;
  setDrag: (drag: Drag | null) => void;
  held: Held;
}

interface Spot {
  x: number;
  y: number;
}

/** What lasts from one event to the next without being drawn. */
export interface Held {
  touches: Map<number, Spot>;
  pan: (Spot & { area: Area }) | null;
  pinch: (Spot & { area: Area; wide: number }) | null;
}

export const emptyHand = (): Held => ({ touches: new Map(), pan: null, pinch: null });

const STILL = 4; // pixels: less is a click
const STEP = 60; // of an arrow key

export function spotOf(event: PointerEvent | WheelEvent): Spot {
  const frame = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return { x: event.clientX - frame.left, y: event.clientY - frame.top };
}

export function eventsOf(hand: Hand) {
  return {
    onPointerDown: (event: PointerEvent) => press(hand, event),
    onPointerMove: (event: PointerEvent) => move(hand, event),
    onPointerUp: (event: PointerEvent) => release(hand, event),
    // A finger leaves with every tap; what it asked for stays until the next one.
    onPointerLeave: (event: PointerEvent) => event.pointerType !== 'touch' && hand.setTip(null),
    onPointerCancel: () => letGo(hand),
    onDblClick: () => reset(hand),
    onKeyDown: (event: KeyboardEvent) => key(hand, event),
  };
}

export function zoom(hand: Hand, factor: number, at: Spot, from: Area = hand.area): void {
  hand.setView({
    x: hand.axes.x.kind === 'category' ? hand.view.x : zoomed(from.x, factor, at.x),
    y: hand.axes.y.kind === 'category' ? hand.view.y : zoomed(from.y, factor, at.y),
  });
}

export function reset(hand: Hand): void {
  hand.setView({ x: null, y: null });
  hand.onBrush?.(null);
}

function shift(hand: Hand, start: Area, dx: number, dy: number): void {
  hand.setView({ x: moved(start.x, dx), y: moved(start.y, dy) });
}

function letGo(hand: Hand): void {
  hand.held.touches.clear();
  hand.held.pan = hand.held.pinch = null;
  hand.setDrag(null);
}

function press(hand: Hand, event: PointerEvent): void {
  if (event.button !== 0) return;
  const at = spotOf(event);
  const { area, held } = hand;
  const isTouch = event.pointerType === 'touch';
  if (isTouch) held.touches.set(event.pointerId, at);
  if (held.touches.size === 2) return pinch(hand);
  if (at.x < area.left || at.y > area.bottom) return;
  if (!isTouch) (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
  if (hand.pans ? !event.altKey : event.shiftKey) held.pan = { ...at, area };
  else if (hand.onBrush) hand.setDrag({ x0: at.x, x1: at.x, y0: isTouch ? area.top : at.y, y1: isTouch ? area.bottom : at.y, isStretch: isTouch });
}

/** Two fingers: what was begun with the first one is forgotten. */
function pinch(hand: Hand): void {
  const [a, b] = [...hand.held.touches.values()];
  hand.held.pan = null;
  hand.setDrag(null);
  hand.held.pinch = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, area: hand.area, wide: Math.hypot(a.x - b.x, a.y - b.y) };
}

function move(hand: Hand, event: PointerEvent): void {
  const at = spotOf(event);
  const { area, held, drag } = hand;
  if (held.touches.has(event.pointerId)) held.touches.set(event.pointerId, at);
  if (held.pinch && held.touches.size === 2) {
    const [a, b] = [...held.touches.values()];
    return zoom(hand, held.pinch.wide / Math.max(20, Math.hypot(a.x - b.x, a.y - b.y)), held.pinch, held.pinch.area);
  }
  if (held.pan) return shift(hand, held.pan.area, at.x - held.pan.x, at.y - held.pan.y);
  if (!drag) return hand.setTip(hand.nearest?.(at.x, at.y, area) ?? null);
  const x1 = Math.min(area.right, Math.max(area.left, at.x));
  hand.setDrag({ ...drag, x1, y1: drag.isStretch ? drag.y1 : Math.min(area.bottom, Math.max(area.top, at.y)) });
}

function release(hand: Hand, event: PointerEvent): void {
  const at = spotOf(event);
  const { area, held, drag } = hand;
  const { pan, pinch: wasPinched } = held;
  held.touches.delete(event.pointerId);
  if (wasPinched) {
    if (!held.touches.size) held.pinch = null;
    return;
  }
  held.pan = null;
  hand.setDrag(null);
  const way = pan ? Math.hypot(at.x - pan.x, at.y - pan.y) : !drag ? 0 : drag.isStretch ? Math.abs(drag.x1 - drag.x0) : Math.hypot(drag.x1 - drag.x0, drag.y1 - drag.y0);
  if (way < STILL) {
    const found = hand.nearest?.(at.x, at.y, area) ?? null;
    hand.setTip(found);
    found?.pick?.();
  } else if (drag) {
    hand.onBrush?.({ x: sorted(area.x.from(drag.x0), area.x.from(drag.x1)), y: drag.isStretch ? null : sorted(area.y.from(drag.y0), area.y.from(drag.y1)) });
  }
}

const sorted = (a: number, b: number): [number, number] => (a < b ? [a, b] : [b, a]);

function key(hand: Hand, event: KeyboardEvent): void {
  const { area } = hand;
  const middle = { x: (area.left + area.right) / 2, y: (area.top + area.bottom) / 2 };
  const acts: Record<string, () => void> = {
    '+': () => zoom(hand, 0.7, middle),
    '=': () => zoom(hand, 0.7, middle),
    '-': () => zoom(hand, 1.4, middle),
    '0': () => reset(hand),
    ArrowLeft: () => shift(hand, area, STEP, 0),
    ArrowRight: () => shift(hand, area, -STEP, 0),
    ArrowUp: () => shift(hand, area, 0, STEP),
    ArrowDown: () => shift(hand, area, 0, -STEP),
  };
  if (!acts[event.key]) return;
  acts[event.key]();
  event.preventDefault();
  event.stopPropagation();
}
