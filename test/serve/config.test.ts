import { expect, test } from 'vitest';
import { InvalidInput } from '../../src/kit/errors.ts';
import { marketsOf } from '../../src/market/collect/markets.ts';
import { venues } from '../../src/market/exchanges/catalogue.generated.ts';
import { loadDeskConfig, marketConfig } from '../../src/serve/config.ts';

const given = { config: new URL('../..', import.meta.url).pathname, env: {} };
const config = await loadDeskConfig(given);
const collected = (exchanges: readonly string[]) => marketConfig(config, { ...given, exchanges }).collect.exchanges;

test('all venues, a venue and one market of it can be asked for', () => {
  expect(collected(['all'])).toEqual(['all']);
  expect(marketsOf(venues, collected(['all'])).length).toBe(venues.flatMap((venue) => venue.markets).length);
  expect(
    marketsOf(venues, collected(['okx', 'binance_spot']))
      .map((m) => `${m.exchange} ${m.market}`)
      .sort(),
  ).toEqual(['binance spot', 'okx futures', 'okx spot']);
  // Options of a venue that has much else are asked for by their own name.
  expect(marketsOf(venues, collected(['okx_options'])).map((m) => m.market)).toEqual(['options']);
});

test('a name that no venue bears is refused with the nearest', () => {
  expect(() => collected(['binanse'])).toThrow(InvalidInput);
  expect(() => collected(['binanse'])).toThrow(/did you mean binance/);
});
