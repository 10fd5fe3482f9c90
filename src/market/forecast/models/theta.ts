import { defineModel } from '../contract.ts';
import { smooth } from '../smoothing.ts';

export default defineModel({
  name: 'theta',
  title: 'Theta',
  description:
    'Mean of the trend line and of the smoothed line of twice the curvature (Assimakopoulos & Nikolopoulos 2000), as simple exponential smoothing with half the slope of the trend line as drift (Hyndman & Billah 2003). Without seasons.',
  least: 4,
  forecast: (values, horizon) => {
    const { alpha, level } = smooth(values);
    const drift = slopeOf(values) / 2;
    const lag = (1 - (1 - alpha) ** values.length) / alpha;
    return Float64Array.from({ length: horizon }, (_, i) => level + drift * (i + lag));
  },
});

/** Slope of the least-squares line over 0, 1, 2, … */
function slopeOf(values: Float64Array): number {
  const n = values.length;
  const middle = (n - 1) / 2;
  const origin = values[0] ?? NaN;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (i - middle) * ((values[i] ?? NaN) - origin);
  return (12 * sum) / (n * (n * n - 1));
}
