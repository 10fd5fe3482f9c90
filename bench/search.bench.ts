import { tools } from '../src/market/tools/catalogue.generated.ts';
import { toolRow } from '../src/serve/listing.ts';
import { createToolSearch } from '../src/serve/tool-search.ts';

const ROUNDS = 20;
/** What people ask for; words, typing errors, a venue's name, nothing that fits. */
const QUERIES = [
  'order book of bitcoin on bybit',
  'funding rate history',
  'which exchange is cheapest to buy right now',
  'open interest of all perpetuals',
  'reconect exchnage',
  'option implied volatility and greeks on deribit',
  'missing data gaps in the last day',
  'export a table to csv',
  'liquidations',
  'zzzzqqqq',
];

/** Making the search of all tools, its first questions, and the same once warm: ms by the clock. Goal: 5 ms. */
export function run(): Promise<void> {
  const rows = tools.map(toolRow);
  const made = performance.now();
  const search = createToolSearch(rows);
  const first = performance.now();
  const ask = (): number[] =>
    QUERIES.map((query) => {
      const begun = performance.now();
      search.find(query, 5);
      return performance.now() - begun;
    });
  const cold = ask();
  const warm = Array.from({ length: ROUNDS }, ask).flat();
  process.stdout.write(
    `${tools.length} tools: index made in ${(first - made).toFixed(1)} ms; first ${QUERIES.length} questions ${figures(cold)}; ${warm.length} more ${figures(warm)}\n`,
  );
  return Promise.resolve();
}

function figures(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(2);
  return `${at(0.5)} ms (median), ${at(0.99)} ms (worst of a hundred)`;
}
