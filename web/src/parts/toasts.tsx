// Short messages at the bottom, with an undo where there is one. They are read out, and go by themselves.

import { signal } from '@preact/signals';

interface Toast {
  key: number;
  text: string;
  kind: 'good' | 'bad';
  undo?: () => void;
}

const toasts = signal<Toast[]>([]);
let next = 0;

export function say(text: string, kind: Toast['kind'] = 'good', undo?: () => void): void {
  const key = next++;
  toasts.value = [...toasts.value.slice(-2), { key, text, kind, undo }];
  setTimeout(() => drop(key), undo ? 15_000 : kind === 'bad' ? 10_000 : 4_000);
}

function drop(key: number): void {
  toasts.value = toasts.value.filter((toast) => toast.key !== key);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.key} class={`toast ${toast.kind}`}>
          <span>{toast.text}</span>
          {toast.undo && (
            <button onClick={() => (drop(toast.key), toast.undo!())}>Undo</button>
          )}
          <button class="quiet" aria-label="Close this message" onClick={() => drop(toast.key)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
