// Light or dark: as the system says, until a person says otherwise. Charts read their colours here, once a change.

import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

export interface Look {
  paper: string;
  raised: string;
  ink: string;
  soft: string;
  grid: string;
  result: string;
  best: string;
  failed: string;
  stopped: string;
  faint: string;
  ramp: string[]; // from worse to better
  font: string;
}

const KEPT = 'luthier-theme';

function remembered(): Theme {
  try {
    return (localStorage.getItem(KEPT) as Theme | null) ?? 'auto';
  } catch {
    return 'auto'; // A file from disk, or a browser that keeps nothing.
  }
}

export const theme = signal<Theme>(remembered());
export const look = signal<Look>(readLook());

/** Reads the colours of the style sheet, so that charts and page have one source. Which of two a variable means now is only
    known where it is used, so each is given to an element and read from there. */
function readLook(): Look {
  const root = document.documentElement;
  const style = getComputedStyle(root);
  const probe = root.appendChild(document.createElement('i'));
  probe.hidden = true;
  const colour = (name: string) => {
    probe.style.color = `var(--${name}, #888888)`;
    return getComputedStyle(probe).color;
  };
  const found = {
    paper: colour('paper'),
    raised: colour('raised'),
    ink: colour('ink'),
    soft: colour('soft'),
    grid: colour('grid'),
    result: colour('result'),
    best: colour('best'),
    failed: colour('failed'),
    stopped: colour('stopped'),
    faint: colour('faint'),
    ramp: Array.from({ length: 10 }, (_none, k) => colour(`r${k}`)),
    font: style.getPropertyValue('--font').trim() || 'system-ui, sans-serif',
  };
  probe.remove();
  return found;
}

export function startTheme(): void {
  effect(() => {
    const wanted = theme.value;
    if (wanted === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = wanted;
    try {
      localStorage.setItem(KEPT, wanted);
    } catch {
      // Then it lasts as long as the page.
    }
    look.value = readLook();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => (look.value = readLook()));
}

export function nextTheme(): void {
  theme.value = theme.value === 'auto' ? (isDark() ? 'light' : 'dark') : theme.value === 'dark' ? 'light' : 'dark';
}

export function isDark(): boolean {
  look.value; // is read anew when the system changes its mind: then whoever asked here asks again
  if (theme.value !== 'auto') return theme.value === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}
