import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { EndpointFacts } from '../endpoint.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { openInterest } from '../shared/kinds/derivatives.ts';
import { instruments } from '../shared/kinds/instruments.ts';
import { ownKind } from '../shared/kinds/series.ts';
import { ticker, tickers, type Ticker } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveBook, liveInterest, liveTicker, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { baseUnits, bookOf, candlesOf, moversOf, nameOf, symbolOf, tradesOf } from '../shared/readings.ts';
import { decimal, decimalOrNull, level, msTime, positiveOrNull } from '../shared/shapes.ts';
import { percentOf } from '../shared/values.ts';
import { dataOf, venueTime } from './endpoint-shapes.ts';
import { parseFuturesInstruments } from './instruments.ts';
import { futuresName } from './wire.ts';
import { measure } from '../../domain/measure.ts';

/**
 * The questions that KuCoin's futures REST interface answers, but for rates and indices. Sizes and open interest are contracts, `volumeOf24h` is
 * base units. Weights are of the public pool: 2,000 in 30 s.
 */
export const DOCS = 'https://www.kucoin.com/docs-new/rest/futures-trading';

const contractWire = z.looseObject({
  symbol: z.string(),
  quoteCurrency: z.string(),
  isInverse: z.boolean(),
  lastTradePrice: positiveOrNull,
  highPrice: positiveOrNull,
  lowPrice: positiveOrNull,
  priceChgPct: decimalOrNull,
  volumeOf24h: decimalOrNull,
  turnoverOf24h: decimalOrNull,
  markPrice: positiveOrNull,
  indexPrice: positiveOrNull,
  fundingFeeRate: decimalOrNull,
  fundingRateGranularity: positiveOrNull,
  nextFundingRateTime: positiveOrNull,
  openInterest: decimalOrNull,
  maxOrderQty: positiveOrNull,
  maxLeverage: positiveOrNull,
  initialMargin: positiveOrNull,
  maintainMargin: positiveOrNull,
  maxRiskLimit: positiveOrNull,
  minRiskLimit: positiveOrNull,
  riskStep: positiveOrNull,
  expireDate: positiveOrNull,
});
type ContractWire = z.output<typeof contractWire>;
export const HOUR_MS = 3_600_000;

const instrumentIn = (w: ContractWire, facts: EndpointFacts): Instrument | undefined =>
  facts.instrument?.venue_symbol === w.symbol ? facts.instrument : facts.instrumentOf(w.symbol);

const symbolIn = (w: ContractWire, facts: EndpointFacts): string =>
  instrumentIn(w, facts)?.symbol ?? futuresName(w.symbol)?.symbol ?? w.symbol;

function interestOf(w: ContractWire, facts: EndpointFacts) {
  const inBase = baseUnits(instrumentIn(w, facts), w.openInterest, w.markPrice);
  return {
    open_interest: inBase,
    open_interest_quote: inBase === null || w.markPrice === null ? null : inBase * w.markPrice,
  };
}

/** `nextFundingRateTime` is the time that is left, ms. */
function fundingIn(w: ContractWire, now: number) {
  return {
    funding_rate: w.fundingFeeRate,
    funding_interval_hours: w.fundingRateGranularity === null ? null : w.fundingRateGranularity / HOUR_MS,
    next_funding_time: w.nextFundingRateTime === null ? null : now + w.nextFundingRateTime,
  };
}

function tickerOf(w: ContractWire, facts: EndpointFacts): Ticker {
  return {
    symbol: symbolIn(w, facts),
    venue_symbol: w.symbol,
    quote: w.quoteCurrency,
    last: w.lastTradePrice,
    high_24h: w.highPrice,
    low_24h: w.lowPrice,
    change_24h_pct: w.priceChgPct === null ? null : percentOf(w.priceChgPct),
    volume_24h: w.isInverse ? null : w.volumeOf24h,
    quote_volume_24h: w.isInverse ? null : w.turnoverOf24h,
    mark: w.markPrice,
    index: w.indexPrice,
    ...fundingIn(w, facts.now),
    ...interestOf(w, facts),
  };
}

