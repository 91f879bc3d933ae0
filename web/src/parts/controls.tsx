// Small controls that many views use: a toggle, a choice, a copy button, a skeleton, an error that helps.

import type { ComponentChildren } from 'preact';
import { copyText } from './saving';

export function Toggle({ label, on, set }: { label: string; on: boolean; set: (on: boolean) => void }) {
  return (
    <button class={`toggle${on ? ' on' : ''}`} aria-pressed={on} onClick={() => set(!on)}>
      {label}
    </button>
  );
}

interface PickProps {
  label: string;
  value: string;
  options: Array<string | [value: string, text: string]>;
  set: (value: string) => void;
}

export function Pick({ label, value, options, set }: PickProps) {
  return (
    <label class="pick">
      <span>{label}</span>
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        {options.map((one) => {
          const [key, text] = typeof one === 'string' ? [one, one] : one;
          return (
            <option key={key} value={key} selected={key === value}>
              {text}
            </option>
          );
        })}
      </select>
    </label>
  );
}

export function Command({ text, label = 'Copy the command' }: { text: string; label?: string }) {
  return (
    <div class="command">
      <code tabIndex={0} aria-label={text}>{text}</code>
      <button class="quiet" aria-label={label} title={label} onClick={() => copyText(text, 'Command copied')}>
        Copy
      </button>
    </div>
  );
}

export function Skeleton({ height = 200, label = 'Loading' }: { height?: number; label?: string }) {
  return <div class="skeleton" role="status" aria-label={label} style={{ height: `${height}px` }} />;
}

export function Trouble({ error, retry }: { error: Error; retry?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <p>{error.message}</p>
      {retry && <button onClick={retry}>Try again</button>}
    </div>
  );
}

export function Nothing({ children }: { children: ComponentChildren }) {
  return <div class="nothing-here">{children}</div>;
}
