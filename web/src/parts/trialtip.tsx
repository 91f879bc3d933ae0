// What the tip says about a trial: number, standing, its value, and the parameters that vary.

import { metric, trials } from '../data/opened';
import { short } from '../text';
import { standingClass } from '../charts/standing';

const MOST = 8;

export function TrialTip({ row, extra }: { row: number; extra?: string }) {
  const held = trials.value;
  const standing = held.standing(row);
  const names = held.varying();
  const value = held.cell(`objective:${metric.value}`, row);
  const reason = held.cell('reason', row);
  return (
    <>
      <b>Trial {held.number(row)}</b> <span class={standingClass(standing)}>{standing}</span>
      <div>
        {metric.value} <b>{short(value)}</b>
        {extra && <span> · {extra}</span>}
      </div>
      <dl>
        {names.slice(0, MOST).map((name) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{short(held.cell(`parameter:${name}`, row))}</dd>
          </div>
        ))}
      </dl>
      {names.length > MOST && <div class="soft">and {names.length - MOST} more parameters</div>}
      {reason ? <div class="soft">{String(reason).slice(0, 160)}</div> : null}
    </>
  );
}