const bestWire = z.looseObject({
  symbol: z.string(),
  price: positiveOrNull,
  bestBidPrice: positiveOrNull,
  bestBidSize: decimalOrNull,
  bestAskPrice: positiveOrNull,
  bestAskSize: decimalOrNull,
  ts: venueTime,
});

const contractCall = {
  market: 'futures' as const,
  docs: `${DOCS}/market-data/get-symbol`,
  request: (_args: unknown, i: Instrument | undefined) => ({ path: `/api/v1/contracts/${nameOf(i) ?? ''}`, weight: 3 }),
  shape: dataOf(contractWire),
};

/** The contract has the day, `ticker` the best prices: a field is the last answer's that has it. */
export const one = {
  kind: ticker,
  live: liveTicker,
  endpoint: [
    endpoint({ ...contractCall, read: (w, facts) => ({ value: tickerOf(w, facts), time: null }) }),
    endpoint({
      market: 'futures',
      docs: `${DOCS}/market-data/get-ticker`,
      request: (_args: unknown, i) => ({ path: '/api/v1/ticker', query: { symbol: nameOf(i) }, weight: 2 }),
      shape: dataOf(bestWire),
      read: (w, { instrument: i }): { value: Ticker; time: number } => ({
        value: {
          symbol: symbolOf(i),
          venue_symbol: w.symbol,
          quote: i?.quote ?? null,
          last: w.price,
          bid: w.bestBidPrice,
          ask: w.bestAskPrice,
          bid_size: w.bestBidPrice === null ? null : baseUnits(i, w.bestBidSize, w.bestBidPrice),
          ask_size: w.bestAskPrice === null ? null : baseUnits(i, w.bestAskSize, w.bestAskPrice),
          time: w.ts,
        },
        time: w.ts,
      }),
    }),
  ],
  merge: (parts: readonly Ticker[]): Ticker =>
    parts.reduce((whole, part) => ({
      ...whole,
      ...Object.fromEntries(Object.entries(part).filter(([, value]) => value !== null && value !== undefined)),
    })),
};

const contractsCall = {
  market: 'futures' as const,
  docs: `${DOCS}/market-data/get-all-symbols`,
  needsInstruments: true,
  request: (_args: unknown) => ({ path: '/api/v1/contracts/active', weight: 3 }),
  shape: dataOf(z.array(contractWire)),
};

/** All contracts, or the one that is asked for. */
const wanted = (rows: readonly ContractWire[], { instrument: i }: EndpointFacts): readonly ContractWire[] =>
  i === undefined ? rows : rows.filter((w) => w.symbol === i.venue_symbol);

export const all = {
  kind: tickers,
  endpoint: endpoint({
    ...contractsCall,
    read: (rows, facts) => ({ value: rows.map((w) => tickerOf(w, facts)), time: null }),
  }),
};

export const topMovers = moversOf(all);

export const interest = {
  kind: openInterest,
  live: liveInterest,
  endpoint: endpoint({
    ...contractsCall,
    read: (rows, facts) => ({
      value: wanted(rows, facts).map((w) => ({
        symbol: symbolIn(w, facts),
        ...interestOf(w, facts),
        quote: w.quoteCurrency,
        time: null,
      })),
      time: null,
    }),
  }),
};

export const listing = {
  kind: instruments,
  endpoint: endpoint({
    ...contractsCall,
    read: (rows, facts) => {
      const own = new Map(rows.map((w) => [w.symbol, w]));
      return {
        value: parseFuturesInstruments(JSON.stringify({ data: wanted(rows, facts) })).map((i) => {
          const w = own.get(i.venue_symbol);
          return {
            ...i,
            max_size: i.inverse ? null : baseUnits(i, w?.maxOrderQty ?? null, null),
            max_leverage: w?.maxLeverage,
            expiry: w?.expireDate,
          };
        }),
        time: null,
      };
    },
  }),
};

