import { describe, expect, it } from 'vitest';
import type { Instrument } from '../../../src/market/domain/instrument.ts';
import { MARKETS, STREAMS, type MarketRecord } from '../../../src/market/domain/records.ts';
import { REST_CALLS } from '../../../src/market/domain/tape.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import type { VenueMarket } from '../../../src/market/exchanges/contract.ts';

/** What every venue market must keep, whatever its wire. */
const MARKETS_OF_ALL = venues.flatMap((venue) =>
  venue.markets.map((market) => ({ name: `${market.exchange} ${market.market}`, venue, market })),
);

function instrument(market: VenueMarket, symbol: string): Instrument {
  return {
    exchange: market.exchange,
    market: market.market,
    symbol,
    venue_symbol: symbol,
    base: symbol.slice(0, -4),
    quote: 'USDT',
    kind: market.market === 'spot' ? 'spot' : 'perpetual',
    status: 'trading',
    tick_size: 0.1,
    lot_size: 0.001,
    contract_size: 1,
    inverse: false,
    funding_interval_hours: market.market === 'spot' ? null : 8,
  };
}

describe.each(MARKETS_OF_ALL)('$name', ({ venue, market }) => {
  const many = Array.from({ length: 300 }, (_, i) => instrument(market, `COIN${i}USDT`));

  it('is frozen, named and complete', () => {
    expect(Object.isFrozen(venue) && Object.isFrozen(market)).toBe(true);
    expect(venue.name).toBe(market.exchange);
    expect(MARKETS).toContain(market.market);
    const offered = Object.keys(market.streams);
    for (const stream of offered) expect(STREAMS).toContain(stream);
    const spot = ['prices', 'orderbooks', 'trades', 'ticker_24h', 'candles'];
    if (['binance', 'bybit'].includes(venue.name)) {
      expect(offered.sort()).toEqual(
        [...(market.market === 'spot' ? spot : STREAMS.filter((stream) => stream !== 'option_summaries'))].sort(),
      );
    }
  });

  it('plans every series that it offers by WebSocket exactly once, within its limits', () => {
    const plans = market.plan(many, STREAMS);
    const series = plans.flatMap((plan) => plan.series.map(({ symbol, stream }) => `${symbol} ${stream}`));
    const offered = STREAMS.filter((stream) => market.streams[stream]?.via === 'websocket');
    const wanted = many.flatMap(({ symbol }) => offered.map((stream) => `${symbol} ${stream}`));
    expect(series.sort()).toEqual(wanted.sort());
    for (const plan of plans) {
      expect(market.addresses[plan.address]).toMatch(/^wss:/);
      const inPath = plan.path === '' ? 0 : (plan.path.split('streams=')[1]?.split('/').length ?? 0);
      const frames = plan.subscribe.map((text): { op: string; args: string[] } => JSON.parse(text));
      for (const { op, args } of frames) {
        expect(op).toBe('subscribe');
        expect(args.length).toBeLessThanOrEqual(market.limits.argsPerSubscribe);
      }
      const carried = inPath + frames.reduce((sum, { args }) => sum + args.length, 0);
      expect(carried).toBeGreaterThan(0);
      expect(carried).toBeLessThanOrEqual(market.limits.streamsPerConnection);
      expect(plan.path.length).toBeLessThan(8000);
      expect(frames.flatMap(({ args }) => args).join('","').length).toBeLessThan(21_000);
    }
  });

  it('plans nothing for nothing, and for one stream only that', () => {
    expect(market.plan([], STREAMS)).toEqual([]);
    expect(market.plan(many, [])).toEqual([]);
    const [plan, ...more] = market.plan([instrument(market, 'BTCUSDT')], ['trades']);
    expect(more).toEqual([]);
    expect(plan?.series).toEqual([{ symbol: 'BTCUSDT', stream: 'trades' }]);
  });

  it('has a REST call for each history, poll and book snapshot that it promises', () => {
    for (const stream of STREAMS) {
      const support = market.streams[stream];
      if (support?.history !== undefined) {
        const call = market.rest[support.history.call];
        expect(call, stream).toBeDefined();
        expect(call?.nextPage !== undefined, stream).toBe(support.history.paged);
      }
      if (support?.via === 'rest') {
        expect(support.pollMs).toBeGreaterThan(0);
        expect(market.rest.open_interest).toBeDefined();
      }
    }
    expect(market.rest.book_snapshot && market.rest.instruments && market.rest.server_time).toBeDefined();
    for (const name of Object.keys(market.rest)) expect(REST_CALLS).toContain(name);
  });

  it('asks over REST with a weight, a known address and half-open bounds made inclusive', () => {
    const btc = instrument(market, 'BTCUSDT');
    const args = { symbol: 'BTCUSDT', from: 1_780_000_000_000, to: 1_780_000_060_000 };
    for (const [name, call] of Object.entries(market.rest)) {
      const { address, path, weight } = call.request(args, btc);
      expect(market.addresses[address], name).toMatch(/^https:/);
      expect(path, name).toMatch(/^\/[\w/.-]+(\?[\w=&.%-]*)?$/);
      expect(weight, name).toBeGreaterThan(0);
      expect(weight * 10, name).toBeLessThan(market.limits.restWeightPerMinute);
      if (/[eE]nd(Time)?=/.test(path)) expect(path, name).toContain('=1780000059999');
    }
  });

  it('tells an unknown call, an unknown frame and text that is no JSON', () => {
    const decoder = market.createDecoder({ instruments: [] });
    const sink = (record: MarketRecord): void => expect.fail(`gave ${record.stream}`);
    expect(decoder.frame('', 1, sink).kind).toBe('rejected');
    expect(decoder.frame('{"new":"thing"}', 1, sink).kind).toBe('rejected');
    if (market.market === 'spot') expect(decoder.rest('funding_rates', {}, '[]', 1, sink).kind).toBe('rejected');
    expect(decoder.rest('candles', { symbol: 'BTCUSDT' }, '<html>', 1, sink).kind).toBe('rejected');
  });

  it('explains blocked regions, bans and limits, and takes data for data', () => {
    const { restError } = market;
    expect(restError(451, 'Service unavailable from a restricted location')?.kind).toBe('blocked_region');
    expect(restError(403, '<html>Forbidden</html>')?.kind).toBe('forbidden');
    expect(restError(429, '')?.kind).toBe('rate_limited');
    expect(restError(418, '')?.kind).toBe('banned');
    expect(restError(500, 'oops')?.kind).toBe('unavailable');
    expect(restError(200, '<html>')?.kind).toBe('unavailable');
    expect(restError(404, '{}')?.kind).toBe('bad_request');
    const body = market.exchange === 'bybit' ? '{"retCode":0,"result":{}}' : '[]';
    expect(restError(200, body)).toBeUndefined();
  });
});
