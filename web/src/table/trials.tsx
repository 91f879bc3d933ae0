// The table of trials: only the rows in sight are in the page, so 100,000 scroll like ten.
//
// The head sorts, the filter above narrows, the chooser says which columns are shown. Rows are links: j and k walk, Enter
// opens. Nothing is cut off in silence: the foot says how many of how many.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { details, matched, openId, select, selected, trials, version } from '../data/opened';
import { standingClass } from '../charts/standing';
import { useKeys } from '../state/keys';
import { choose, goTo, hrefTo, option } from '../state/route';
import { count, csvLine, duration, moment, short } from '../text';
import { copyText, saveText } from '../parts/saving';
import { Chooser } from './chooser';
import { parseSorting, sortingText, sortRows } from './sorting';
import { tableColumns, type Column } from './columns';

const ROW = 29; // pixels; the style sheet says the same
const SPARE = 12;

export function TrialTable({ height }: { height?: number }) {
  const held = trials.value;
  const now = version.value;
  const { mask, n } = matched.value;
  const sorting = parseSorting(option('sort'));
  const columns = tableColumns(held, details.value, option('cols'));
  const rows = useMemo(() => sortRows(held, mask, sorting), [held, now, mask, sorting.column, sorting.down]);
  const box = useRef<HTMLDivElement>(null);
  const { first, last, scrolled } = useWindow(box, rows.length);
  const at = useWalk(box, rows);
  const template = columns.map((column) => `${column.width}px`).join(' ');
  return (
    <section class="trials" aria-label="Trials">
      <Tools columns={columns} rows={rows} n={n} />
      <div class="table" role="table" aria-rowcount={rows.length + 1} aria-label="Trials" ref={box} tabIndex={0}
        style={{ height: height ? `${height}px` : undefined }} onScroll={scrolled}>
        <div role="rowgroup" class="head">
          <div role="row" class="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
            {columns.map((column) => <HeadCell key={column.key} column={column} />)}
          </div>
        </div>
        <div role="rowgroup" class="body" style={{ height: `${rows.length * ROW}px` }}>
          {Array.from(rows.subarray(first, last), (row, k) => (
            // By their place in the window: what scrolls by is another text, not another element.
            <Row key={(first + k) % (last - first)} row={row} place={first + k} columns={columns} template={template} chosen={first + k === at} />
          ))}
        </div>
        {held.n > 0 && n === 0 && (
          <p class="nothing-here">
            No trial passes the filter. <button onClick={() => choose('f', null)}>Clear the filter</button>
          </p>
        )}
      </div>
    </section>
  );
}

type Box = { current: HTMLDivElement | null };

/** Which rows are in sight, and some around them. */
function useWindow(box: Box, rows: number) {
  const [top, setTop] = useState(0);
  const [tall, setTall] = useState(600);
  useEffect(() => {
    const watcher = new ResizeObserver(() => box.current && setTall(box.current.clientHeight));
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, []);
  return {
    first: Math.max(0, Math.floor(top / ROW) - SPARE),
    last: Math.min(rows, Math.ceil((top + tall) / ROW) + SPARE),
    scrolled: (event: { currentTarget: HTMLDivElement }) => setTop(event.currentTarget.scrollTop),
  };
}

/** Has the keys walk through the rows. **Returns** the place of the selected trial, -1 where it is not among them. */
function useWalk(box: Box, rows: Uint32Array): number {
  const held = trials.value;
  const at = selected.value === null ? -1 : rows.indexOf(held.rowOf(selected.value));
  const walk = (by: number) => {
    if (!rows.length) return;
    const next = Math.min(rows.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by));
    select(held.number(rows[next]));
    const place = box.current!;
    if (next * ROW < place.scrollTop) place.scrollTop = next * ROW;
    else if ((next + 2) * ROW > place.scrollTop + place.clientHeight) place.scrollTop = (next + 2) * ROW - place.clientHeight;
  };
  useKeys({
    j: () => walk(1),
    k: () => walk(-1),
    Enter: () => selected.value !== null && goTo([`${openId.value}.${selected.value}`]),
  });
  return at;
}

interface ToolsProps {
  columns: Column[];
  rows: Uint32Array;
  /** How many trials pass the filter. */
  n: number;
}

/** How many of how many are shown, which columns, and the rows as CSV. */
function Tools({ columns, rows, n }: ToolsProps) {
  const held = trials.value;
  const csv = () => {
    const lines = [csvLine(columns.map((column) => column.title))];
    for (const row of rows) lines.push(csvLine(columns.map((column) => column.raw(row))));
    return lines.join('\n') + '\n';
  };
  return (
    <div class="table-tools">
      <span>
        {held.isPart ? `Reading ${count(held.total)} trials …` : <>Showing <b>{count(n)}</b> of {count(held.n)} trials</>}
      </span>
      <span class="spread" />
      <Chooser columns={columns} />
      <button class="quiet" onClick={() => copyText(csv(), `${count(rows.length)} rows copied`)}>Copy CSV</button>
      <button class="quiet" onClick={() => saveText(`experiment-${openId.value}.csv`, csv(), 'text/csv')}>Save CSV</button>
    </div>
  );
}

function HeadCell({ column }: { column: Column }) {
  const sorting = parseSorting(option('sort'));
  const mine = sorting.column === column.key;
  const sort = () => choose('sort', sortingText({ column: column.key, down: mine ? !sorting.down : column.downFirst }));
  return (
    <div role="columnheader" aria-sort={mine ? (sorting.down ? 'descending' : 'ascending') : 'none'} class={column.isNumber ? 'number' : ''}>
      <button onClick={sort} title={column.title}>
        {column.title}
        <span class="arrow" aria-hidden="true">{mine ? (sorting.down ? '▾' : '▴') : ''}</span>
      </button>
    </div>
  );
}

interface RowProps {
  row: number;
  place: number;
  columns: Column[];
  template: string;
  chosen: boolean;
}

function Row({ row, place, columns, template, chosen }: RowProps) {
  const held = trials.value;
  const number = held.number(row);
  const isBest = details.value?.best?.trial === number;
  return (
    <div role="row" aria-rowindex={place + 2} aria-selected={chosen} class={`row${chosen ? ' chosen' : ''}${isBest ? ' best' : ''}`}
      style={{ gridTemplateColumns: template, transform: `translateY(${place * ROW}px)` }} onClick={() => select(number)}>
      {columns.map((column) => (
        <div key={column.key} role="cell" class={column.isNumber ? 'number' : ''} title={String(column.raw(row) ?? '')}>
          {column.key === 'number' ? (
            <a href={hrefTo([`${openId.value}.${number}`])}>{number}{isBest ? ' ★' : ''}</a>
          ) : column.key === 'standing' ? (
            <span class={`standing ${standingClass(held.standing(row))}`}>{held.standing(row)}</span>
          ) : (
            show(column, row)
          )}
        </div>
      ))}
    </div>
  );
}

function show(column: Column, row: number): string {
  const cell = column.raw(row);
  if (cell === null || cell === undefined) return '–';
  if (column.unit === 'seconds') return duration(Number(cell));
  if (column.unit === 'moment') return moment(Number(cell));
  return short(cell);
}
