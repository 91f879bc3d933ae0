// A figure with two axes: zoom, pan, a brush and a tip. Charts give their axes, their marks and what is nearest.
//
// Dragging selects (the brush feeds the one filter); with Shift, or in the hand mode, it moves the view. The wheel zooms
// only with Ctrl or ⌘, so that a page still scrolls. New data never moves a view a person has chosen.

import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Look } from '../state/theme';
import { Figure, type Tip } from './figure';
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

export interface Box {
  x: [number, number];
  y: [number, number];
}

export interface PlotProps {
  title: string;
  summary: string;
  height: number;
  x: AxisSpec;
  y: AxisSpec;
  marks: (pen: Pen, area: Area, look: Look) => void | Generator<void>;
  over?: (pen: Pen, area: Area, look: Look) => void;
  /** What is nearest to a pixel: what to tell about it and what a click does. */
  nearest?: (px: number, py: number, area: Area) => { x: number; y: number; lines: ComponentChildren; pick?: () => void } | null;
  /** A drag ended; null asks to forget the brush. */
  onBrush?: (box: Box | null) => void;
  brushed?: { x?: [number, number] | null; y?: [number, number] | null };
  tools?: ComponentChildren;
  foot?: ComponentChildren;
  csv?: () => string;
  empty?: ComponentChildren;
  left?: number;
  /** Drag moves the view rather than selecting, as for learning curves. */
  pans?: boolean;
}

type View = { x: [number, number] | null; y: [number, number] | null };

const TOP = 10;
const RIGHT = 14;
const BOTTOM = 38;

function areaOf(props: PlotProps, view: View, width: number, height: number): Area {
  const left = props.left ?? 58;
  const right = Math.max(left + 20, width - RIGHT);
  const bottom = height - BOTTOM;
  const x = makeScale(props.x, view.x ?? props.x.domain, left, right, Math.max(3, Math.floor((right - left) / 90)));
  const y = makeScale(props.y, view.y ?? props.y.domain, bottom, TOP, Math.max(2, Math.floor((bottom - TOP) / 36)));
  return { left, top: TOP, right, bottom, x, y };
}

