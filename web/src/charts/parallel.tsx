// Parallel coordinates: one axis for each parameter that varies, and one for the metric, best values in the strongest colour.
//
// Drag along an axis to select there: the one filter follows. Names are buttons: drag them to put axes in another order (or
// ← and → with the keyboard), click to flip, Shift and click for a log axis.

import { useMemo, useState } from 'preact/hooks';
import { clauses, filterBy, goal, matched, metric, select, selected, trials, version } from '../data/opened';
import { categoriesOf, columnName, isNumeric, parameterInfo } from '../state/columns';
import { choose, option } from '../state/route';
import type { Look } from '../state/theme';
import { count, csvLine, plural } from '../text';
import { TrialTip } from '../parts/trialtip';
import { ordered } from '../data/ranks';
import { goodness } from './best';
import { Figure, type Tip } from './figure';
import type { Pen } from './pen';
import { extent, makeScale, type AxisSpec, type Scale } from './scale';

const TOP = 46;
const BOTTOM = 26;
const SIDE = 56;
const SEPARATOR = '\u001f';
const A_SLICE = 250;
const MOST = 6_000; // lines; of more the best and others evenly chosen are drawn, and it is said

interface Axis {
  key: string;
  column: string; // as the filter calls it
  spec: AxisSpec;
  flipped: boolean;
  values: Float64Array; // places on the axis, NaN where there is none
}

const listOf = (name: string) => (option(name) ?? '').split(SEPARATOR).filter(Boolean);
const keep = (name: string, list: string[]) => choose(name, list.join(SEPARATOR));

export function axisOf(key: string): Omit<Axis, 'flipped'> {
  const held = trials.peek();
  const [group, name] = [key.slice(0, key.indexOf(':')) as 'parameter' | 'objective', key.slice(key.indexOf(':') + 1)];
  const column = columnName(group, name);
  if (group === 'parameter' && !isNumeric(name)) {
    const categories = categoriesOf(name);
    const places = new Map(categories.map((value, k) => [value, k]));
    const cells = held.cells(key) ?? [];
    const values = Float64Array.from({ length: held.n }, (_none, row) => places.get(String(cells[row])) ?? NaN);
    return { key, column, values, spec: { kind: 'category', domain: [-0.3, categories.length - 0.7], title: name, categories } };
  }
  const values = held.numbers(key);
  const wished = listOf('plog').includes(key);
  const isLog = (parameterInfo(name)?.scale === 'log' && group === 'parameter') !== wished;
  const kind = isLog ? 'log' : 'linear';
  return { key, column, values, spec: { kind, domain: extent(values, kind), title: name } };
}

