import { defineTable } from './contract.ts';

/** Options as their venue values them: greeks, implied volatilities, underlying. */
export default defineTable({
  stream: 'option_summaries',
  comment: 'Greeks, implied volatilities (percent a year), mark and underlying of an option; sizes in base units',
  identity: 'content',
  codes: { option_type: ['call', 'put'] },
});
