// A map of what the model expects over two parameters: coloured cells, finer than the model was asked for, so that bands of
// one colour have smooth borders. Where an axis lists values, its cells stay as they are.

import type { Look } from '../state/theme';
import type { Pen } from './pen';

export interface GridMap {
  x: number[];
  y: number[];
  cells: number[][]; // a line for each y
  low: number;
  high: number;
}

const LEVELS = 10;
const FINER = 6;

/** A list with values put between each two, straight from one to the next. */
export function between(list: number[], times: number): number[] {
  return list.flatMap((value, k) => (k + 1 === list.length ? [value] : Array.from({ length: times }, (_none, i) => value + ((list[k + 1] - value) * i) / times)));
}

/** The map with cells put between each two, along the axes of numbers. */
export function finer(map: GridMap, alongX: boolean, alongY: boolean, times = FINER): GridMap {
  const [tx, ty] = [alongX ? times : 1, alongY ? times : 1];
  const lines = map.cells.map((line) => between(line, tx));
  const columns = lines[0]?.map((_none, i) => between(lines.map((line) => line[i]), ty)) ?? [];
  const cells = columns[0]?.map((_none, j) => columns.map((column) => column[j])) ?? [];
  return { ...map, x: between(map.x, tx), y: between(map.y, ty), cells };
}

/** The edges of cells, half way between their centres in pixels. */
function edges(centres: number[]): number[] {
  const inner = centres.slice(1).map((at, k) => (at + centres[k]) / 2);
  if (!inner.length) return [centres[0] - 20, centres[0] + 20];
  return [2 * centres[0] - inner[0], ...inner, 2 * centres[centres.length - 1] - inner[inner.length - 1]];
}

/** Paints it in the ten colours of the ramp. `x` and `y` of the map are in pixels here. */
export function paintMap(pen: Pen, look: Look, { x, y, cells, low, high }: GridMap, upIsGood: boolean): void {
  // On whole pixels: no seams, and nothing is painted twice. Neighbours of one colour are one rectangle.
  const [ex, ey] = [edges(x).map(Math.round), edges(y).map(Math.round)];
  const span = high - low || 1;
  const level = (value: number) => {
    const share = (value - low) / span;
    return Number.isNaN(share) ? -1 : Math.min(LEVELS - 1, Math.floor((upIsGood ? share : 1 - share) * LEVELS));
  };
  pen.globalAlpha = 0.8;
  cells.forEach((line, j) => {
    const [top, tall] = [Math.min(ey[j], ey[j + 1]), Math.abs(ey[j + 1] - ey[j])];
    for (let from = 0; from < line.length; ) {
      const colour = level(line[from]);
      let to = from + 1;
      while (to < line.length && level(line[to]) === colour) to++;
      if (colour >= 0) {
        pen.fillStyle = look.ramp[colour];
        pen.fillRect(Math.min(ex[from], ex[to]), top, Math.abs(ex[to] - ex[from]), tall);
      }
      from = to;
    }
  });
  pen.globalAlpha = 1;
}