export const risk = {
  kind: ownKind({
    name: 'risk_limits',
    about:
      'What a contract allows at its first risk level: most leverage, initial and maintenance margin as fractions of the position, least and most risk limit and its step in the settlement currency. The ladder of all levels needs a key: the venue serves it to accounts alone.',
    output: z.object({
      symbol: z.string(),
      max_leverage: measure.leverage.nullable(),
      initial_margin: measure.fraction.nullable(),
      maintenance_margin: measure.fraction.nullable(),
      min_risk_limit: z.number().describe('In the settlement currency').nullable(),
      max_risk_limit: z.number().describe('In the settlement currency').nullable(),
      risk_step: z.number().describe('In the settlement currency').nullable(),
    }),
    summary: (data) => `${data.symbol} up to ${String(data.max_leverage)}×.`,
  }),
  endpoint: endpoint({
    ...contractCall,
    read: (w, facts) => ({
      value: {
        symbol: symbolIn(w, facts),
        max_leverage: w.maxLeverage,
        initial_margin: w.initialMargin,
        maintenance_margin: w.maintainMargin,
        min_risk_limit: w.minRiskLimit,
        max_risk_limit: w.maxRiskLimit,
        risk_step: w.riskStep,
      },
      time: null,
    }),
  }),
};

export const book = {
  kind: orderBook,
  live: liveBook,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/market-data/get-part-orderbook`,
    request: ({ depth }: { readonly depth: number }, i) => ({
      path: `/api/v1/level2/${depth <= 20 ? 'depth20' : depth <= 100 ? 'depth100' : 'snapshot'}`,
      query: { symbol: nameOf(i) },
      weight: depth <= 20 ? 5 : depth <= 100 ? 10 : 3,
    }),
    shape: dataOf(z.looseObject({ sequence: z.number(), ts: venueTime, bids: z.array(level), asks: z.array(level) })),
    read: (w, facts, { depth }) =>
      bookOf(facts, { bids: w.bids.slice(0, depth), asks: w.asks.slice(0, depth), seq: w.sequence, time: w.ts }),
  }),
};

export const flow = {
  kind: trades,
  live: liveTrades,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/market-data/get-trade-history`,
    request: (_args: { readonly limit: number }, i) => ({
      path: '/api/v1/trade/history',
      query: { symbol: nameOf(i) },
      weight: 5,
    }),
    shape: dataOf(
      z.array(
        z.looseObject({
          tradeId: z.string(),
          price: decimal,
          size: decimal,
          side: z.enum(['buy', 'sell']),
          ts: venueTime,
        }),
      ),
    ),
    read: (rows, facts, { limit }) =>
      tradesOf(
        facts,
        rows
          .map((t) => ({ id: t.tradeId, time: t.ts, price: t.price, size: t.size, side: t.side }))
          .sort((a, b) => b.time - a.time)
          .slice(0, limit),
      ),
  }),
};

/** Lengths that `granularity` takes, minutes. */
export const FUTURES_BARS = ['1', '5', '15', '30', '60', '120', '240', '480', '720', '1440', '10080'] as const;

export const bars = {
  kind: candles,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/market-data/get-klines`,
    request: ({ interval, limit }: { readonly interval: string; readonly limit: number }, i, now) => ({
      path: '/api/v1/kline/query',
      query: {
        symbol: nameOf(i),
        granularity: interval,
        from: Math.floor(now) - limit * Number(interval) * 60_000,
        to: Math.floor(now),
      },
      weight: 3,
    }),
    // `[start ms, open, high, low, close, contracts]`, oldest first.
    shape: dataOf(z.array(z.tuple([msTime, decimal, decimal, decimal, decimal, decimalOrNull], z.unknown()))),
    read: (rows, facts, { interval, limit }) =>
      candlesOf(
        facts,
        `${interval} min`,
        rows.slice(-limit).map(([open_time, open, high, low, close, contracts]) => ({
          open_time,
          open,
          high,
          low,
          close,
          volume: facts.instrument?.inverse === true ? null : baseUnits(facts.instrument, contracts, close),
          closed: open_time + Number(interval) * 60_000 <= facts.now,
        })),
      ),
  }),
};
