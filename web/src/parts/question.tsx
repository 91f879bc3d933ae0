// Asks before something that can't be undone. One question at a time; Escape means no.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

interface Asked {
  title: string;
  text: string;
  yes: string;
  answer: (yes: boolean) => void;
}

const asked = signal<Asked | null>(null);

export function ask(title: string, text: string, yes: string): Promise<boolean> {
  return new Promise((answer) => (asked.value = { title, text, yes, answer }));
}

export function Question() {
  const box = useRef<HTMLDialogElement>(null);
  const now = asked.value;
  useEffect(() => {
    if (now) box.current?.showModal();
    else box.current?.close();
  }, [now]);
  const settle = (yes: boolean) => {
    asked.value = null;
    now?.answer(yes);
  };
  return (
    <dialog ref={box} class="question" aria-labelledby="question-title" onCancel={() => settle(false)}>
      <h2 id="question-title">{now?.title}</h2>
      <p>{now?.text}</p>
      <div class="buttons">
        <button onClick={() => settle(false)}>No, leave it</button>
        <button class="danger" onClick={() => settle(true)}>{now?.yes}</button>
      </div>
    </dialog>
  );
}
