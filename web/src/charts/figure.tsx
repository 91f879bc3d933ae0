// A figure: its title and tools, a canvas that follows its size and the colours, a tip at the pointer, and what it can be
// saved as. What is drawn comes from the chart; a figure knows no axes (see `plot.tsx`).
//
// Marks are painted into a picture that is kept; only when they change is it painted again, in slices of a frame where
// there are very many. Hovering, brushing and panning draw the kept picture and a little on top of it.

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { look, type Look } from '../state/theme';
import { copyText, download, saveText } from '../parts/saving';
import { say } from '../parts/toasts';
import type { Pen } from './pen';
import { SvgPen } from './svgpen';

export type Paint = (pen: Pen, width: number, height: number, look: Look) => void | Generator<void>;

export interface Tip {
  x: number;
  y: number;
  lines: ComponentChildren;
}

export interface FigureProps {
  title: string;
  /** What a person who can't see the picture is told. */
  summary: string;
  height: number;
  /** A width in pixels below which the picture goes sideways instead of getting narrower. */
  least?: number;
  tools?: ComponentChildren;
  foot?: ComponentChildren;
  paint: Paint;
  /** Drawn over the kept picture at every move of the pointer. */
  over?: (pen: Pen, width: number, height: number, look: Look) => void;
  tip?: Tip | null;
  /** Where the kept picture is put while a view moves: x, y, width, height as shares of the canvas. */
  stretch?: [number, number, number, number] | null;
  csv?: () => string;
  onSize?: (width: number, height: number) => void;
  events?: Record<string, (event: never) => void>;
  children?: ComponentChildren;
  empty?: ComponentChildren;
}

const SLICE_MS = 8;
const FRAME_MS = 32;
let shared = { frame: 0, until: 0 }; // what all figures paint in one frame ends by then, but each has a slice
const SCROLLBAR = 12;

type Ref = { current: HTMLElement | null };

export function Figure(props: FigureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(false);
  const room = useWidth(box);
  const width = room && Math.max(room, props.least ?? 0);
  const height = wide ? Math.max(props.height, Math.round(window.innerHeight * 0.7)) : props.height;
  usePicture(canvas, props, width, height);
  return (
    <figure class={`figure${wide ? ' wide' : ''}`}>
      <figcaption>
        <h3>{props.title}</h3>
        <div class="tools">{props.tools}</div>
        <SaveMenu title={props.title} svg={() => svgOf(props.paint, width, height)} png={() => pngOf(props.paint, width, height)} csv={props.csv} wide={wide} setWide={setWide} />
      </figcaption>
      <div class={`canvas${width > room ? ' goes-sideways' : ''}`} ref={box} style={{ height: `${height + (width > room ? SCROLLBAR : 0)}px` }}>
        <canvas ref={canvas} role="img" tabIndex={0} aria-label={`${props.title}. ${props.summary}`}
          style={{ width: `${width}px`, height: `${height}px` }} {...(props.events as object)} />
        {props.children}
        {props.empty && <div class="nothing">{props.empty}</div>}
        {props.tip && <TipBox tip={props.tip} width={width} />}
      </div>
      {props.foot && <div class="foot">{props.foot}</div>}
    </figure>
  );
}

/** The width of an element, as it changes. */
function useWidth(box: Ref): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const measure = () => box.current && setWidth(Math.floor(box.current.clientWidth));
    const watcher = new ResizeObserver(measure);
    watcher.observe(box.current!);
    measure();
    return () => watcher.disconnect();
  }, []);
  return width;
}

/** Keeps the canvas showing the kept picture with what is drawn over it, and paints it anew when the marks change. */
function usePicture(canvas: { current: HTMLCanvasElement | null }, props: FigureProps, width: number, height: number): void {
  const kept = useRef<HTMLCanvasElement | null>(null);
  const work = useRef(0);
  const drawn = useRef(0);
  const colours = look.value;
  const show = useRef<() => void>(() => undefined);
  show.current = () => canvas.current && width && showOn(canvas.current, kept.current, props, width, height, colours);
  useEffect(() => {
    if (!width) return;
    props.onSize?.(width, height);
    const mine = ++work.current;
    let frame = 0;
    const begin = (first: number) => {
      // Others have painted enough in this frame: where many figures open at once, they come one after the other.
      if (first === shared.frame && performance.now() > shared.until) {
        frame = requestAnimationFrame(begin);
        return;
      }
      const fresh = blank(width, height, window.devicePixelRatio || 1);
      const steps = props.paint(fresh.pen, width, height, colours);
      const put = () => {
        kept.current = fresh.canvas;
        show.current();
      };
      const finish = () => {
        put();
        // How often all of it was drawn: who waits for a picture can see that it is there.
        if (canvas.current) canvas.current.dataset.drawn = String(++drawn.current);
      };
      const go = (at: number) => {
        if (mine !== work.current) return;
        if (!steps || goneOn(steps, fresh.canvas, at)) return finish();
        // The first picture grows before one's eyes; a later one replaces the old at once, without a flicker.
        if (!kept.current) {
          put();
          kept.current = null;
        }
        requestAnimationFrame(go);
      };
      go(first);
    };
    // The first picture is begun at once, for what is around it is on the screen already.
    if (drawn.current) frame = requestAnimationFrame(begin);
    else begin(Number(document.timeline.currentTime));
    return () => cancelAnimationFrame(frame);
  }, [props.paint, width, height, colours]);
  useEffect(() => show.current(), [props.over, props.stretch]);
}

