// Which columns the table shows. At first: what varies; here a person adds the rest or takes some away.

import { details, trials } from '../data/opened';
import { choose } from '../state/route';
import { allColumns, type Column } from './columns';

export function Chooser({ columns }: { columns: Column[] }) {
  const all = allColumns(trials.value, details.value);
  const shown = new Set(columns.map((column) => column.key));
  const toggle = (key: string) => {
    const next = all.filter((column) => (column.key === key ? !shown.has(key) : shown.has(column.key)));
    choose('cols', next.map((column) => column.key).join('\u001f'));
  };
  return (
    <details class="menu" onKeyDown={(event) => event.key === 'Escape' && (event.currentTarget.open = false)}>
      <summary>Columns ({columns.length} of {all.length})</summary>
      <div class="choices tall">
        <button onClick={() => choose('cols', null)}>Only what varies</button>
        <button onClick={() => choose('cols', all.map((column) => column.key).join('\u001f'))}>All</button>
        {all.filter((column) => column.key !== 'number').map((column) => (
          <label key={column.key}>
            <input type="checkbox" checked={shown.has(column.key)} onChange={() => toggle(column.key)} /> {column.title}
          </label>
        ))}
      </div>
    </details>
  );
}
