// Keys: views register what they answer to; the newest view that knows a key gets it. Typing in a field is never a command.

import { useLayoutEffect, useRef } from 'preact/hooks';

type Keys = Record<string, () => void>;
const layers: Array<{ current: Keys }> = [];

export function useKeys(keys: Keys): void {
  const mine = useRef(keys);
  mine.current = keys;
  // Before it is drawn: who sees a view may use its keys.
  useLayoutEffect(() => {
    layers.push(mine);
    return () => {
      layers.splice(layers.indexOf(mine), 1);
    };
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable);
}

export function startKeys(): void {
  window.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    // Enter and Space on a button or a link are its own.
    if (/^(BUTTON|A|SUMMARY)$/.test((event.target as HTMLElement).tagName) && (event.key === 'Enter' || event.key === ' ')) return;
    for (const layer of [...layers].reverse()) {
      const act = layer.current[event.key];
      if (act) {
        event.preventDefault();
        act();
        return;
      }
    }
  });
}