function paintAxes(pen: Pen, area: Area, props: PlotProps, look: Look): void {
  pen.font = `11px ${look.font}`;
  pen.lineWidth = 1;
  pen.strokeStyle = look.grid;
  pen.fillStyle = look.soft;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  pen.beginPath();
  for (const { at, text } of area.y.ticks) {
    const y = Math.round(area.y.to(at)) + 0.5;
    pen.moveTo(area.left, y);
    pen.lineTo(area.right, y);
    pen.fillText(fitted(pen, text, area.left - 22), area.left - 7, y);
  }
  pen.textAlign = 'center';
  pen.textBaseline = 'top';
  const room = (area.right - area.left) / Math.max(1, area.x.ticks.length) - 6;
  for (const { at, text } of area.x.ticks) {
    const x = Math.round(area.x.to(at)) + 0.5;
    pen.moveTo(x, area.bottom);
    pen.lineTo(x, area.bottom + 4);
    pen.fillText(props.x.kind === 'category' ? fitted(pen, text, room) : text, x, area.bottom + 7);
  }
  pen.moveTo(area.left, area.bottom + 0.5);
  pen.lineTo(area.right, area.bottom + 0.5);
  pen.stroke();
  pen.textBaseline = 'bottom';
  pen.fillText(fitted(pen, props.x.title, area.right - area.left), (area.left + area.right) / 2, area.bottom + BOTTOM);
  pen.save();
  pen.translate(9, (area.top + area.bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.textBaseline = 'middle';
  pen.fillText(fitted(pen, props.y.title, area.bottom - area.top), 0, 0);
  pen.restore();
}

function zoomed(scale: Scale, factor: number, at: number): [number, number] {
  const [a, b] = [scale.to(scale.domain[0]), scale.to(scale.domain[1])];
  return [scale.from(at + (a - at) * factor), scale.from(at + (b - at) * factor)];
}

function moved(scale: Scale, by: number): [number, number] {
  return [scale.from(scale.to(scale.domain[0]) - by), scale.from(scale.to(scale.domain[1]) - by)];
}

export function Plot(props: PlotProps) {
  const [size, setSize] = useState<[number, number]>([0, props.height]);
  const [view, setView] = useState<View>({ x: null, y: null });
  const [painted, setPainted] = useState<View>(view);
  const [tip, setTip] = useState<(Tip & { pick?: () => void }) | null>(null);
  const [drag, setDrag] = useState<{ x0: number; y0: number; x1: number; y1: number } | null>(null);
  const pan = useRef<{ x: number; y: number; area: Area } | null>(null);
  const touches = useRef(new Map<number, { x: number; y: number }>());

  const area = areaOf(props, view, size[0], size[1]);
  // While a view moves the kept picture is stretched; it is painted again once the hand rests.
  useEffect(() => {
    if (painted === view) return;
    const timer = setTimeout(() => setPainted(view), 70);
    return () => clearTimeout(timer);
  }, [view, painted]);

  const axesKey = JSON.stringify([props.x, props.y]);
  const paint = useCallback(
    (pen: Pen, width: number, height: number, look: Look) => {
      const here = areaOf(props, painted, width, height);
      paintAxes(pen, here, props, look);
      pen.save();
      pen.beginPath();
      pen.rect(here.left, here.top - 4, here.right - here.left + 4, here.bottom - here.top + 4);
      pen.clip();
      const steps = props.marks(pen, here, look);
      if (steps) return thenRestore(steps, pen);
      pen.restore();
    },
    [props.marks, axesKey, painted],
  );

  const stretch = useMemo((): [number, number, number, number] | null => {
    if (painted === view || !size[0]) return null;
    const old = areaOf(props, painted, size[0], size[1]);
    const [x0, x1] = [area.x.to(old.x.from(0)), area.x.to(old.x.from(size[0]))];
    const [y0, y1] = [area.y.to(old.y.from(0)), area.y.to(old.y.from(size[1]))];
    if (![x0, x1, y0, y1].every(Number.isFinite)) return null;
    return [x0 / size[0], y0 / size[1], (x1 - x0) / size[0], (y1 - y0) / size[1]];
  }, [view, painted, size]);

  const over = useCallback(
    (pen: Pen, _width: number, _height: number, look: Look) => {
      const shade = (x0: number, y0: number, x1: number, y1: number) => {
        pen.globalAlpha = 0.14;
        pen.fillStyle = look.result;
        pen.fillRect(x0, y0, x1 - x0, y1 - y0);
        pen.globalAlpha = 0.7;
        pen.strokeStyle = look.result;
        pen.lineWidth = 1;
        pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
        pen.globalAlpha = 1;
      };
      if (drag) shade(drag.x0, drag.y0, drag.x1, drag.y1);
      else if (props.brushed?.x || props.brushed?.y) {
        const inside = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v));
        const of = (range: [number, number] | null | undefined, scale: Scale, low: number, high: number): [number, number] => {
          if (!range) return [low, high];
          const ends = range.map((v) => (Number.isFinite(v) ? scale.to(v) : NaN));
          const [first, last] = scale.to(scale.domain[0]) < scale.to(scale.domain[1]) ? [low, high] : [high, low];
          return [inside(Number.isNaN(ends[0]) ? first : ends[0], low, high), inside(Number.isNaN(ends[1]) ? last : ends[1], low, high)];
        };
        const [x0, x1] = of(props.brushed.x, area.x, area.left, area.right);
        const [y1, y0] = of(props.brushed.y, area.y, area.top, area.bottom);
        shade(x0, y0, x1, y1);
      }
      props.over?.(pen, area, look);
      if (tip) {
        pen.strokeStyle = look.ink;
        pen.lineWidth = 1.5;
        pen.beginPath();
        pen.arc(tip.x, tip.y, 6, 0, Math.PI * 2);
        pen.stroke();
      }
    },
    [drag, tip, props.over, JSON.stringify(props.brushed), axesKey, view, size],
  );

  const spot = (event: PointerEvent | WheelEvent | MouseEvent) => {
    const frame = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  };
  const zoom = (factor: number, x = (area.left + area.right) / 2, y = (area.top + area.bottom) / 2) =>
    setView({
      x: props.x.kind === 'category' ? view.x : zoomed(area.x, factor, x),
      y: props.y.kind === 'category' ? view.y : zoomed(area.y, factor, y),
    });
  const shift = (start: Area, dx: number, dy: number) => setView({ x: moved(start.x, dx), y: moved(start.y, dy) });
  const reset = () => {
    setView({ x: null, y: null });
    props.onBrush?.(null);
  };

  const events = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return;
      const at = spot(event);
      touches.current.set(event.pointerId, at);
      if (at.x < area.left || at.y > area.bottom) return;
      if (event.pointerType === 'touch' && !props.pans) return; // A finger scrolls the page; a tap still picks.
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      if (props.pans ? !event.altKey : event.shiftKey) pan.current = { ...at, area };
      else if (props.onBrush) setDrag({ x0: at.x, y0: at.y, x1: at.x, y1: at.y });
    },
    onPointerMove: (event: PointerEvent) => {
      const at = spot(event);
      if (pan.current) return shift(pan.current.area, at.x - pan.current.x, at.y - pan.current.y);
      if (drag) {
        const x1 = Math.min(area.right, Math.max(area.left, at.x));
        const y1 = Math.min(area.bottom, Math.max(area.top, at.y));
        return setDrag({ ...drag, x1, y1 });
      }
      const found = props.nearest?.(at.x, at.y, area) ?? null;
      setTip(found && { x: found.x, y: found.y, lines: found.lines, pick: found.pick });
    },
    onPointerUp: (event: PointerEvent) => {
      touches.current.delete(event.pointerId);
      const start = pan.current;
      const at = spot(event);
      pan.current = null;
      const still = start ? Math.hypot(at.x - start.x, at.y - start.y) < 4 : !drag || Math.hypot(drag.x1 - drag.x0, drag.y1 - drag.y0) < 4;
      setDrag(null);
      if (still) {
        const found = props.nearest?.(at.x, at.y, area);
        if (found?.pick) found.pick();
      } else if (drag) {
        const sorted = (a: number, b: number): [number, number] => (a < b ? [a, b] : [b, a]);
        props.onBrush?.({
          x: sorted(area.x.from(drag.x0), area.x.from(drag.x1)),
          y: sorted(area.y.from(drag.y0), area.y.from(drag.y1)),
        });
      }
    },
    onPointerLeave: () => setTip(null),
    onPointerCancel: () => ((pan.current = null), setDrag(null)),
    onDblClick: reset,
    onKeyDown: (event: KeyboardEvent) => {
      const step = 60;
      if (event.key === '+' || event.key === '=') zoom(0.7);
      else if (event.key === '-') zoom(1.4);
      else if (event.key === '0') reset();
      else if (event.key === 'ArrowLeft') shift(area, step, 0);
      else if (event.key === 'ArrowRight') shift(area, -step, 0);
      else if (event.key === 'ArrowUp') shift(area, 0, step);
      else if (event.key === 'ArrowDown') shift(area, 0, -step);
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
  };

  // A wheel listener must be able to say that the page should not scroll, which Preact's own can't in every browser.
  const wheel = useRef<(event: WheelEvent) => void>(() => undefined);
  wheel.current = (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const at = spot(event);
    zoom(Math.exp(event.deltaY * 0.002), at.x, at.y);
  };
  const wheelRef = useCallback((element: HTMLElement | null) => {
    element?.parentElement?.querySelector('canvas')?.addEventListener('wheel', (event) => wheel.current(event), { passive: false });
  }, []);

  const tools = (
    <>
      {props.tools}
      {(view.x || view.y) && (
        <button class="quiet" onClick={reset} title="Show all (0, or a double click)">
          Show all
        </button>
      )}
    </>
  );
  return (
    <Figure title={props.title} summary={props.summary} height={props.height} tools={tools} foot={props.foot} csv={props.csv}
      paint={paint} over={over} tip={drag ? null : tip} stretch={stretch} empty={props.empty} events={events as never}
      onSize={(w, h) => (w !== size[0] || h !== size[1]) && setSize([w, h])}>
      <span hidden ref={wheelRef} />
    </Figure>
  );
}

function* thenRestore(steps: Generator<void>, pen: Pen): Generator<void> {
  yield* steps;
  pen.restore();
}
