// Trials as dots over two columns: the ground of fronts, slices and facets. Shapes and colours as everywhere.

import { filterByAll, goal, metric, rangeOf, select, selected, trials } from '../data/opened';
import type { Look } from '../state/theme';
import { TrialTip } from '../parts/trialtip';
import { MANY, OUTSIDE, paintCrowd } from './crowd';
import { cross, dot, wedge, type Pen } from './pen';
import type { Area, Box } from './plot';
import { markOf } from './standing';

export interface Dots {
  rows: ArrayLike<number>;
  x: ArrayLike<number>; // by place in `rows`
  y: ArrayLike<number>;
}

export function paintDots(pen: Pen, area: Area, look: Look, { rows, x, y }: Dots, mask: Uint8Array, radius = 3): void {
  const held = trials.peek();
  const chosen = selected.peek();
  if (rows.length > MANY) return paintManyDots(pen, area, look, { rows, x, y }, mask, chosen === null ? -1 : held.rowOf(chosen));
  for (let k = 0; k < rows.length; k++) {
    const [px, py] = [area.x.to(x[k]), area.y.to(y[k])];
    if (Number.isNaN(px) || Number.isNaN(py)) continue;
    const row = rows[k];
    const mark = markOf(held.standing(row));
    pen.globalAlpha = mask[row] ? (rows.length > 3000 ? 0.5 : 0.8) : 0.15;
    pen.fillStyle = pen.strokeStyle = mask[row] ? mark.colour(look) : look.faint;
    pen.lineWidth = 1.4;
    pen.beginPath();
    if (mark.shape === 'wedge') wedge(pen, px, py, radius);
    else if (mark.shape === 'cross') cross(pen, px, py, radius);
    else dot(pen, px, py, radius);
    if (mark.shape === 'dot' || mark.shape === 'wedge') pen.fill();
    else pen.stroke();
    if (held.number(row) === chosen) {
      pen.globalAlpha = 1;
      pen.strokeStyle = look.ink;
      pen.lineWidth = 2;
      pen.beginPath();
      dot(pen, px, py, radius + 3.5);
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
}

function paintManyDots(pen: Pen, area: Area, look: Look, { rows, x, y }: Dots, mask: Uint8Array, chosen: number): void {
  const { codes, words } = trials.peek().standings();
  // What does not pass lies below the others.
  const groups: number[][] = [[], ...words.map((): number[] => [])];
  for (let k = 0; k < rows.length; k++) groups[mask[rows[k]] ? codes[rows[k]] + 1 : 0].push(k);
  for (const [group, places] of groups.entries()) {
    if (!places.length) continue;
    const key = group ? words[group - 1] : OUTSIDE;
    pen.globalAlpha = key === OUTSIDE ? 0.35 : 0.9;
    pen.fillStyle = key === OUTSIDE ? look.faint : markOf(key).colour(look);
    paintCrowd(pen, area, places, x, y);
  }
  pen.globalAlpha = 1;
  const at = chosen < 0 ? -1 : Array.prototype.indexOf.call(rows, chosen);
  if (at < 0) return;
  pen.strokeStyle = look.ink;
  pen.lineWidth = 2;
  pen.beginPath();
  dot(pen, area.x.to(x[at]), area.y.to(y[at]), 6.5);
  pen.stroke();
}

export function nearestDot({ rows, x, y }: Dots, mask: Uint8Array, px: number, py: number, area: Area) {
  let [found, distance] = [-1, 18 ** 2];
  for (let k = 0; k < rows.length; k++) {
    if (!mask[rows[k]]) continue;
    const d = (area.x.to(x[k]) - px) ** 2 + (area.y.to(y[k]) - py) ** 2;
    if (d < distance) [found, distance] = [k, d];
  }
  if (found < 0) return null;
  const row = rows[found];
  return {
    x: area.x.to(x[found]),
    y: area.y.to(y[found]),
    lines: <TrialTip row={row} />,
    pick: () => select(trials.peek().number(row)),
  };
}

/** What a brush over two columns says to the filter; an axis of categories selects its values. */
export function brushBoth(xColumn: string, yColumn: string, categories: string[] | undefined): (box: Box | null) => void {
  const round = (value: number) => Number(value.toPrecision(5));
  return (box) =>
    filterByAll([
      [
        xColumn,
        box && categories
          ? { kind: 'among', values: categories.filter((_value, k) => k >= box.x[0] && k <= box.x[1]) }
          : box && { kind: 'range', low: round(box.x[0]), high: round(box.x[1]) },
      ],
      [yColumn, box?.y ? { kind: 'range', low: round(box.y[0]), high: round(box.y[1]) } : null],
    ]);
}

export const brushedAt = (xColumn: string, yColumn: string) => ({ x: rangeOf(xColumn), y: rangeOf(yColumn) });

export function objectiveTitle(): string {
  return goal.value ? `${metric.value} (${goal.value.direction})` : metric.value;
}
