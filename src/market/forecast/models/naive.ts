import { defineModel } from '../contract.ts';

export default defineModel({
  name: 'naive',
  title: 'Last value',
  description: 'The last value, at every lead time. Best possible of a random walk; what others are measured against.',
  least: 1,
  forecast: (values, horizon) => new Float64Array(horizon).fill(values.at(-1) ?? NaN),
});