export function Parallel({ height }: { height: number }) {
  const held = trials.value;
  const now = version.value;
  const { mask, n } = matched.value;
  const name = metric.value;
  const direction = goal.value?.direction ?? 'minimize';
  const [width, setWidth] = useState(800);
  const [tall, setTall] = useState(height);
  const [drag, setDrag] = useState<{ axis: number; from: number; to: number } | null>(null);
  const [tip, setTip] = useState<(Tip & { row: number }) | null>(null);
  const [order, logs, flips] = [option('po'), option('plog'), option('pf')];

  const axes = useMemo((): Axis[] => {
    const keys = [...held.varying().map((one) => `parameter:${one}`), `objective:${name}`];
    const wished = listOf('po').filter((key) => keys.includes(key));
    const all = [...wished, ...keys.filter((key) => !wished.includes(key))];
    return all.map((key) => ({ ...axisOf(key), flipped: listOf('pf').includes(key) }));
  }, [held, now, name, order, logs, flips]);
  const rank = useMemo(() => goodness(held.numbers(`objective:${name}`), direction), [held, now, name, direction]);

  const xOf = (k: number, w = width) => SIDE + (k * (w - 2 * SIDE)) / Math.max(1, axes.length - 1);
  const scaleOf = (axis: Axis, h = tall): Scale =>
    makeScale(axis.spec, axis.spec.domain, axis.flipped ? TOP : h - BOTTOM, axis.flipped ? h - BOTTOM : TOP, Math.floor((h - TOP - BOTTOM) / 40));

  const paint = useMemo(
    () => (pen: Pen, w: number, h: number, look: Look) =>
      paintLines(pen, look, axes.map((axis, k) => ({ x: xOf(k, w), scale: scaleOf(axis, h), axis })), mask, rank, h),
    [axes, mask, rank],
  );
  const over = useMemo(
    () => (pen: Pen, w: number, h: number, look: Look) => {
      const row = tip?.row ?? (selected.value === null ? -1 : held.rowOf(selected.value));
      if (row >= 0) {
        pen.strokeStyle = look.ink;
        pen.lineWidth = 2.2;
        pen.beginPath();
        axes.forEach((axis, k) => traceTo(pen, xOf(k, w), placeOn(scaleOf(axis, h), axis.values[row], h), k));
        pen.stroke();
      }
      axes.forEach((axis, k) => paintBrush(pen, look, xOf(k, w), rangeFor(axis, drag?.axis === k ? drag : null)));
    },
    [axes, tip, drag, selected.value, clauses.value, width],
  );

  const spot = (event: PointerEvent) => {
    const frame = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  };
  const axisAt = (x: number) => {
    const k = Math.round(((x - SIDE) / Math.max(1, width - 2 * SIDE)) * (axes.length - 1));
    return k >= 0 && k < axes.length && Math.abs(xOf(k) - x) < 18 ? k : -1;
  };
  const events = {
    onPointerDown: (event: PointerEvent) => {
      const { x, y } = spot(event);
      const axis = axisAt(x);
      if (axis < 0 || y < TOP - 8 || event.button !== 0) return tip && select(held.number(tip.row));
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      setDrag({ axis, from: y, to: y });
    },
    onPointerMove: (event: PointerEvent) => {
      const { x, y } = spot(event);
      if (drag) return setDrag({ ...drag, to: Math.min(tall - BOTTOM, Math.max(TOP, y)) });
      const row = nearestLine(axes, xOf, (axis) => scaleOf(axis), mask, x, y, tall);
      setTip(row < 0 ? null : { row, x, y, lines: <TrialTip row={row} /> });
    },
    onPointerUp: () => {
      if (!drag) return;
      setDrag(null);
      const axis = axes[drag.axis];
      if (Math.abs(drag.to - drag.from) < 4) return filterBy(axis.column, null);
      const scale = scaleOf(axis);
      const ends = [scale.from(drag.from), scale.from(drag.to)].sort((a, b) => a - b);
      if (axis.spec.categories) {
        const values = axis.spec.categories.filter((_value, k) => k >= ends[0] && k <= ends[1]);
        filterBy(axis.column, values.length ? { kind: 'among', values } : null);
      } else filterBy(axis.column, { kind: 'range', low: Number(ends[0].toPrecision(4)), high: Number(ends[1].toPrecision(4)) });
    },
    onPointerLeave: () => setTip(null),
    onPointerCancel: () => setDrag(null),
  };
  const move = (from: number, to: number) => {
    if (to < 0 || to >= axes.length || from === to) return;
    const keys = axes.map((axis) => axis.key);
    keys.splice(to, 0, ...keys.splice(from, 1));
    keep('po', keys);
  };
  const toggle = (list: string, key: string) => {
    const held = listOf(list);
    keep(list, held.includes(key) ? held.filter((one) => one !== key) : [...held, key]);
  };
  const csv = () =>
    [csvLine(['trial', ...axes.map((axis) => axis.spec.title)]), ...Array.from({ length: held.n }, (_none, row) => row).filter((row) => mask[row])
      .map((row) => csvLine([held.number(row), ...axes.map((axis) => held.cells(axis.key)?.[row])]))].join('\n');
  return (
    <Figure title="Parallel coordinates" height={height} paint={paint} over={over} tip={drag ? null : tip} csv={csv} events={events as never}
      summary={`${plural(n, 'trial')} over ${axes.map((axis) => axis.spec.title).join(', ')}. Selected trials are named by the filter above.`}
      onSize={(w, h) => (setWidth(w), setTall(h))}
      foot={<span class="soft">{n > MOST ? `The best and others evenly chosen: ${count(MOST)} of ${count(n)} lines. ` : ''}{n < held.n ? `Showing ${count(n)} of ${count(held.n)} trials. ` : ''}Drag along an axis to select, drag a name to move it, click it to flip, Shift + click for log.</span>}>
      {axes.map((axis, k) => (
        <AxisName key={axis.key} axis={axis} x={xOf(k)} width={Math.max(40, (width - 2 * SIDE) / Math.max(1, axes.length - 1) - 6)}
          move={(by) => move(k, k + by)} drop={(x) => move(k, Math.max(0, Math.min(axes.length - 1, Math.round(((x - SIDE) / (width - 2 * SIDE)) * (axes.length - 1)))))}
          flip={() => toggle('pf', axis.key)} log={() => toggle('plog', axis.key)} />
      ))}
    </Figure>
  );

  function rangeFor(axis: Axis, dragged: { from: number; to: number } | null): [number, number] | null {
    if (dragged) return [dragged.from, dragged.to].sort((a, b) => a - b) as [number, number];
    const test = clauses.value.find((clause) => clause.column === axis.column && !clause.not)?.test;
    const scale = scaleOf(axis);
    const pixels = (low: number, high: number) => [scale.to(Math.max(low, scale.domain[0])), scale.to(Math.min(high, scale.domain[1]))].sort((a, b) => a - b) as [number, number];
    if (test?.kind === 'range' && !axis.spec.categories) return pixels(test.low, test.high);
    if (test?.kind !== 'among' || !axis.spec.categories) return null;
    const places = test.values.map((value) => axis.spec.categories!.indexOf(value)).filter((k) => k >= 0);
    return places.length ? pixels(Math.min(...places) - 0.3, Math.max(...places) + 0.3) : null;
  }
}

