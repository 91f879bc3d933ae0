// How much each parameter matters, alone and together with others, with what the data leave open.

import { useMemo } from 'preact/hooks';
import { metric, openId, version } from '../data/opened';
import { useAsked } from '../data/asked';
import { toNumber, type Importance } from '../data/wire';
import { choose } from '../state/route';
import type { Look } from '../state/theme';
import { csvLine } from '../text';
import { Nothing, Skeleton, Trouble } from '../parts/controls';
import { Figure } from './figure';
import { fitted, type Pen } from './pen';

const ROW = 30;

export function ImportanceChart() {
  const { value, error } = useAsked<Importance>(`api/experiments/${openId.value}/importance?metric=${encodeURIComponent(metric.value)}`, version.value, 5000);
  const rows = useMemo(
    () => (value?.rows ?? []).map((row) => ({ name: row.name, alone: toNumber(row.alone), total: toNumber(row.total), low: toNumber(row.low), high: toNumber(row.high), clear: row.clear !== false })),
    [value],
  );
  const paint = useMemo(() => (pen: Pen, width: number, _height: number, look: Look) => paintShares(pen, width, look, rows), [rows]);
  if (error && !value) return <Trouble error={error} />;
  if (!value) return <Skeleton height={180} label="Loading the importance" />;
  if (!rows.length) return <Nothing>{value.note ?? 'Importance needs a few finished trials more.'}</Nothing>;
  const told = rows.map((row) => `${row.name} ${percent(row.total)}`).join(', ');
  return (
    <Figure title="Importance" height={rows.length * ROW + 8} paint={paint} summary={`Share of the variation of ${metric.value}: ${told}.`}
      csv={() => [csvLine(['parameter', 'alone', 'total', 'low', 'high']), ...rows.map((row) => csvLine([row.name, row.alone, row.total, row.low, row.high]))].join('\n')}
      events={{ onClick: ((event: MouseEvent) => {
        const row = rows[Math.floor((event.offsetY - 4) / ROW)];
        if (row) choose('p', row.name);
      }) as never }}
      foot={<span class="soft">{value.note ? `${value.note[0].toUpperCase()}${value.note.slice(1).replace(/[.\s]*$/, '')}. ` : ''}Strong: by itself. Light: together with others. The line is what the data leave open; pale bars are not clear from nothing.</span>} />
  );
}

const percent = (share: number) => (Number.isNaN(share) ? '–' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`);

interface Share {
  name: string;
  alone: number;
  total: number;
  low: number;
  high: number;
  clear: boolean;
}

function paintShares(pen: Pen, width: number, look: Look, rows: Share[]): void {
  const left = Math.min(220, width * 0.32);
  const room = width - left - 70;
  const most = Math.max(0.01, ...rows.flatMap((row) => [row.total, row.alone, row.high]).filter(Number.isFinite));
  const at = (share: number) => left + (Math.max(0, share) / most) * room;
  pen.font = `12px ${look.font}`;
  pen.textBaseline = 'middle';
  rows.forEach((row, k) => {
    const y = 4 + k * ROW + ROW / 2;
    pen.textAlign = 'right';
    pen.fillStyle = row.clear ? look.ink : look.soft;
    pen.fillText(fitted(pen, row.name, left - 14), left - 10, y);
    const total = Number.isNaN(row.total) ? row.alone : row.total;
    pen.fillStyle = look.result;
    pen.globalAlpha = row.clear ? 0.32 : 0.14;
    pen.fillRect(left, y - 8, at(total) - left, 16);
    pen.globalAlpha = row.clear ? 0.9 : 0.35;
    if (!Number.isNaN(row.alone)) pen.fillRect(left, y - 8, at(Math.min(row.alone, total)) - left, 16);
    pen.globalAlpha = 1;
    if (Number.isFinite(row.low) && Number.isFinite(row.high)) paintDoubt(pen, look, at(row.low), at(row.high), y);
    pen.textAlign = 'left';
    pen.fillStyle = look.ink;
    pen.fillText(percent(total), Math.max(at(total), Number.isFinite(row.high) ? at(row.high) : 0) + 8, y);
  });
}

function paintDoubt(pen: Pen, look: Look, x0: number, x1: number, y: number): void {
  pen.strokeStyle = look.ink;
  pen.lineWidth = 1.4;
  pen.beginPath();
  pen.moveTo(x0, y);
  pen.lineTo(x1, y);
  for (const x of [x0, x1]) {
    pen.moveTo(x, y - 4);
    pen.lineTo(x, y + 4);
  }
  pen.stroke();
}
