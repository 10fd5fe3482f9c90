import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { EndpointFacts } from '../endpoint.ts';
import { assets } from '../shared/kinds/assets.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { ownKind, series } from '../shared/kinds/series.ts';
import { spreadBps } from '../shared/kinds/statistics.ts';
import { ticker, tickers, type Ticker } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { mergeStatus, venueStatus, type StatusReading } from '../shared/kinds/venue-status.ts';
import { liveBook, liveTicker, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { bookOf, candlesOf, newest, tradesOf } from '../shared/readings.ts';
import { decimal, decimalOrNull, level, positiveOrNull } from '../shared/shapes.ts';
import { byName, canonicalPair, isoTime, ofPair, resultOf, secondsTime } from './endpoint-shapes.ts';
import { coinOf, restPair } from './wire.ts';
import { measure } from '../../domain/measure.ts';

/** The questions that Kraken's spot REST interface answers. */
const DOCS = 'https://docs.kraken.com/api-reference/market-data';

const call = (name: string) => `/0/public/${name}`;
/** The name by which REST takes the pair asked for. */
const pairName = (i: Instrument | undefined): string | undefined =>
  i === undefined ? undefined : restPair(i.venue_symbol);

const pairOfValues = z.tuple([decimalOrNull, decimalOrNull], z.unknown());
/** `a`, `b`: price, whole lots, lots; `v`, `p`, `t`, `l`, `h`: of today, of 24 h. `o` is of today: there is none of 24 h. */
const tickerWire = z.looseObject({
  a: z.tuple([positiveOrNull, decimalOrNull, decimalOrNull], z.unknown()),
  b: z.tuple([positiveOrNull, decimalOrNull, decimalOrNull], z.unknown()),
  c: z.tuple([positiveOrNull, decimalOrNull], z.unknown()),
  v: pairOfValues,
  p: pairOfValues,
  t: pairOfValues,
  l: pairOfValues,
  h: pairOfValues,
});

function tickerOf(w: z.output<typeof tickerWire> & { readonly name: string }, facts: EndpointFacts): Ticker {
  const symbol = canonicalPair(w.name);
  const i = facts.instrument ?? facts.instrumentOf(symbol);
  const [volume, vwap] = [w.v[1], w.p[1]];
  return {
    symbol: i?.symbol ?? symbol,
    venue_symbol: i?.venue_symbol ?? w.name,
    quote: i?.quote ?? null,
    last: w.c[0],
    bid: w.b[0],
    ask: w.a[0],
    bid_size: w.b[0] === null ? null : w.b[2],
    ask_size: w.a[0] === null ? null : w.a[2],
    high_24h: w.h[1],
    low_24h: w.l[1],
    volume_24h: volume,
    quote_volume_24h: volume === null || vwap === null ? null : volume * vwap,
    vwap_24h: vwap,
    trades_24h: w.t[1],
  };
}

export const day = {
  kind: ticker,
  live: liveTicker,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-ticker-information`,
    request: (_args: unknown, i) => ({ path: call('Ticker'), query: { pair: pairName(i) }, weight: 1 }),
    shape: byName(tickerWire).refine((rows) => rows.length > 0, 'no ticker'),
    read: (rows, facts) => {
      const [first] = rows.map((w) => tickerOf(w, facts));
      return { value: first ?? { symbol: '', venue_symbol: '', quote: null, last: null }, time: null };
    },
  }),
};

export const several = {
  kind: tickers,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-ticker-information`,
    needsInstruments: true,
    request: ({ pairs }: { readonly pairs: string }) => ({
      path: call('Ticker'),
      query: {
        pair: pairs
          .toUpperCase()
          .split(',')
          .map((pair) => pair.replace('/', '').replace(/^BTC/, 'XBT').replace(/^DOGE/, 'XDG'))
          .join(','),
      },
      weight: 1,
    }),
    shape: byName(tickerWire),
    read: (rows, facts) => ({ value: rows.map((w) => tickerOf(w, facts)), time: null }),
  }),
};

