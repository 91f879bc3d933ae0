// A pen that writes SVG: the same drawing as on the screen, sharp at every size. Texts are escaped; nothing here is markup.

import type { Pen } from './pen';

// What XML has no place for, not even escaped: a file with one of them in a name could not be opened.
const NO_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const escape = (text: string) => text.replace(NO_XML, '\ufffd').replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
const n = (x: number) => String(Math.round(x * 100) / 100);

interface Style {
  fillStyle: string;
  strokeStyle: string;
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
  dash: number[];
  shift: string;
  depth: number;
}

export class SvgPen implements Pen {
  private out: string[] = [];
  private path = '';
  private clips = 0;
  private kept: Style[] = [];
  private style: Style = {
    fillStyle: '#000000', strokeStyle: '#000000', lineWidth: 1, globalAlpha: 1, font: '11px sans-serif',
    textAlign: 'left', textBaseline: 'alphabetic', dash: [], shift: '', depth: 0,
  };
  lineJoin: CanvasLineJoin = 'round';

  constructor(
    private readonly width: number,
    private readonly height: number,
    private readonly ruler: { font: string; measureText(text: string): { width: number } },
  ) {}

  get fillStyle() { return this.style.fillStyle; }
  set fillStyle(value: string | CanvasGradient | CanvasPattern) { this.style.fillStyle = String(value); }
  get strokeStyle() { return this.style.strokeStyle; }
  set strokeStyle(value: string | CanvasGradient | CanvasPattern) { this.style.strokeStyle = String(value); }
  get lineWidth() { return this.style.lineWidth; }
  set lineWidth(value: number) { this.style.lineWidth = value; }
  get globalAlpha() { return this.style.globalAlpha; }
  set globalAlpha(value: number) { this.style.globalAlpha = value; }
  get font() { return this.style.font; }
  set font(value: string) { this.style.font = value; }
  get textAlign() { return this.style.textAlign; }
  set textAlign(value: CanvasTextAlign) { this.style.textAlign = value; }
  get textBaseline() { return this.style.textBaseline; }
  set textBaseline(value: CanvasTextBaseline) { this.style.textBaseline = value; }

  setLineDash(dash: number[]) { this.style.dash = dash; }
  beginPath() { this.path = ''; }
  closePath() { this.path += 'Z'; }
  moveTo(x: number, y: number) { this.path += `M${n(x)} ${n(y)}`; }
  lineTo(x: number, y: number) { this.path += `${this.path ? 'L' : 'M'}${n(x)} ${n(y)}`; }

  rect(x: number, y: number, w: number, h: number) {
    this.path += `M${n(x)} ${n(y)}h${n(w)}v${n(h)}h${n(-w)}Z`;
  }

  arc(x: number, y: number, r: number, from: number, to: number) {
    const at = (angle: number) => `${n(x + r * Math.cos(angle))} ${n(y + r * Math.sin(angle))}`;
    const middle = (from + to) / 2;
    this.path += `${this.path ? 'L' : 'M'}${at(from)}A${n(r)} ${n(r)} 0 0 1 ${at(middle)}A${n(r)} ${n(r)} 0 0 1 ${at(to)}`;
  }

  stroke() {
    const { strokeStyle, lineWidth, dash } = this.style;
    const dashed = dash.length ? ` stroke-dasharray="${dash.join(' ')}"` : '';
    this.put(`<path d="${this.path}" fill="none" stroke="${escape(strokeStyle)}" stroke-width="${lineWidth}"${dashed}`);
  }

  fill() {
    this.put(`<path d="${this.path}" fill="${escape(this.style.fillStyle)}"`);
  }

  fillRect(x: number, y: number, w: number, h: number) {
    this.put(`<path d="M${n(x)} ${n(y)}h${n(w)}v${n(h)}h${n(-w)}Z" fill="${escape(this.style.fillStyle)}"`);
  }

  strokeRect(x: number, y: number, w: number, h: number) {
    const before = this.path;
    this.path = '';
    this.rect(x, y, w, h);
    this.stroke();
    this.path = before;
  }

  fillText(text: string, x: number, y: number) {
    const { textAlign, textBaseline, font, fillStyle } = this.style;
    const anchor = { left: 'start', start: 'start', right: 'end', end: 'end', center: 'middle' }[textAlign];
    const line = { middle: 'central', top: 'hanging', bottom: 'text-after-edge', hanging: 'hanging', alphabetic: 'auto', ideographic: 'auto' };
    this.put(
      `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}" dominant-baseline="${line[textBaseline]}" ` +
        `style="font:${escape(font)}" fill="${escape(fillStyle)}"`,
      `>${escape(text)}</text>`,
    );
  }

  measureText(text: string) {
    this.ruler.font = this.style.font;
    return this.ruler.measureText(text);
  }

  clip() {
    const name = `clip${this.clips++}`;
    this.out.push(`<clipPath id="${name}"><path d="${this.path}"/></clipPath><g clip-path="url(#${name})">`);
    this.style.depth++;
  }

  save() { this.kept.push({ ...this.style, depth: 0 }); this.style = { ...this.style, depth: 0 }; }

  restore() {
    this.out.push('</g>'.repeat(this.style.depth));
    const before = this.kept.pop();
    if (before) this.style = before;
  }

  translate(x: number, y: number) { this.style.shift += `translate(${n(x)} ${n(y)})`; }
  rotate(angle: number) { this.style.shift += `rotate(${n((angle * 180) / Math.PI)})`; }

  private put(start: string, end = '/>') {
    const { globalAlpha, shift } = this.style;
    const alpha = globalAlpha < 1 ? ` opacity="${n(globalAlpha)}"` : '';
    this.out.push(`${start}${alpha}${shift ? ` transform="${shift}"` : ''}${end}`);
  }

  text(): string {
    const size = `width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${this.out.join('\n')}</svg>\n`;
  }
}
