import type { Budget } from '../../../src/crew/spend/budget.ts';

/** A budget of nothing, per run, that stops; what is given changes it. */
export const budget = (given: Partial<Budget>): Budget => ({
  name: 'b',
  per: 'run',
  crew: null,
  agent: null,
  model: null,
  usd: null,
  tokens: null,
  calls: null,
  then: 'stop',
  ...given,
});