interface NameProps {
  axis: Axis;
  x: number;
  width: number;
  move: (by: number) => void;
  drop: (x: number) => void;
  flip: () => void;
  log: () => void;
}

function AxisName({ axis, x, width, move, drop, flip, log }: NameProps) {
  const [shift, setShift] = useState<{ from: number; by: number } | null>(null);
  return (
    <button class="axis-name" style={{ left: `${x + (shift?.by ?? 0)}px`, maxWidth: `${width}px` }} title={`${axis.spec.title}: drag to move, click to flip, Shift + click for log`}
      aria-label={`Axis ${axis.spec.title}${axis.spec.kind === 'log' ? ', log' : ''}${axis.flipped ? ', flipped' : ''}. Left and right move it, Enter flips it.`}
      onPointerDown={(event) => (event.currentTarget.setPointerCapture(event.pointerId), setShift({ from: event.clientX, by: 0 }))}
      onPointerMove={(event) => shift && setShift({ from: shift.from, by: event.clientX - shift.from })}
      onPointerUp={(event) => {
        const by = shift?.by ?? 0;
        setShift(null);
        if (Math.abs(by) > 8) drop(x + by);
        else if (event.shiftKey) log();
        else flip();
      }}
      onPointerCancel={() => setShift(null)}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft') move(-1);
        else if (event.key === 'ArrowRight') move(1);
        else if (event.key === 'Enter' || event.key === ' ') flip();
        else return;
        event.preventDefault();
      }}>
      {axis.spec.title}
      {axis.spec.kind === 'log' && <small> log</small>}
      {axis.flipped && <small> ↓</small>}
    </button>
  );
}

/** Where a value stands on an axis; what has none stands below it, apart from every value. */
function placeOn(scale: Scale, value: number, height: number): number {
  const y = scale.to(value);
  return Number.isFinite(y) ? y : height - 9;
}

function traceTo(pen: Pen, x: number, y: number, k: number): void {
  if (k) pen.lineTo(x, y);
  else pen.moveTo(x, y);
}

interface Placed {
  x: number;
  scale: Scale;
  axis: Axis;
}

/** Of rows from worse to better: all, or the best tenth of what is drawn and others evenly chosen. */
function chosenLines(rows: number[]): number[] {
  if (rows.length <= MOST) return rows;
  const best = Math.floor(MOST / 10);
  const rest = rows.length - best;
  const every = rest / (MOST - best);
  return [...Array.from({ length: MOST - best }, (_none, k) => rows[Math.floor(k * every)]), ...rows.slice(rest)];
}

