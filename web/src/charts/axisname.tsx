// The handles of an axis of parallel coordinates: its name, a button that moves, flips and scales it, and the strip along it
// that selects. Both work under a finger: the strip takes its touches for itself, all around it the page scrolls.

import { useRef, useState } from 'preact/hooks';
import { BOTTOM, TOP, type Axis } from './parallelaxes';

const HOLD_MS = 500;
const WIDE = 30;

interface NameProps {
  axis: Axis;
  x: number;
  width: number;
  move: (by: number) => void;
  drop: (x: number) => void;
  flip: () => void;
  log: () => void;
}

export function AxisName(props: NameProps) {
  const { axis, x, width } = props;
  const [by, setBy] = useState<number | null>(null);
  const events = useNameEvents(props, by, setBy);
  return (
    <button class="axis-name" style={{ left: `${x + (by ?? 0)}px`, maxWidth: `${width}px` }}
      title={`${axis.spec.title}: drag to move, click to flip, Shift + click or hold for log`}
      aria-label={`Axis ${axis.spec.title}${axis.spec.kind === 'log' ? ', log' : ''}${axis.flipped ? ', flipped' : ''}. Left and right move it, Enter flips it.`}
      {...events}>
      {axis.spec.title}
      {axis.spec.kind === 'log' && <small> log</small>}
      {axis.flipped && <small> ↓</small>}
    </button>
  );
}

function useNameEvents({ x, move, drop, flip, log }: NameProps, by: number | null, setBy: (by: number | null) => void) {
  const held = useRef({ from: 0, timer: 0, done: false });
  const hand = held.current;
  const letGo = () => (clearTimeout(hand.timer), setBy(null));
  return {
    onPointerDown: (event: PointerEvent) => {
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      hand.from = event.clientX;
      hand.done = false;
      hand.timer = window.setTimeout(() => ((hand.done = true), letGo(), log()), HOLD_MS);
      setBy(0);
    },
    onPointerMove: (event: PointerEvent) => {
      if (by === null) return;
      if (Math.abs(event.clientX - hand.from) > 8) clearTimeout(hand.timer);
      setBy(event.clientX - hand.from);
    },
    onPointerUp: (event: PointerEvent) => {
      letGo();
      if (hand.done) return;
      if (Math.abs(by ?? 0) > 8) drop(x + by!);
      else if (event.shiftKey) log();
      else flip();
    },
    onPointerCancel: letGo,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === 'ArrowLeft') move(-1);
      else if (event.key === 'ArrowRight') move(1);
      else if (event.key === 'Enter' || event.key === ' ') flip();
      else return;
      event.preventDefault();
    },
  };
}

interface StripProps {
  x: number;
  height: number;
  /** From where to where the hand went, in pixels from the top; called while it goes, and with `isOver` at its end. */
  brush: (from: number, to: number, isOver: boolean) => void;
  hover: (event: PointerEvent) => void;
  cancel: () => void;
}

export function AxisStrip({ x, height, brush, hover, cancel }: StripProps) {
  const from = useRef<number | null>(null);
  const at = (event: PointerEvent) => {
    const y = event.clientY - (event.currentTarget as HTMLElement).parentElement!.getBoundingClientRect().top;
    return Math.min(height - BOTTOM, Math.max(TOP, y));
  };
  return (
    <div class="axis-strip" aria-hidden="true" style={{ left: `${x - WIDE / 2}px`, width: `${WIDE}px`, top: `${TOP - 6}px`, height: `${height - TOP - BOTTOM + 12}px` }}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        brush((from.current = at(event)), from.current, false);
      }}
      onPointerMove={(event) => (from.current === null ? hover(event) : brush(from.current, at(event), false))}
      onPointerUp={(event) => {
        if (from.current === null) return;
        const began = from.current;
        from.current = null;
        brush(began, at(event), true);
      }}
      onPointerCancel={() => ((from.current = null), cancel())} />
  );
}
