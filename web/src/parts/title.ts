// The title and the icon of the tab show how far a search is, for those who look at another tab.

import { useEffect } from 'preact/hooks';

const SIZE = 32;
const REST_MS = 1000;
let canvas: HTMLCanvasElement | null = null;

export function useTitle(text: string, share: number | null, colour = '#2f5fd0'): void {
  const step = share === null ? null : Math.round(share * 40);
  useEffect(() => entitle(text), [text]);
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    if (icon) icon.href = draw(step === null ? null : step / 40, colour);
  }, [step, colour]);
}

let wanted = '';
let timer = 0;
let entitledAt = -REST_MS;

/** The browser draws its tabs anew for each title: one a second is enough. */
function entitle(text: string): void {
  wanted = text;
  timer ||= window.setTimeout(() => {
    timer = 0;
    entitledAt = performance.now();
    document.title = wanted;
  }, Math.max(0, entitledAt + REST_MS - performance.now()));
}

function draw(share: number | null, colour: string): string {
  canvas ??= document.createElement('canvas');
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext('2d')!;
  pen.lineWidth = 6;
  pen.strokeStyle = '#9aa5b5';
  pen.beginPath();
  pen.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 4, 0, Math.PI * 2);
  pen.stroke();
  pen.strokeStyle = colour;
  pen.beginPath();
  pen.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 4, -Math.PI / 2, -Math.PI / 2 + Math.PI * 2 * (share ?? 1));
  pen.stroke();
  return canvas.toDataURL();
}
