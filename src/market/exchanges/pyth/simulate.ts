import { createHash } from 'node:crypto';
import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type {
  SimulatedAnswer,
  SimulatedFrame,
  SimulatedListing,
  SimulatedMarket,
  SimulatedRequest,
  VenueSimulator,
} from '../simulator-contract.ts';
import { byVenueSymbol, SECOND, spiked, ticks } from '../shared/simulated.ts';
import { stepsAt } from '../shared/simulated-steps.ts';
import { elementsOf, isObject, parseJson } from '../shared/values.ts';
import { feedId, KNOWN_FEEDS } from './wire.ts';

/* Hermes' half of the conversation; a channel is the id of a feed, whose price comes each full second. */

const EXPONENT = -8;
/** Path of Hermes at its host. */
const BASE = '/hermes';

const simulator = Object.freeze<VenueSimulator>({
  exchange: 'pyth',
  market: 'oracle',
  listings,
  activity: 0.1,
  sequenceStride: 1,
  markDecimals: -EXPONENT,
  acceptsPath: (path) => path === `${BASE}/ws`,
  channelsOfPath: () => [],
  onFrame: converse,
  onSubscribe: () => [],
  windowOf: () => undefined,
  steady: () => true,
  frames: (market, channels, from, to) =>
    ticks(from, to, SECOND).flatMap((at) => [...channels].flatMap((channel) => frameOf(market, channel, at))),
  envelope: (_path, frame) => frame.text,
  rest: answer,
  connectionLifetimeMs: 24 * 3_600_000,
  limit: {
    weight: 30,
    windowMs: 10_000,
    headers: () => ({}),
    refuse: () => ({ status: 429, body: 'Too Many Requests', weight: 1 }),
  },
  tradeId: (_market, _symbol, id) => String(id),
  candlesTellTakers: false,
  spoil: (frame, how) => (how === 'spike' ? spiked(frame, ['price']) : undefined),
});

/** The simulator of Hermes. */
const simulators: readonly VenueSimulator[] = Object.freeze([simulator]);

export default simulators;

/** The four feeds that are known have their own ids, all others made-up ones. */
function listings(symbol: string, price: number): readonly SimulatedListing[] {
  const base = symbol.replace(/USD[TC]?$/, '');
  const own = `${base}USD`;
  const known = Object.entries(KNOWN_FEEDS).find(([, name]) => name === own)?.[0];
  const [tick, lot] = stepsAt(price);
  const instrument = {
    symbol: own,
    venue_symbol: known ?? createHash('sha256').update(own).digest('hex'),
    base,
    quote: 'USD',
    kind: 'spot',
    tick_size: null,
    lot_size: null,
    funding_interval_hours: null,
  } as const;
  return [{ tick, lot, instrument }];
}

function converse(market: SimulatedMarket, text: string): ReturnType<VenueSimulator['onFrame']> {
  const request = parseJson(text);
  const nothing = { reply: [], subscribe: [], unsubscribe: [] };
  const error = (why: string) => ({
    ...nothing,
    reply: [JSON.stringify({ type: 'response', status: 'error', error: why })],
  });
  if (!isObject(request) || !Array.isArray(request['ids'])) return error('missing field `ids`');
  const { type } = request;
  const ids = elementsOf(request['ids']).map(feedId);
  const known = ids.flatMap((id) => (id === undefined ? [] : [id]));
  if (known.length < ids.length) return error('Invalid string length');
  const reply = ['{"type":"response","status":"success"}'];
  if (type === 'unsubscribe') return { ...nothing, reply, unsubscribe: known };
  if (type !== 'subscribe') return error('unknown variant, expected `subscribe` or `unsubscribe`');
  const missing = known.filter((id) => byVenueSymbol(market, id) === undefined);
  if (missing.length > 0) return error(`Price feed(s) with id(s) [${missing.join(', ')}] not found`);
  return { ...nothing, reply, subscribe: known };
}

function frameOf(market: SimulatedMarket, channel: string, at: Ms): readonly SimulatedFrame[] {
  const instrument = byVenueSymbol(market, channel);
  if (instrument === undefined) return [];
  return [{ at, channel, text: JSON.stringify({ type: 'price_update', price_feed: feedAt(market, instrument, at) }) }];
}

/** The index price at the full second before `at`; its confidence is half of the spread of the book, at least. */
function feedAt(market: SimulatedMarket, instrument: Instrument, at: Ms): Readonly<Record<string, unknown>> {
  const second = Math.floor(at / SECOND);
  const { index } = market.mark(instrument.symbol, second * SECOND);
  const { bids, asks } = market.book(instrument.symbol, second * SECOND, 1);
  const half = ((asks[0]?.[0] ?? index) - (bids[0]?.[0] ?? index)) / 2;
  const price = {
    price: digits(index),
    conf: digits(Math.max(half, index * 1e-4)),
    expo: EXPONENT,
    publish_time: second,
  };
  return { id: instrument.venue_symbol, price, ema_price: price };
}

function digits(value: number): string {
  return String(BigInt(value.toFixed(-EXPONENT).replace('.', '')));
}

function answer(market: SimulatedMarket, request: SimulatedRequest, now: Ms): SimulatedAnswer | undefined {
  // Also below the root, as a Hermes of one's own serves it.
  const path = request.path.startsWith(`${BASE}/`) ? request.path.slice(BASE.length) : request.path;
  if (path === '/v2/price_feeds') return ok(market.instruments.map(listed));
  if (path !== '/v2/updates/price/latest') return undefined;
  const given = request.query.getAll('ids[]');
  const ids = given.flatMap((text) => feedId(text) ?? []);
  if (ids.length === 0 || ids.length < given.length) {
    return { status: 400, body: 'Failed to deserialize query string: Invalid string length', weight: 1 };
  }
  const missing = ids.filter((id) => byVenueSymbol(market, id) === undefined);
  if (missing.length > 0) return { status: 404, body: `Price ids not found: ${missing.join(', ')}`, weight: 1 };
  const parsed = ids.flatMap((id) => {
    const instrument = byVenueSymbol(market, id);
    return instrument === undefined ? [] : [feedAt(market, instrument, now)];
  });
  return ok({ binary: { encoding: 'hex', data: [] }, parsed });
}

function listed({ venue_symbol: id, base, quote }: Instrument): unknown {
  const symbol = `Crypto.${base}/${quote}`;
  return {
    id,
    attributes: { asset_type: 'Crypto', base, display_symbol: `${base}/${quote}`, quote_currency: quote, symbol },
  };
}

function ok(value: unknown): SimulatedAnswer {
  return { status: 200, body: JSON.stringify(value), weight: 1 };
}
