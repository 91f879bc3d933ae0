// Colours in logs: escape sequences become spans with a class, every other sequence is left out. Pure; text stays text.

export interface Piece {
  text: string;
  style: string; // names of classes
}

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
// CSI sequences, OSC sequences up to their end, and single escapes.
const SEQUENCE = /\x1b(?:\[([0-9;?]*)([A-Za-z])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;

/** A line that a carriage return wrote over, as a terminal leaves it. */
export function overwritten(line: string): string {
  const parts = line.replace(/\r+$/, '').split('\r');
  return parts[parts.length - 1];
}

export function pieces(line: string): Piece[] {
  const made: Piece[] = [];
  let [style, from] = ['', 0];
  for (const found of line.matchAll(SEQUENCE)) {
    if (found.index > from) made.push({ text: line.slice(from, found.index), style });
    from = found.index + found[0].length;
    if (found[2] === 'm') style = restyled(style, found[1]);
  }
  if (from < line.length) made.push({ text: line.slice(from), style });
  return made;
}

function restyled(style: string, codes: string): string {
  let names = style.split(' ').filter(Boolean);
  for (const code of (codes || '0').split(';').map(Number)) {
    if (code === 0) names = [];
    else if (code === 1) names = [...names, 'a-bold'];
    else if (code === 22) names = names.filter((name) => name !== 'a-bold');
    else if (code === 39) names = names.filter((name) => name === 'a-bold');
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) names = [...names.filter((name) => name === 'a-bold'), `a-${COLOURS[code % 10]}`];
  }
  return [...new Set(names)].join(' ');
}
