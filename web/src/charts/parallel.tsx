// Parallel coordinates: one axis for each parameter that varies, and one for the metric, best values in the strongest colour.
//
// Drag along an axis to select there: the one filter follows. Names are buttons: drag them to put axes in another order (or
// ← and → with the keyboard), click to flip, Shift and click, or hold, for a log axis. Where there is no room for all axes
// the picture is wider than the page and goes sideways.

import { useMemo, useState } from 'preact/hooks';
import { clauses, filterBy, goal, matched, metric, select, selected, trials, version } from '../data/opened';
import type { Look } from '../state/theme';
import { count, csvLine, plural } from '../text';
import { TrialTip } from '../parts/trialtip';
import { AxisName, AxisStrip } from './axisname';
import { goodnessOf } from './best';
import { Figure, type Tip } from './figure';
import { axisNear, filteredOn, gapOf, leastWidth, moveAxis, ordered, scaleOf, toggleAxis, useAxes, xOf, type Axis, type Place } from './parallelaxes';
import { MOST, nearestLine, paintBrush, paintLine, paintLines } from './parallelpaint';
import type { Pen } from './pen';

const REACH = 6;
const REACH_OF_A_FINGER = 16;

interface Drag {
  axis: number;
  from: number;
  to: number;
}

type LineTip = Tip & { row: number };

export function Parallel({ height }: { height: number }) {
  const { n } = matched.value;
  const [place, setPlace] = useState<Place>({ width: 800, height });
  const [drag, setDrag] = useState<Drag | null>(null);
  const [tip, setTip] = useState<LineTip | null>(null);
  const axes = useAxes();
  const { paint, over } = usePainting(axes, drag, tip);
  const hover = (event: PointerEvent | MouseEvent, reach = REACH) => {
    const found = tipAt(axes, place, event, reach);
    setTip(found);
    return found;
  };
  const events = {
    onPointerMove: (event: PointerEvent) => event.pointerType !== 'touch' && hover(event),
    onPointerLeave: (event: PointerEvent) => event.pointerType !== 'touch' && setTip(null),
    onClick: (event: PointerEvent) => {
      const found = hover(event, event.pointerType === 'touch' ? REACH_OF_A_FINGER : REACH);
      if (found) select(trials.peek().number(found.row));
    },
  };
  const brush = (axis: number) => (from: number, to: number, isOver: boolean) => {
    setDrag(isOver ? null : { axis, from, to });
    if (isOver) filterFrom(axes[axis], place, from, to);
  };
  return (
    <Figure title="Parallel coordinates" height={height} least={leastWidth(axes.length)} paint={paint} over={over} tip={drag ? null : tip} csv={() => csvOf(axes)} events={events as never}
      summary={`${plural(n, 'trial')} over ${axes.map((axis) => axis.spec.title).join(', ')}. Selected trials are named by the filter above.`}
      onSize={(width, tall) => setPlace({ width, height: tall })} foot={<Foot />}>
      {axes.flatMap((axis, k) => [
          <AxisStrip key={`along ${axis.key}`} x={xOf(axes, k, place)} height={place.height} brush={brush(k)} hover={hover} cancel={() => setDrag(null)} />,
          <AxisName key={axis.key} axis={axis} x={xOf(axes, k, place)} width={Math.max(40, gapOf(axes, place) - 6)}
            move={(by) => moveAxis(axes, k, k + by)} drop={(x) => moveAxis(axes, k, axisNear(axes, x, place))}
            flip={() => toggleAxis('pf', axis.key)} log={() => toggleAxis('plog', axis.key)} />,
      ])}
    </Figure>
  );
}

function usePainting(axes: Axis[], drag: Drag | null, tip: LineTip | null) {
  const held = trials.value;
  const now = version.value;
  const { mask } = matched.value;
  const name = metric.value;
  const direction = goal.value?.direction ?? 'minimize';
  const good = useMemo(() => goodnessOf(held, name, direction), [held, now, name, direction]);
  const paint = useMemo(
    () => (pen: Pen, width: number, height: number, look: Look) => paintLines(pen, look, axes, mask, good, { width, height }),
    [axes, mask, good],
  );
  const over = useMemo(
    () => (pen: Pen, width: number, height: number, look: Look) => {
      const place = { width, height };
      const row = tip?.row ?? (selected.value === null ? -1 : held.rowOf(selected.value));
      if (row >= 0) paintLine(pen, look, axes, row, place);
      axes.forEach((axis, k) => paintBrush(pen, look, xOf(axes, k, place), drag?.axis === k ? ordered(drag.from, drag.to) : filteredOn(axis, place)));
    },
    [axes, tip, drag, selected.value, clauses.value],
  );
  return { paint, over };
}

function tipAt(axes: Axis[], place: Place, event: PointerEvent | MouseEvent, reach: number): LineTip | null {
  const canvas = (event.currentTarget as HTMLElement).parentElement!.querySelector('canvas')!.getBoundingClientRect();
  const [x, y] = [event.clientX - canvas.left, event.clientY - canvas.top];
  const row = nearestLine(axes, matched.peek().mask, x, y, place, reach);
  return row < 0 ? null : { row, x, y, lines: <TrialTip row={row} /> };
}

/** Selects on an axis what lies between two pixels; a click forgets what was selected there. */
function filterFrom(axis: Axis, place: Place, from: number, to: number): void {
  if (Math.abs(to - from) < 4) return filterBy(axis.column, null);
  const scale = scaleOf(axis, place);
  const [low, high] = ordered(scale.from(from), scale.from(to));
  if (!axis.spec.categories) return filterBy(axis.column, { kind: 'range', low: Number(low.toPrecision(4)), high: Number(high.toPrecision(4)) });
  const values = axis.spec.categories.filter((_value, k) => k >= low && k <= high);
  filterBy(axis.column, values.length ? { kind: 'among', values } : null);
}

function csvOf(axes: Axis[]): string {
  const held = trials.peek();
  const { mask } = matched.peek();
  const rows = Array.from({ length: held.n }, (_none, row) => row).filter((row) => mask[row]);
  return [csvLine(['trial', ...axes.map((axis) => axis.spec.title)]), ...rows.map((row) => csvLine([held.number(row), ...axes.map((axis) => held.cell(axis.key, row))]))].join('\n');
}

function Foot() {
  const { n } = matched.value;
  const all = trials.value.n;
  return (
    <span class="soft">
      {n > MOST ? `The best and others evenly chosen: ${count(MOST)} of ${count(n)} lines. ` : ''}
      {n < all ? `Showing ${count(n)} of ${count(all)} trials. ` : ''}
      <span class="by-mouse">Drag along an axis to select, drag a name to move it, click it to flip, Shift + click for log.</span>
      <span class="by-hand">Drag along an axis to select, tap it to forget. A name: drag to move, tap to flip, hold for log.</span>
    </span>
  );
}