export const book = {
  kind: orderBook,
  live: liveBook,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-order-book`,
    request: ({ depth }: { readonly depth: number }, i) => ({
      path: call('Depth'),
      query: { pair: pairName(i), count: depth },
      weight: 1,
    }),
    shape: ofPair(z.looseObject({ bids: z.array(level), asks: z.array(level) })),
    // The times of the levels say when each last changed, not when the book was read.
    read: ({ rows }, facts) => bookOf(facts, { ...rows, seq: null, time: null }),
  }),
};

export const flow = {
  kind: trades,
  live: liveTrades,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-recent-trades`,
    request: ({ limit }: { readonly limit: number }, i) => ({
      path: call('Trades'),
      query: { pair: pairName(i), count: limit },
      weight: 1,
    }),
    shape: ofPair(
      z.array(
        z.tuple(
          [
            decimal,
            decimal,
            secondsTime,
            z.enum(['b', 's']),
            z.string(),
            z.string(),
            z.union([z.number(), z.string()]),
          ],
          z.unknown(),
        ),
      ),
    ),
    read: ({ rows }, facts) =>
      tradesOf(
        facts,
        rows.map(([price, size, time, side, , , id]) => ({
          id: String(id),
          time,
          price,
          size,
          side: side === 'b' ? ('buy' as const) : ('sell' as const),
        })),
      ),
  }),
};

export const SPOT_BARS = ['1m', '5m', '15m', '30m', '1H', '4H', '1D', '1W', '15D'] as const;
const BAR_MINUTES: Readonly<Record<string, number>> = {
  '1m': 1,
  '5m': 5,
  '15m': 15,
  '30m': 30,
  '1H': 60,
  '4H': 240,
  '1D': 1440,
  '1W': 10_080,
  '15D': 21_600,
};

export const bars = {
  kind: candles,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-ohlc-data`,
    request: ({ interval }: { readonly interval: string }, i) => ({
      path: call('OHLC'),
      query: { pair: pairName(i), interval: BAR_MINUTES[interval] },
      weight: 1,
    }),
    // `[time, open, high, low, close, vwap, volume, count]`; those after `last` run still.
    shape: ofPair(
      z.array(
        z.tuple([secondsTime, decimal, decimal, decimal, decimal, decimalOrNull, decimal, decimalOrNull], z.unknown()),
      ),
    ),
    read: ({ rows }, facts, { interval }) => {
      const length = (BAR_MINUTES[interval] ?? NaN) * 60_000;
      return candlesOf(
        facts,
        interval,
        rows.map(([open_time, open, high, low, close, vwap, volume, count]) => ({
          open_time,
          open,
          high,
          low,
          close,
          volume,
          quote_volume: vwap === null ? null : vwap * volume,
          trades: count,
          closed: open_time + length <= facts.now,
        })),
      );
    },
  }),
};

const spreads = series(
  'The spread between best ask and best bid over the last changes, in basis points of the middle.',
);
/** Mean spread up to which a pair counts as liquid, and as fairly so, basis points: 0.05 % and 0.2 %. */
const LIQUIDITY_BPS = { high: 5, medium: 20 } as const;
const spreadShape = z.object({
  symbol: z.string(),
  liquidity: z.enum(['high', 'medium', 'low', 'unknown']),
  spread: spreads.output,
});
type SpreadReading = {
  readonly symbol: string;
  readonly rows: readonly { readonly time: number; readonly value: number }[];
};

export const spread = {
  kind: {
    name: 'spread',
    about: `${spreads.about} Liquidity by the mean: high up to 5 bps, medium up to 20 bps, else low.`,
    output: spreadShape,
    derive: ({ symbol, rows }: SpreadReading, facts: Parameters<typeof spreads.derive>[1]) => {
      const shown = spreads.derive({ name: `spread of ${symbol}`, unit: 'basis points', rows }, facts);
      const mean = shown.mean;
      const liquidity =
        mean === null
          ? 'unknown'
          : mean <= LIQUIDITY_BPS.high
            ? 'high'
            : mean <= LIQUIDITY_BPS.medium
              ? 'medium'
              : 'low';
      return { symbol, liquidity, spread: shown } satisfies z.infer<typeof spreadShape>;
    },
    summary: (data: z.infer<typeof spreadShape>) =>
      `${data.symbol} spread ${String(data.spread.latest)} bps, mean ${String(data.spread.mean)}, liquidity ${data.liquidity}.`,
  },
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-recent-spreads`,
    request: (_args: unknown, i) => ({ path: call('Spread'), query: { pair: pairName(i) }, weight: 1 }),
    shape: ofPair(z.array(z.tuple([secondsTime, decimal, decimal], z.unknown()))),
    read: ({ rows }, { instrument: i }) => ({
      value: {
        symbol: i?.symbol ?? '',
        rows: rows.flatMap(([time, bid, ask]) => {
          const value = spreadBps(bid, ask);
          return value === null ? [] : [{ time, value }];
        }),
      },
      time: newest(rows.map(([time]) => time)),
    }),
  }),
};

