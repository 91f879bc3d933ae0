// A figure: its title and tools, a canvas that follows its size and the colours, a tip at the pointer, and what it can be
// saved as. What is drawn comes from the chart; a figure knows no axes (see `plot.tsx`), nor when it is drawn (`picture.ts`).

import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useSight } from '../state/sight';
import { look, type Look } from '../state/theme';
import { copyText, download, saveText } from '../parts/saving';
import { say } from '../parts/toasts';
import type { Pen } from './pen';
import { blank, usePicture } from './picture';
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

const SCROLLBAR = 12;

type Ref = { current: HTMLElement | null };

export function Figure(props: FigureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(false);
  const room = useWidth(box);
  const width = room && Math.max(room, props.least ?? 0);
  const height = wide ? Math.max(props.height, Math.round(window.innerHeight * 0.7)) : props.height;
  usePicture(canvas, props, width, height, useSight(box));
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
