// Whether an element is in sight, or nearly: what is not need not be drawn anew while a search moves.

import { useLayoutEffect, useState } from 'preact/hooks';

const NEARLY = 250; // pixels: what one scrolls to has been drawn by then

export function useSight(element: { current: HTMLElement | null }): boolean {
  const [isSeen, setSeen] = useState(true);
  useLayoutEffect(() => {
    const { top, bottom } = element.current!.getBoundingClientRect();
    setSeen(top < window.innerHeight + NEARLY && bottom > -NEARLY);
    const watcher = new IntersectionObserver((found) => setSeen(found[found.length - 1].isIntersecting), { rootMargin: `${NEARLY}px` });
    watcher.observe(element.current!);
    return () => watcher.disconnect();
  }, []);
  return isSeen;
}
