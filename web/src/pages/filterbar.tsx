// The one filter, as text and as chips. A brush in any chart writes here, and all charts and the table follow.

import { useEffect, useState } from 'preact/hooks';
import { clauses, filterError, matched, selected, select, trials } from '../data/opened';
import { choose, option } from '../state/route';
import { clauseText, filterText } from '../state/clauses';
import { count } from '../text';
import { MetricPick } from './experiment';

export function FilterBar() {
  const said = option('f') ?? '';
  const [text, setText] = useState(said);
  // What a brush wrote replaces what stands in the field; what is being typed stays as it is typed.
  useEffect(() => {
    if (text.trim() !== said.trim()) setText(said);
  }, [said]);
  const all = clauses.value;
  const { n } = matched.value;
  return (
    <div class="filter" role="search">
      <input type="search" value={text} placeholder="Filter: lr:1e-4..1e-2 state:failed optimizer:adam loss:<0.3" aria-label="Filter the trials"
        aria-invalid={filterError.value !== null} spellcheck={false} autocomplete="off"
        onInput={(event) => {
          setText(event.currentTarget.value);
          choose('f', event.currentTarget.value.trim());
        }}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()} />
      <MetricPick />
      {filterError.value ? (
        <span class="bad" role="alert">{filterError.value}</span>
      ) : (
        all.length > 0 && <span class="soft">{count(n)} of {count(trials.value.n)} trials</span>
      )}
      <Chips />
    </div>
  );
}

function Chips() {
  const all = clauses.value;
  const drop = (at: number) => choose('f', filterText(all.filter((_clause, k) => k !== at)));
  return (
    <span class="chips">
      {all.map((clause, at) => (
        <button key={clauseText(clause)} class="chip" onClick={() => drop(at)} aria-label={`Forget ${clauseText(clause)}`}>
          {clauseText(clause)} <span aria-hidden="true">×</span>
        </button>
      ))}
      {selected.value !== null && (
        <button class="chip chosen" onClick={() => select(null)} aria-label={`Let go of trial ${selected.value}`}>
          trial {selected.value} <span aria-hidden="true">×</span>
        </button>
      )}
      {all.length > 1 && <button class="quiet" onClick={() => choose('f', null)}>Clear all</button>}
    </span>
  );
}
