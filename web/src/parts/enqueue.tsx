// A form for a configuration of one's own, filled in from the chosen trial, else the best one.

import { useEffect, useRef, useState } from 'preact/hooks';
import { selected, trials } from '../data/opened';
import type { Cell, Details, ParameterInfo } from '../data/wire';
import { short } from '../text';
import { steer } from './steering';

function startingFrom(about: Details): Record<string, string> {
  const number = selected.peek() ?? about.best?.trial ?? null;
  const row = number === null ? -1 : trials.peek().rowOf(number);
  return Object.fromEntries(about.description.space.map((one) => {
    const cell: Cell = row >= 0 ? trials.peek().cell(`parameter:${one.name}`, row) : null;
    return [one.name, cell === null ? '' : String(cell)];
  }));
}

export function EnqueueDialog({ about, close }: { about: Details; close: () => void }) {
  const box = useRef<HTMLDialogElement>(null);
  const [values, setValues] = useState(() => startingFrom(about));
  useEffect(() => box.current?.showModal(), []);
  const send = async (event: Event) => {
    event.preventDefault();
    // What is left empty is left out: the server draws it or knows that it is not active.
    const configuration = Object.fromEntries(Object.entries(values).filter(([, text]) => text !== ''));
    if (await steer({ verb: 'enqueue', id: about.id, configuration })) close();
  };
  const set = (name: string, text: string) => setValues({ ...values, [name]: text });
  return (
    <dialog ref={box} aria-labelledby="enqueue-title" onClose={close}>
      <form onSubmit={send}>
        <h2 id="enqueue-title">Enqueue a configuration</h2>
        <p class="soft">It is tried before the search proposes another.</p>
        <div class="fields">
          {about.description.space.filter((one) => one.kind !== 'constant').map((one) => (
            <label key={one.name}>
              <span>{one.name} <span class="soft">{hint(one)}</span></span>
              {one.choices ? (
                <select value={values[one.name]} onChange={(event) => set(one.name, event.currentTarget.value)}>
                  <option value="">–</option>
                  {one.choices.map((choice) => <option key={choice} value={choice} selected={choice === values[one.name]}>{choice}</option>)}
                </select>
              ) : (
                <input value={values[one.name]} inputMode="decimal" onInput={(event) => set(one.name, event.currentTarget.value)} />
              )}
            </label>
          ))}
        </div>
        <div class="buttons">
          <button type="button" onClick={close}>Leave it</button>
          <button class="primary">Enqueue</button>
        </div>
      </form>
    </dialog>
  );
}

function hint(one: ParameterInfo): string {
  const range = one.low === null ? '' : `${short(one.low)} … ${short(one.high)}`;
  return [range, one.scale === 'log' ? 'log' : '', one.when ? `when ${one.when}` : ''].filter(Boolean).join(', ');
}
