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

const SLICE_MS = 14;

export function Figure(props: FigureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const kept = useRef<HTMLCanvasElement | null>(null);
  const work = useRef(0);
  const [width, setWidth] = useState(0);
  const [wide, setWide] = useState(false);
  const colours = look.value;
  const height = wide ? Math.max(props.height, Math.round(window.innerHeight * 0.7)) : props.height;

  useLayoutEffect(() => {
    const watcher = new ResizeObserver(() => box.current && setWidth(Math.floor(box.current.clientWidth)));
    watcher.observe(box.current!);
    setWidth(Math.floor(box.current!.clientWidth));
    return () => watcher.disconnect();
  }, []);

  const show = useRef<() => void>(() => undefined);
  show.current = () => {
    const target = canvas.current;
    if (!target || !width) return;
    const ratio = window.devicePixelRatio || 1;
    if (target.width !== width * ratio || target.height !== height * ratio) {
      target.width = width * ratio;
      target.height = height * ratio;
    }
    const pen = target.getContext('2d')!;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, target.width, target.height);
    if (kept.current) {
      const [x, y, w, h] = props.stretch ?? [0, 0, 1, 1];
      pen.drawImage(kept.current, x * target.width, y * target.height, w * target.width, h * target.height);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    props.over?.(pen, width, height, colours);
  };

  useEffect(() => {
    if (!width) return;
    props.onSize?.(width, height);
    const mine = ++work.current;
    const frame = requestAnimationFrame(() => {
      const ratio = window.devicePixelRatio || 1;
      const fresh = document.createElement('canvas');
      fresh.width = width * ratio;
      fresh.height = height * ratio;
      const pen = fresh.getContext('2d')!;
      pen.scale(ratio, ratio);
      const steps = props.paint(pen, width, height, colours);
      const go = () => {
        if (mine !== work.current) return;
        const until = performance.now() + SLICE_MS;
        while (steps && performance.now() < until) if (steps.next().done) return finish();
        if (!steps) return finish();
        // The first picture grows before one's eyes; a later one replaces the old at once, without a flicker.
        if (!kept.current) {
          kept.current = fresh;
          show.current();
          kept.current = null;
        }
        requestAnimationFrame(go);
      };
      const finish = () => {
        kept.current = fresh;
        show.current();
      };
      go();
    });
    return () => cancelAnimationFrame(frame);
  }, [props.paint, width, height, colours]);

  useEffect(() => show.current(), [props.over, props.stretch]);

  const svg = () => {
    const pen = new SvgPen(width, height, document.createElement('canvas').getContext('2d')!);
    pen.fillStyle = colours.raised;
    pen.fillRect(0, 0, width, height);
    const steps = props.paint(pen, width, height, colours);
    if (steps) while (!steps.next().done);
    return pen.text();
  };
  const png = () => {
    const made = document.createElement('canvas');
    made.width = width * 2;
    made.height = height * 2;
    const pen = made.getContext('2d')!;
    pen.scale(2, 2);
    pen.fillStyle = colours.raised;
    pen.fillRect(0, 0, width, height);
    const steps = props.paint(pen, width, height, colours);
    if (steps) while (!steps.next().done);
    return new Promise<Blob>((done) => made.toBlob((blob) => done(blob!), 'image/png'));
  };

  return (
    <figure class={`figure${wide ? ' wide' : ''}`}>
      <figcaption>
        <h3>{props.title}</h3>
        <div class="tools">{props.tools}</div>
        <SaveMenu title={props.title} svg={svg} png={png} csv={props.csv} wide={wide} setWide={setWide} />
      </figcaption>
      <div class="canvas" ref={box} style={{ height: `${height}px` }}>
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

function TipBox({ tip, width }: { tip: Tip; width: number }) {
  const right = tip.x > width * 0.6;
  const side = right ? { right: `${width - tip.x + 12}px` } : { left: `${tip.x + 12}px` };
  return (
    <div class="tip" style={{ ...side, top: `${Math.max(0, tip.y - 10)}px` }}>
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
