// What the keys do and what the filter understands.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export const helpOpen = signal(false);

const KEYS: Array<[string, string]> = [
  ['/', 'go to the filter'],
  ['j  k', 'next or previous trial of the table'],
  ['Enter', 'open the chosen trial'],
  ['u', 'up: from a trial to its experiment, then to the list'],
  ['l', 'the list of experiments'],
  ['1 … 9', 'the tabs of an experiment'],
  ['t', 'light or dark'],
  ['p', 'follow or hold a log'],
  ['?', 'this help'],
];
const IN_CHARTS: Array<[string, string]> = [
  ['drag', 'select: the filter, the table and all charts follow'],
  ['Shift + drag', 'move the view'],
  ['Ctrl + wheel', 'zoom'],
  ['double click', 'show all again'],
  ['+  −  0  arrows', 'the same with keys, once the chart has the focus'],
];
const FILTER: Array<[string, string]> = [
  ['lr:1e-4..1e-2', 'a range; either end may be left out'],
  ['loss:<0.3', 'less; also <= > >= ='],
  ['optimizer:adam,sgd', 'one of these'],
  ['state:failed', 'a state or an outcome'],
  ['trial:1,5,9', 'these trials'],
  ['reason:/memory/', 'a pattern'],
  ['-state:failed', 'not'],
  ['metric:loss', 'which one, where a metric and a parameter have the same name'],
];

export function Help() {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (helpOpen.value) box.current?.showModal();
    else box.current?.close();
  }, [helpOpen.value]);
  return (
    <dialog ref={box} aria-label="Help" onClose={() => (helpOpen.value = false)}>
      <div class="dialog-head">
        <h2>Help</h2>
        <button class="quiet" aria-label="Close the help" onClick={() => (helpOpen.value = false)}>×</button>
      </div>
      <div class="help">
        {([['Keys', KEYS], ['In a chart', IN_CHARTS], ['The filter', FILTER]] as const).map(([title, rows]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {rows.map(([key, what]) => (
                <div key={key}>
                  <dt><kbd>{key}</kbd></dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}