function* paintLines(pen: Pen, look: Look, axes: Placed[], mask: Uint8Array, rank: Float64Array, height: number): Generator<void> {
  const [outside, inside]: number[][] = [[], []];
  for (const row of ordered(rank.map((one) => (Number.isNaN(one) ? -1 : one)))) (mask[row] ? inside : outside).push(row);
  // Each group of one colour is one path: far fewer strokes, and the best lie on top.
  const colourOf = (row: number) => (Number.isNaN(rank[row]) ? look.failed : look.ramp[Math.min(9, Math.floor(rank[row] * 10))]);
  const alpha = inside.length > 3000 ? 0.16 : inside.length > 500 ? 0.35 : 0.65;
  for (const [all, opacity] of [[outside, Math.min(0.12, 60 / outside.length)], [inside, alpha]] as const) {
    const rows = chosenLines(all);
    const isOutside = all === outside;
    for (let start = 0; start < rows.length; ) {
      const colour = isOutside ? look.faint : colourOf(rows[start]);
      let end = start;
      pen.beginPath();
      while (end < rows.length && end - start < A_SLICE && (isOutside || colourOf(rows[end]) === colour)) {
        for (let k = 0; k < axes.length; k++) traceTo(pen, axes[k].x, placeOn(axes[k].scale, axes[k].axis.values[rows[end]], height), k);
        end++;
      }
      start = end;
      pen.strokeStyle = colour;
      pen.globalAlpha = opacity;
      pen.lineWidth = 1.2;
      pen.stroke();
      yield;
    }
  }
  pen.globalAlpha = 1;
  for (const one of axes) paintAxis(pen, look, one, height);
}

function paintAxis(pen: Pen, look: Look, { x, scale, axis }: Placed, height: number): void {
  pen.strokeStyle = look.soft;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x, TOP);
  pen.lineTo(x, height - BOTTOM);
  pen.font = `10.5px ${look.font}`;
  pen.textBaseline = 'middle';
  pen.textAlign = 'left';
  for (const { at, text } of scale.ticks) {
    const y = scale.to(at);
    pen.moveTo(x - 3, y);
    pen.lineTo(x + 3, y);
    const shown = text.length > 14 ? `${text.slice(0, 13)}…` : text;
    pen.globalAlpha = 0.75;
    pen.fillStyle = look.raised;
    pen.fillRect(x + 5, y - 7, pen.measureText(shown).width + 3, 14);
    pen.globalAlpha = 1;
    pen.fillStyle = look.ink;
    pen.fillText(shown, x + 6, y);
  }
  pen.stroke();
  if (axis.values.some(Number.isNaN)) {
    pen.fillStyle = look.soft;
    pen.fillText('not set', x + 6, height - 9);
  }
}

function paintBrush(pen: Pen, look: Look, x: number, range: [number, number] | null): void {
  if (!range) return;
  pen.globalAlpha = 0.25;
  pen.fillStyle = look.result;
  pen.fillRect(x - 8, range[0], 16, Math.max(2, range[1] - range[0]));
  pen.globalAlpha = 1;
  pen.strokeStyle = look.result;
  pen.lineWidth = 1.2;
  pen.strokeRect(x - 8, range[0], 16, Math.max(2, range[1] - range[0]));
}

/** The line nearest to a pixel between the two axes around it; -1 where none is near. */
function nearestLine(axes: Axis[], xOf: (k: number) => number, scaleOf: (axis: Axis) => Scale, mask: Uint8Array, x: number, y: number, height: number): number {
  if (axes.length < 2) return -1;
  const gap = xOf(1) - xOf(0);
  const k = Math.min(axes.length - 2, Math.max(0, Math.floor((x - xOf(0)) / gap)));
  const share = (x - xOf(k)) / gap;
  if (share < -0.2 || share > 1.2) return -1;
  const [left, right] = [scaleOf(axes[k]), scaleOf(axes[k + 1])];
  let [found, distance] = [-1, 6];
  for (let row = 0; row < mask.length; row++) {
    if (!mask[row]) continue;
    const a = placeOn(left, axes[k].values[row], height);
    const b = placeOn(right, axes[k + 1].values[row], height);
    const d = Math.abs(a + (b - a) * share - y);
    if (d < distance) [found, distance] = [row, d];
  }
  return found;
}

