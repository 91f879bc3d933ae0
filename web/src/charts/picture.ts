// The picture of a figure, and when it is painted.
//
// Marks are painted into a sheet that is kept; only when they change are they painted again, on the sheet kept before that, in
// slices of a frame where there are very many. Hovering, brushing and panning draw the kept sheet and a little on top of it. What
// is out of sight is painted when the browser has nothing else to do: not for every change of a search that moves.

import { useLayoutEffect, useRef } from 'preact/hooks';
import { trials } from '../data/opened';
import { look, type Look } from '../state/theme';
import { MANY } from './crowd';
import type { FigureProps, Paint } from './figure';

type Marks = Pick<FigureProps, 'paint' | 'over' | 'stretch' | 'onSize'>;

interface Sheet {
  canvas: HTMLCanvasElement;
  pen: CanvasRenderingContext2D;
}

/** What a picture hangs on; as long as all of it is the same, so is the picture. */
interface Asked {
  paint: Paint;
  width: number;
  height: number;
  colours: Look;
}

const SLICE_MS = 8;
const FRAME_MS = 20;
const LONGEST_WAIT_MS = 2000; // for a browser that never rests
const CALM_MS = 700; // without a change, before what is out of sight is painted anew
let shared = { frame: 0, until: 0 }; // what all figures paint in one frame ends by then, but each has a slice

/** Keeps the canvas showing the kept sheet with what is drawn over it, and paints it anew when the marks change. */
export function usePicture(canvas: { current: HTMLCanvasElement | null }, props: Marks, width: number, height: number, isSeen: boolean): void {
  const colours = look.value;
  const work = useRef<Work | null>(null);
  const mine = (work.current ??= new Work());
  mine.show = () => canvas.current && width && showOn(canvas.current, mine.kept, props, width, height, colours);
  mine.height = () => canvas.current?.getBoundingClientRect().top ?? 0;
  // Who waits for a picture can see that it is there, and whether it is the newest.
  mine.tell = (isBehind) => {
    if (!canvas.current) return;
    canvas.current.dataset.drawn = String(mine.drawn);
    canvas.current.toggleAttribute('data-behind', isBehind);
  };
  useLayoutEffect(() => {
    if (!width) return;
    props.onSize?.(width, height);
    mine.paint({ paint: props.paint, width, height, colours }, isSeen);
  }, [props.paint, width, height, colours, isSeen]);
  useLayoutEffect(() => () => mine.callOff(), []);
  useLayoutEffect(() => {
    // What waits for the next frame shows everything then.
    if (isSeen && !mine.isWaiting) mine.show();
  }, [props.over, props.stretch, isSeen]);
}

class Work {
  kept: Sheet | null = null;
  isWaiting = false;
  /** How often all of it was drawn. */
  drawn = 0;
  show: () => void = () => undefined;
  height: () => number = () => 0;
  tell: (isBehind: boolean) => void = () => undefined;
  callOff: () => void = () => undefined;
  private spare: Sheet | null = null;
  private asked: Asked | null = null; // and begun
  private isUnfinished = false;
  private turn = 0;

  /** Paints what is asked for, now or when its time has come. What was asked before and not begun is called off. */
  paint(asked: Asked, isSeen: boolean): void {
    this.callOff();
    const isBegun = this.asked !== null && isSame(this.asked, asked);
    this.tell(!isBegun || this.isUnfinished);
    if (isBegun) return;
    if (document.hidden) this.wait(whenInSight(() => this.paint(asked, isSeen)));
    else if (isSeen && !this.drawn) this.wait(inTurn(this.height(), () => this.begin(asked, Number(document.timeline.currentTime))));
    else if (isSeen) this.beginInFrame(asked);
    else if (!this.drawn) this.wait(atRest(() => this.begin(asked, NaN)));
    else {
      const timer = setTimeout(() => this.begin(asked, NaN), CALM_MS);
      this.wait(() => clearTimeout(timer));
    }
  }

  private beginInFrame(asked: Asked): void {
    const frame = requestAnimationFrame((at) => this.begin(asked, at));
    this.wait(() => cancelAnimationFrame(frame));
  }

  private wait(callOff: () => void): void {
    this.isWaiting = true;
    this.callOff = () => {
      this.isWaiting = false;
      callOff();
    };
  }

  private begin(asked: Asked, at: number): void {
    // Others have painted enough in this frame: where many figures open at once, they come one after the other.
    if (at === shared.frame && performance.now() > shared.until) return this.beginInFrame(asked);
    this.isWaiting = false;
    this.asked = asked;
    this.isUnfinished = true;
    startFrame(at);
    const sheet = ready(this.spare, asked);
    this.spare = sheet;
    const turn = ++this.turn;
    const steps = asked.paint(sheet.pen, asked.width, asked.height, asked.colours);
    const go = (now: number) => {
      if (turn !== this.turn) return;
      if (!steps || goneOn(steps, sheet.canvas, now)) return this.finish(sheet);
      if (!this.kept) this.showUnfinished(sheet);
      requestAnimationFrame(go);
    };
    go(at);
  }