export const assetList = {
  kind: assets,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-asset-info`,
    request: () => ({ path: call('Assets'), weight: 1 }),
    shape: byName(z.looseObject({ altname: z.string(), decimals: decimalOrNull, status: z.string().optional() })),
    read: (rows) => ({
      value: rows.map((w) => ({
        asset: coinOf(w.altname),
        venue_asset: w.name,
        decimals: w.decimals,
        deposits: w.status === undefined ? null : ['enabled', 'deposit_only'].includes(w.status),
        withdrawals: w.status === undefined ? null : ['enabled', 'withdrawal_only'].includes(w.status),
      })),
      time: null,
    }),
  }),
};

const pairShape = z.object({
  symbol: z.string(),
  venue_symbol: z.string(),
  status: z.string().nullable(),
  tick_size: z.number().describe('Smallest step of prices, quote currency').nullable(),
  min_size: measure.size.nullable(),
  min_value: measure.value.nullable(),
  max_leverage_buy: measure.leverage.nullable(),
  max_leverage_sell: measure.leverage.nullable(),
  taker_fee_pct: measure.percent.nullable(),
  maker_fee_pct: measure.percent.nullable(),
  margin_call_pct: measure.percent.nullable(),
  margin_stop_pct: measure.percent.nullable(),
});
const pairsShape = z.object({ count: measure.count, pairs: z.array(pairShape) });
const MOST_PAIRS = 150;
const fees = z.array(z.tuple([decimal, decimal], z.unknown())).optional();
const firstFee = (steps: z.output<typeof fees>): number | null => steps?.[0]?.[1] ?? null;

export const pairs = {
  kind: ownKind<z.infer<typeof pairsShape>>({
    name: 'pairs',
    about:
      'Pairs of spot: price step and least order value in the quote currency, least order size in base units, most leverage a side, taker and maker fee of the first volume tier in percent, margin call and liquidation level in percent; null where the part of the facts that was asked for does not have it. Of one pair, or the first 150 by symbol.',
    output: pairsShape,
    summary: (data) => `${data.count} pair(s).`,
  }),
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-tradable-asset-pairs`,
    request: ({ info }: { readonly info: string }, i) => ({
      path: call('AssetPairs'),
      query: { info, pair: pairName(i) },
      weight: 1,
    }),
    shape: byName(
      z.looseObject({
        status: z.string().optional(),
        tick_size: decimalOrNull,
        ordermin: decimalOrNull,
        costmin: decimalOrNull,
        leverage_buy: z.array(z.number()).optional(),
        leverage_sell: z.array(z.number()).optional(),
        fees,
        fees_maker: fees,
        margin_call: decimalOrNull,
        margin_stop: decimalOrNull,
        margin_level: decimalOrNull,
      }),
    ),
    read: (rows) => ({
      value: {
        count: rows.length,
        pairs: rows
          .map((w) => ({
            symbol: canonicalPair(w.name),
            venue_symbol: w.name,
            status: w.status ?? null,
            tick_size: w.tick_size,
            min_size: w.ordermin,
            min_value: w.costmin,
            max_leverage_buy: newest(w.leverage_buy ?? []),
            max_leverage_sell: newest(w.leverage_sell ?? []),
            taker_fee_pct: firstFee(w.fees),
            maker_fee_pct: firstFee(w.fees_maker),
            margin_call_pct: w.margin_call,
            margin_stop_pct: w.margin_stop ?? w.margin_level,
          }))
          .sort((a, b) => (a.symbol < b.symbol ? -1 : 1))
          .slice(0, MOST_PAIRS),
      },
      time: null,
    }),
  }),
};

/** A part of the status. */
const part = <W>(
  name: string,
  page: string,
  shape: z.ZodType<W>,
  read: (wire: W) => StatusReading & { time: number },
) =>
  endpoint({
    market: 'spot',
    docs: `${DOCS}/${page}`,
    request: (_args: unknown) => ({ path: call(name), weight: 1 }),
    shape: resultOf(shape),
    read: (wire): { value: StatusReading; time: number } => {
      const { time, ...value } = read(wire);
      return { value, time };
    },
  });

export const status = {
  kind: venueStatus,
  endpoint: [
    part('SystemStatus', 'get-system-status', z.looseObject({ status: z.string(), timestamp: isoTime }), (w) => ({
      status: w.status,
      time: w.timestamp,
    })),
    part('Time', 'get-server-time', z.looseObject({ unixtime: secondsTime }), (w) => ({
      serverTime: w.unixtime,
      time: w.unixtime,
    })),
  ],
  merge: mergeStatus,
};
