// The best so far as a small line, for the list.

import { toNumber, type Cell } from '../data/wire';

const WIDTH = 120;
const HEIGHT = 30;

export function Spark({ values }: { values: Cell[] | undefined }) {
  const y = (values ?? []).map(toNumber).filter(Number.isFinite);
  return (
    <div class="spark" aria-hidden="true">
      {y.length > 1 && (
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT}>
          <path d={stairs(y)} fill="none" stroke="currentColor" stroke-width="1.6" />
        </svg>
      )}
    </div>
  );
}

function stairs(y: number[]): string {
  const [low, high] = [Math.min(...y), Math.max(...y)];
  const px = (k: number) => (2 + (k / (y.length - 1)) * (WIDTH - 4)).toFixed(1);
  const py = (value: number) => (HEIGHT - 4 - ((value - low) / (high - low || 1)) * (HEIGHT - 8)).toFixed(1);
  return y.map((value, k) => (k ? `H${px(k)}V${py(value)}` : `M${px(0)} ${py(value)}`)).join('');
}
