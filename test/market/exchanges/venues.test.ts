import { describe, expect, it } from 'vitest';
import { marketKey, MARKETS, STREAMS, type MarketRecord } from '../../../src/market/domain/records.ts';
import { REST_CALLS } from '../../../src/market/domain/tape.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import type { VenueMarket } from '../../../src/market/exchanges/contract.ts';
import type { VenueSimulator } from '../../../src/market/exchanges/simulator-contract.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { createSimulatedMarkets, type ModelMarket } from '../../../src/market/simulator/model/market.ts';

/** What every venue market must keep, whatever its wire. */
const MARKETS_OF_ALL = venues.flatMap((venue) =>
  venue.markets.map((market) => ({ name: `${market.exchange} ${market.market}`, venue, market })),
);

const UNIVERSE = Array.from({ length: 300 }, (_, i) => `COIN${i}USDT`);
const SIMULATED = createSimulatedMarkets({ seed: 1, symbols: UNIVERSE, at: Date.UTC(2026, 4, 5) });

/** The simulator's half, which knows what the frames and paths of the adapter ask for, and 300 instruments. */
function simulated({ exchange, market }: VenueMarket): { venue: VenueSimulator; market: ModelMarket } {
  const venue = simulators.flat().find((s) => s.exchange === exchange && s.market === market);
  const found = SIMULATED.get(marketKey(exchange, market));
  if (venue === undefined || found === undefined) throw new Error(`${exchange} ${market} is not simulated`);
  return { venue, market: found };
}

describe.each(MARKETS_OF_ALL)('$name', ({ venue, market }) => {
  const simulator = simulated(market);
  const many = simulator.market.instruments;
  const [first] = many;

  it('is frozen, named and complete', () => {
    expect(Object.isFrozen(venue) && Object.isFrozen(market)).toBe(true);
    expect(venue.name).toBe(market.exchange);
    expect(MARKETS).toContain(market.market);
    const offered = Object.keys(market.streams);
    for (const stream of offered) expect(STREAMS).toContain(stream);
    if (market.market !== 'spot') return;
    for (const stream of ['mark_prices', 'funding_rates', 'open_interest', 'liquidations', 'option_summaries']) {
      expect(offered).not.toContain(stream);
    }
  });

  it('says what a trade costs, by tier, where one can trade', () => {
    const { fees } = market;
    expect(fees === undefined).toBe(market.market === 'oracle' || market.market === 'options');
    if (fees === undefined) return;
    expect(new Set(fees.tiers.map((tier) => tier.name)).size).toBe(fees.tiers.length);
    expect(fees.tiers[0]?.requires).toBeNull();
    expect(fees.source).toMatch(/^https:/);
    expect(fees.checked ?? '2026-01-01').toMatch(/^\d{4}-\d\d-\d\d$/);
    for (const [i, tier] of fees.tiers.entries()) {
      const before = fees.tiers[i - 1] ?? tier;
      expect(tier.maker_percent).toBeLessThanOrEqual(tier.taker_percent);
      expect([tier.taker_percent <= before.taker_percent, tier.maker_percent <= before.maker_percent]).toEqual([
        true,
        true,
      ]);
      expect(tier.taker_percent > 0 && tier.taker_percent < 1 && tier.maker_percent > -0.1).toBe(true);
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
      let carried = simulator.venue.channelsOfPath(plan.path).length;
      for (const frame of plan.subscribe) {
        const asked = simulator.venue.onFrame(simulator.market, frame, new Set()).subscribe.length;
        expect(asked, frame).toBeGreaterThan(0);
        expect(asked).toBeLessThanOrEqual(market.limits.argsPerSubscribe);
        carried += asked;
      }
      expect(carried).toBeGreaterThan(0);
      expect(carried).toBeLessThanOrEqual(market.limits.streamsPerConnection);
      expect(plan.path.length).toBeLessThan(8000);
    }
  });

  it('plans nothing for nothing, and for one stream only that', () => {
    expect(market.plan([], STREAMS)).toEqual([]);
    expect(market.plan(many, [])).toEqual([]);
    const [stream = 'trades'] = STREAMS.filter((s) => market.streams[s]?.via === 'websocket');
    const [plan, ...more] = market.plan(many.slice(0, 1), [stream]);
    expect(more).toEqual([]);
    expect(plan?.series).toEqual([{ symbol: first?.symbol, stream }]);
  });

  it('has a REST call for each history, poll and book snapshot that it promises', () => {
    for (const stream of STREAMS) {
      const support = market.streams[stream];
      if (support?.history !== undefined) {
        const call = market.rest[support.history.call];
        expect(call, stream).toBeDefined();
        expect(call?.nextPage !== undefined, stream).toBe(support.history.paged);
        // Every other history is coarser than its stream: what it fills is a sample, which its distance tells.
        const whole = stream === 'trades' || stream === 'candles';
        expect([stream, (support.history.everyMs ?? 0) >= 60_000]).toEqual([stream, !whole]);
      }
      if (support?.via === 'rest') {
        expect(support.pollMs).toBeGreaterThan(0);
        expect(market.rest.open_interest).toBeDefined();
      }
    }
    expect(market.rest.instruments).toBeDefined();
    if (market.streams.orderbooks !== undefined) expect(market.rest.book_snapshot).toBeDefined();
    for (const name of Object.keys(market.rest)) expect(REST_CALLS).toContain(name);
  });

  it('asks over REST with a weight, a known address and half-open bounds made inclusive', () => {
    const args = { symbol: first?.symbol, from: 1_780_000_000_000, to: 1_780_000_060_000 };
    for (const [name, call] of Object.entries(market.rest)) {
      const { address, path, weight } = call.request(args, first);
      expect(market.addresses[address], name).toMatch(/^https:/);
      expect(path, name).toMatch(/^\/[\w/.-]+(\?[\w=&.%-]*)?$/);
      expect(weight, name).toBeGreaterThan(0);
      expect(weight * 10, name).toBeLessThan(market.limits.restWeightPerMinute);
      if (/endTime=/.test(path)) expect(path, name).toContain('=1780000059999');
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
    const target = (market.rest.server_time ?? market.rest.instruments)?.request({}, undefined);
    const url = new URL(target?.path ?? '', 'http://127.0.0.1');
    const request = { path: url.pathname, query: url.searchParams, body: target?.body, host: url.host };
    const answer = simulator.venue.rest(simulator.market, request, 1_780_000_000_000);
    expect(answer?.status).toBe(200);
    expect(restError(200, answer?.body ?? '')).toBeUndefined();
  });
});
