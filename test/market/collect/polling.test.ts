import { expect, test } from 'vitest';
import { pollCall, usualPollMs } from '../../../src/market/collect/polling.ts';
import { marketKey, STREAMS } from '../../../src/market/domain/records.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';

const markets = venues.flatMap((venue) => venue.markets);

test.each(markets.map((m) => [marketKey(m.exchange, m.market), m] as const))(
  '%s: what is polled comes often enough to stay fresh, even when asked half as often',
  (_, market) => {
    for (const stream of STREAMS) {
      const bound = market.streams[stream]?.staleAfterMs ?? null;
      const call = market.streams[stream] === undefined ? undefined : pollCall(market, stream);
      if (call === undefined || bound === null) continue;
      expect([stream, 2 * usualPollMs(market, call) < bound]).toEqual([stream, true]);
    }
  },
);

test('Binance futures: the mark is asked for every 5 s, since 15 s of silence are too long', () => {
  const futures = markets.find((m) => marketKey(m.exchange, m.market) === 'binance_futures');
  if (futures === undefined) throw new Error('no such market');
  expect(usualPollMs(futures, 'mark_prices')).toBe(5000);
  expect(usualPollMs(futures, 'open_interest')).toBe(10_000);
});
