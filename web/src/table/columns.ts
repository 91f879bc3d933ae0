// Which columns the table has, and which of them are shown at first: the goals, the parameters that vary, and the rest of
// what one looks for. `cols` in the address lists the shown ones; without it the choice is made here.

import type { Trials } from '../data/trials';
import type { Cell, Details } from '../data/wire';

export interface Column {
  key: string; // also what the filter and the sorting call it
  title: string;
  width: number;
  isNumber: boolean;
  downFirst: boolean;
  unit?: 'seconds' | 'moment';
  raw(row: number): Cell;
}

const PLAIN: Array<[name: string, title: string, width: number, unit?: Column['unit']]> = [
  ['seconds', 'time', 92, 'seconds'],
  ['steps', 'steps', 70],
  ['stage', 'stage', 64],
  ['attempt', 'attempt', 74],
  ['worker', 'worker', 130],
  ['slot', 'slot', 60],
  ['created', 'created', 156, 'moment'],
  ['began', 'began', 156, 'moment'],
  ['ended', 'ended', 156, 'moment'],
  ['reason', 'reason', 320],
];
const SHOWN_AT_FIRST = new Set(['seconds', 'steps', 'reason']);

/** Every column there is, in the order of the table. */
export function allColumns(trials: Trials, details: Details | null): Column[] {
  const of = (key: string, title: string, width: number, unit?: Column['unit']): Column => {
    const column = trials.column(key);
    const isNumber = !trials.isText(key);
    return { key, title, width, isNumber, downFirst: unit !== undefined, unit, raw: (row) => column?.at(row) ?? null };
  };
  const goals = details?.goals.map((goal) => goal.metric) ?? [];
  const objectives = [...goals.filter((name) => trials.column(`objective:${name}`)), ...trials.names('objective').filter((name) => !goals.includes(name))];
  const wide = (name: string) => Math.min(190, Math.max(100, name.length * 8 + 30));
  return [
    { ...of('number', 'trial', 84), downFirst: true },
    { key: 'standing', title: 'state', width: 112, isNumber: false, downFirst: false, raw: (row) => trials.standing(row) },
    ...objectives.map((name) => ({ ...of(`objective:${name}`, name, wide(name)), downFirst: details?.goals.find((g) => g.metric === name)?.direction === 'maximize' })),
    ...trials.names('parameters').map((name) => of(`parameter:${name}`, name, wide(name))),
    ...trials.names('metrics').filter((name) => !objectives.includes(name)).map((name) => of(`metric:${name}`, name, wide(name))),
    ...PLAIN.filter(([name]) => trials.column(name)).map(([name, title, width, unit]) => of(name, title, width, unit)),
  ];
}

export function tableColumns(trials: Trials, details: Details | null, chosen: string | null): Column[] {
  const all = allColumns(trials, details);
  if (chosen !== null) {
    const wanted = chosen.split('\u001f');
    return all.filter((column) => column.key === 'number' || wanted.includes(column.key));
  }
  const varying = new Set(trials.varying().map((name) => `parameter:${name}`));
  return all.filter(({ key }) => {
    if (key.startsWith('parameter:')) return varying.has(key);
    return key === 'number' || key === 'standing' || /^(objective|metric):/.test(key) || SHOWN_AT_FIRST.has(key);
  });
}
