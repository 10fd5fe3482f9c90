import { defineModel } from '../contract.ts';

export default defineModel({
  name: 'drift',
  title: 'Random walk with drift',
  description: 'The last value and the mean step since the first one: y + h (y − y₁) ÷ (n − 1).',
  least: 2,
  forecast: (values, horizon) => {
    const last = values.at(-1) ?? NaN;
    const step = (last - (values[0] ?? NaN)) / (values.length - 1);
    return Float64Array.from({ length: horizon }, (_, i) => last + (i + 1) * step);
  },
});