function showOn(target: HTMLCanvasElement, kept: HTMLCanvasElement | null, props: FigureProps, width: number, height: number, colours: Look): void {
  const ratio = window.devicePixelRatio || 1;
  if (target.width !== width * ratio || target.height !== height * ratio) {
    target.width = width * ratio;
    target.height = height * ratio;
  }
  const pen = target.getContext('2d')!;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, target.width, target.height);
  if (kept) {
    const [x, y, w, h] = props.stretch ?? [0, 0, 1, 1];
    pen.drawImage(kept, x * target.width, y * target.height, w * target.width, h * target.height);
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  props.over?.(pen, width, height, colours);
}

/** Paints for a frame's part; whether it is done. */
function goneOn(steps: Generator<void>, sheet: HTMLCanvasElement, at: number): boolean {
  const now = performance.now();
  if (at !== shared.frame) shared = { frame: at, until: now + FRAME_MS };
  const until = Math.max(now + SLICE_MS, shared.until);
  while (performance.now() < until) {
    if (steps.next().done) return true;
    settle(sheet);
  }
  return false;
}

let drain: CanvasRenderingContext2D | null = null;

/** Has what was drawn so far become pixels: browsers put that off to the end, where it would take longer than a frame. */
function settle(sheet: HTMLCanvasElement): void {
  drain ??= new OffscreenCanvas(1, 1).getContext('2d') as unknown as CanvasRenderingContext2D;
  drain.drawImage(sheet, 0, 0, 1, 1, 0, 0, 1, 1);
}

function blank(width: number, height: number, ratio: number) {
  const canvas = document.createElement('canvas');
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext('2d')!;
  pen.scale(ratio, ratio);
  return { canvas, pen };
}

/** A picture to take along: on its own ground, whole at once. */
function paintWhole(pen: Pen, paint: Paint, width: number, height: number): void {
  pen.fillStyle = look.peek().raised;
  pen.fillRect(0, 0, width, height);
  const steps = paint(pen, width, height, look.peek());
  if (steps) while (!steps.next().done);
}

function svgOf(paint: Paint, width: number, height: number): string {
  const pen = new SvgPen(width, height, document.createElement('canvas').getContext('2d')!);
  paintWhole(pen, paint, width, height);
  return pen.text();
}

function pngOf(paint: Paint, width: number, height: number): Promise<Blob> {
  const made = blank(width, height, 2);
  paintWhole(made.pen, paint, width, height);
  return new Promise<Blob>((done) => made.canvas.toBlob((blob) => done(blob!), 'image/png'));
}

function TipBox({ tip, width }: { tip: Tip; width: number }) {
  const isLeft = tip.x > width * 0.6;
  return (
    <div class={`tip${isLeft ? ' at-left' : ''}`} style={{ left: `${tip.x + (isLeft ? -12 : 12)}px`, top: `${Math.max(0, tip.y - 10)}px` }}>
      {tip.lines}
    </div>
  );
}

interface SaveProps {
  title: string;
  svg: () => string;
  png: () => Promise<Blob>;
  csv?: () => string;
  wide: boolean;
  setWide: (wide: boolean) => void;
}

function SaveMenu({ title, svg, png, csv, wide, setWide }: SaveProps) {
  const menu = useRef<HTMLDetailsElement>(null);
  const doing = (act: () => unknown) => () => {
    menu.current!.open = false;
    void act();
  };
  const copyPng = async () => {
    try {
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': png() })]);
      say('Picture copied.');
    } catch {
      say('This browser does not let the page copy pictures. Save it instead.', 'bad');
    }
  };
  return (
    <details class="menu" ref={menu} onKeyDown={(event) => event.key === 'Escape' && (menu.current!.open = false)}
      onFocusOut={(event) => !menu.current!.contains(event.relatedTarget as Node | null) && (menu.current!.open = false)}>
      <summary aria-label={`More for ${title}`}>⋯</summary>
      <div class="choices">
        <button onClick={doing(() => setWide(!wide))}>{wide ? 'Smaller' : 'Larger'}</button>
        {csv && <button onClick={doing(() => copyText(csv(), 'Table copied'))}>Copy as CSV</button>}
        {csv && <button onClick={doing(() => saveText(`${title}.csv`, csv(), 'text/csv'))}>Save as CSV</button>}
        <button onClick={doing(copyPng)}>Copy as PNG</button>
        <button onClick={doing(async () => download(`${title}.png`, await png()))}>Save as PNG</button>
        <button onClick={doing(() => copyText(svg(), 'Picture copied as SVG'))}>Copy as SVG</button>
        <button onClick={doing(() => saveText(`${title}.svg`, svg(), 'image/svg+xml'))}>Save as SVG</button>
      </div>
    </details>
  );
}
