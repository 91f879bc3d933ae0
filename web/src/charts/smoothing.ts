// An exponential moving average without the pull towards its first value (the weights are divided by their sum). Pure.

export function smoothed(values: Float64Array, weight: number): Float64Array {
  if (!(weight > 0)) return values;
  const made = new Float64Array(values.length);
  let [sum, weights] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    // A NaN is shown where it was and forgotten after it.
    if (Number.isFinite(value)) {
      sum = weight * sum + (1 - weight) * value;
      weights = weight * weights + (1 - weight);
    }
    made[i] = Number.isFinite(value) && weights > 0 ? sum / weights : value;
  }
  return made;
}

/** The place in ascending `xs` whose value is nearest to `x`. */
export function nearestIndex(xs: Float64Array, x: number): number {
  let [low, high] = [0, xs.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle;
    else high = middle;
  }
  return Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? low : high;
}