  private finish(sheet: Sheet): void {
    [this.kept, this.spare] = [sheet, this.kept];
    this.show();
    this.drawn++;
    this.isUnfinished = false;
    this.tell(false);
  }

  /** The first picture grows before one's eyes; a later one replaces the old at once, without a flicker. */
  private showUnfinished(sheet: Sheet): void {
    this.kept = sheet;
    this.show();
    this.kept = null;
  }
}

const isSame = (a: Asked, b: Asked) => a.paint === b.paint && a.width === b.width && a.height === b.height && a.colours === b.colours;

let firsts: Array<{ height: number; act: () => void }> = [];

/** First pictures are begun from the top of the page down: at once, so that as many as a frame bears are seen with their figures, or
    after that frame where there is so much to paint that it would be late. **Returns** what calls it off. */
function inTurn(height: number, act: () => void): () => void {
  const beginAll = () => {
    const all = firsts.sort((a, b) => a.height - b.height);
    firsts = [];
    for (const one of all) one.act();
  };
  if (!firsts.length && trials.peek().n < MANY) queueMicrotask(beginAll);
  else if (!firsts.length) requestAnimationFrame(() => setTimeout(beginAll));
  const mine = { height, act };
  firsts.push(mine);
  return () => (mine.act = () => undefined);
}

/** Acts when the browser has nothing else to do. **Returns** what calls it off. */
function atRest(act: () => void): () => void {
  if (!window.requestIdleCallback) {
    const timer = setTimeout(act, FRAME_MS);
    return () => clearTimeout(timer);
  }
  const wait = requestIdleCallback(act, { timeout: LONGEST_WAIT_MS });
  return () => cancelIdleCallback(wait);
}

/** Acts when somebody looks at this tab. **Returns** what calls it off. */
function whenInSight(act: () => void): () => void {
  const look = () => document.hidden || act();
  document.addEventListener('visibilitychange', look);
  return () => document.removeEventListener('visibilitychange', look);
}

function showOn(target: HTMLCanvasElement, kept: Sheet | null, props: Marks, width: number, height: number, colours: Look): void {
  const ratio = window.devicePixelRatio || 1;
  if (target.width !== Math.floor(width * ratio) || target.height !== Math.floor(height * ratio)) {
    target.width = width * ratio;
    target.height = height * ratio;
  }
  const pen = target.getContext('2d')!;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, target.width, target.height);
  if (kept) {
    const [x, y, w, h] = props.stretch ?? [0, 0, 1, 1];
    pen.drawImage(kept.canvas, x * target.width, y * target.height, w * target.width, h * target.height);
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  props.over?.(pen, width, height, colours);
}

function startFrame(at: number): void {
  if (at !== shared.frame) shared = { frame: at, until: performance.now() + FRAME_MS };
}

/** Paints for a frame's part; whether it is done. */
function goneOn(steps: Generator<void>, sheet: HTMLCanvasElement, at: number): boolean {
  const now = performance.now();
  startFrame(at);
  const until = Math.max(now + SLICE_MS, shared.until);
  while (performance.now() < until) {
    if (steps.next().done) return true;
    settle(sheet);
  }
  return false;
}

let drain: OffscreenCanvasRenderingContext2D | null = null;

/** Has what was drawn so far become pixels: browsers put that off to the end, where it would take longer than a frame. */
function settle(sheet: HTMLCanvasElement): void {
  drain ??= new OffscreenCanvas(1, 1).getContext('2d')!;
  drain.drawImage(sheet, 0, 0, 1, 1, 0, 0, 1, 1);
}

/** An empty sheet of a size; one that was used before is taken where there is one, for each is a megabyte to give back. */
function ready(used: Sheet | null, { width, height }: Asked): Sheet {
  const ratio = window.devicePixelRatio || 1;
  if (!used || used.canvas.width !== Math.floor(width * ratio) || used.canvas.height !== Math.floor(height * ratio)) return blank(width, height, ratio);
  used.pen.reset();
  used.pen.scale(ratio, ratio);
  return used;
}

export function blank(width: number, height: number, ratio: number): Sheet {
  const canvas = document.createElement('canvas');
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext('2d')!;
  pen.scale(ratio, ratio);
  return { canvas, pen };
}

/** Draws a little where nobody sees it: a browser looks for the fonts of pictures only when the first text is drawn, which takes
    as long as the first picture. To be called while the page waits for what is to be drawn. */
export function warmUp(): void {
  const { pen } = blank(16, 16, 1);
  for (const font of ['10.5px', '11px', '600 11.5px']) {
    pen.font = `${font} ${look.peek().font}`;
    pen.fillText(`−${pen.measureText('0123456789').width}…`, 0, 0);
  }
  settle(pen.canvas);
}
