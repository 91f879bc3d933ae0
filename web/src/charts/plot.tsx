// A figure with two axes: zoom, pan, a brush and a tip. Charts give their axes, their marks and what is nearest.
//
// What a hand does is `gestures.ts`; the brush feeds the one filter. The wheel zooms only with Ctrl or ⌘, so that a page
// still scrolls. New data never moves a view a person has chosen.

import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Look } from '../state/theme';
import { areaOf, paintAxes, stretched, WHOLE, type Area, type View } from './axes';
import { Figure } from './figure';
import { emptyHand, eventsOf, reset, spotOf, zoom, type Box, type Drag, type Found, type Hand, type Nearest } from './gestures';
import type { Pen } from './pen';
import type { AxisSpec, Scale } from './scale';

export type { Area } from './axes';
export type { Box } from './gestures';

export interface PlotProps {
  title: string;
  summary: string;
  height: number;
  x: AxisSpec;
  y: AxisSpec;
  marks: (pen: Pen, area: Area, look: Look) => void | Generator<void>;
  over?: (pen: Pen, area: Area, look: Look) => void;
  /** What is nearest to a pixel: what to tell about it and what a click does. */
  nearest?: Nearest;
  /** A drag ended; null asks to forget the brush. */
  onBrush?: (box: Box | null) => void;
  brushed?: Brushed;
  tools?: ComponentChildren;
  foot?: ComponentChildren;
  csv?: () => string;
  empty?: ComponentChildren;
  left?: number;
  /** Drag moves the view rather than selecting, as for learning curves. */
  pans?: boolean;
}

interface Brushed {
  x?: [number, number] | null;
  y?: [number, number] | null;
}

const REST_MS = 70;

export function Plot(props: PlotProps) {
  const [size, setSize] = useState<[number, number]>([0, props.height]);
  const [view, setView] = useState<View>(WHOLE);
  const [tip, setTip] = useState<Found | null>(null);
  const [drag, setDrag] = useState<Drag | null>(null);
  const held = useRef(emptyHand());
  const area = areaOf(props, view, size[0], size[1]);
  const hand: Hand = {
    axes: props, area, view, pans: props.pans ?? false, nearest: props.nearest, onBrush: props.onBrush, drag, setView, setTip, setDrag, held: held.current,
  };
  const painted = useRested(view);
  const paint = usePaint(props, painted);
  const stretch = useMemo(
    () => (painted === view || !size[0] ? null : stretched(areaOf(props, painted, size[0], size[1]), area, size)),
    [view, painted, size],
  );
  const over = useOver(props, area, view, size, drag, tip);
  const wheelRef = useWheel(hand);
  const tools = (
    <>
      {props.tools}
      {(view.x || view.y) && (
        <button class="quiet" onClick={() => reset(hand)} title="Show all (0, or a double click)">
          Show all
        </button>
      )}
    </>
  );
  return (
    <Figure title={props.title} summary={props.summary} height={props.height} tools={tools} foot={props.foot} csv={props.csv}
      paint={paint} over={over} tip={drag ? null : tip} stretch={stretch} empty={props.empty} events={eventsOf(hand) as never}
      onSize={(w, h) => (w !== size[0] || h !== size[1]) && setSize([w, h])}>
      <span hidden ref={wheelRef} />
    </Figure>
  );
}

const keyOf = (props: PlotProps) => JSON.stringify([props.x, props.y]);

/** The view once the hand rests: while it moves the kept picture is stretched. */
function useRested(view: View): View {
  const [painted, setPainted] = useState<View>(view);
  useEffect(() => {
    if (painted === view) return;
    const timer = setTimeout(() => setPainted(view), REST_MS);
    return () => clearTimeout(timer);
  }, [view, painted]);
  return painted;
}

function usePaint(props: PlotProps, painted: View) {
  return useCallback(
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
    [props.marks, keyOf(props), painted],
  );
}

function* thenRestore(steps: Generator<void>, pen: Pen): Generator<void> {
  yield* steps;
  pen.restore();
}

/** What lies on top of the marks: the brush, what the chart adds, and a ring around what the tip tells of. */
function useOver(props: PlotProps, area: Area, view: View, size: [number, number], drag: Drag | null, tip: Found | null) {
  return useCallback(
    (pen: Pen, _width: number, _height: number, look: Look) => {
      if (drag) paintBrush(pen, look, [drag.x0, drag.x1], [drag.y0, drag.y1]);
      else if (props.brushed?.x || props.brushed?.y) {
        paintBrush(pen, look, pixels(props.brushed.x, area.x, area.left, area.right), pixels(props.brushed.y, area.y, area.top, area.bottom));
      }
      props.over?.(pen, area, look);
      if (!tip) return;
      pen.strokeStyle = look.ink;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.arc(tip.x, tip.y, 6, 0, Math.PI * 2);
      pen.stroke();
    },
    [drag, tip, props.over, JSON.stringify(props.brushed), keyOf(props), view, size],
  );
}

function paintBrush(pen: Pen, look: Look, [x0, x1]: [number, number], [y0, y1]: [number, number]): void {
  pen.globalAlpha = 0.14;
  pen.fillStyle = look.result;
  pen.fillRect(x0, y0, x1 - x0, y1 - y0);
  pen.globalAlpha = 0.7;
  pen.strokeStyle = look.result;
  pen.lineWidth = 1;
  pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
  pen.globalAlpha = 1;
}

/** The ends of a brushed range in pixels, within the axis; all of it where the filter says nothing, or nothing that can be shown. */
function pixels(range: [number, number] | null | undefined, scale: Scale, low: number, high: number): [number, number] {
  if (!range) return [low, high];
  const upwards = scale.to(scale.domain[0]) < scale.to(scale.domain[1]) ? [low, high] : [high, low];
  const ends = range.map((value, k) => {
    const at = Number.isFinite(value) ? scale.to(value) : NaN;
    return Math.min(high, Math.max(low, Number.isNaN(at) ? upwards[k] : at));
  });
  return [ends[0], ends[1]];
}

/** A wheel listener must be able to say that the page should not scroll, which Preact's own can't in every browser. */
function useWheel(hand: Hand) {
  const wheel = useRef<(event: WheelEvent) => void>(() => undefined);
  wheel.current = (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(hand, Math.exp(event.deltaY * 0.002), spotOf(event));
  };
  return useCallback((element: HTMLElement | null) => {
    element?.parentElement?.querySelector('canvas')?.addEventListener('wheel', (event) => wheel.current(event), { passive: false });
  }, []);
}
