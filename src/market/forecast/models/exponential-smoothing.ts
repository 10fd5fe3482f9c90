import { defineModel } from '../contract.ts';
import { smooth } from '../smoothing.ts';

export default defineModel({
  name: 'exponential_smoothing',
  title: 'Simple exponential smoothing',
  description:
    'The level smoothed with the weight and first level of least squared one-step errors, at every lead time.',
  least: 3,
  forecast: (values, horizon) => new Float64Array(horizon).fill(smooth(values).level),
});
