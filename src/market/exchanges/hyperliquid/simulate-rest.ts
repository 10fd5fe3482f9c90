import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedAnswer, SimulatedMarket } from '../simulator-contract.ts';
import { barLength, barsOf, byVenueSymbol, LISTED_AT, MINUTE, plain, SECOND } from '../shared/simulated.ts';
import { isObject, numberOf, parseJson, type WireObject } from '../shared/values.ts';
import { bookData, candleRow, contextOf, recentTrades } from './simulate-frames.ts';

/* POST /info of the simulated Hyperliquid, by `type`. */

interface Request {
  readonly market: SimulatedMarket;
  readonly body: WireObject;
  readonly now: Ms;
}

const PAGE = 500;
const CANDLES_REACH_MS = 5000 * MINUTE;

type Call = (request: Request) => SimulatedAnswer;

/** The answer to one request body; 422 when it is not understood. */
export function answerInfo(market: SimulatedMarket, body: string | undefined, now: Ms): SimulatedAnswer {
  const value = parseJson(body ?? '');
  const type = isObject(value) ? value['type'] : undefined;
  const call = typeof type === 'string' && Object.hasOwn(CALLS, type) ? CALLS[type] : undefined;
  if (!isObject(value) || call === undefined) {
    return { status: 422, body: 'Failed to deserialize the JSON body into the target type', weight: 20 };
  }
  return call({ market, body: value, now });
}

function ok(value: unknown, weight = 20): SimulatedAnswer {
  return { status: 200, body: JSON.stringify(value), weight };
}

function ofCoin(run: (request: Request, instrument: Instrument) => SimulatedAnswer): Call {
  return (request) => {
    const instrument = byVenueSymbol(request.market, request.body['coin']);
    return instrument === undefined ? { status: 500, body: 'null', weight: 20 } : run(request, instrument);
  };
}

/** [from, to) of the inclusive bounds `startTime` and `endTime`. */
function spanOf(body: WireObject, now: Ms): { readonly from: Ms; readonly to: Ms } {
  const [start, end] = [numberOf(body['startTime']), numberOf(body['endTime'])];
  const to = Math.min(now, Number.isNaN(end) ? now : end + 1);
  return { from: Math.max(LISTED_AT, Number.isNaN(start) ? 0 : start), to };
}

const meta: Call = ({ market }) => ok(metaOf(market));

function metaOf(market: SimulatedMarket): unknown {
  return {
    universe: market.instruments.map((i) => ({
      szDecimals: market.decimals(i.symbol).quantity,
      name: i.venue_symbol,
      maxLeverage: 20,
      marginTableId: 20,
    })),
    marginTables: [],
  };
}

/** Candles of more than a minute, from the first on that begins at or after `startTime`. */
function longCandles(market: SimulatedMarket, instrument: Instrument, request: WireObject, now: Ms): SimulatedAnswer {
  const interval = String(request['interval']);
  const step = barLength(interval);
  if (step === undefined) return { status: 422, body: 'unknown interval', weight: 20 };
  const from = numberOf(request['startTime']);
  const d = market.decimals(instrument.symbol);
  const rows = barsOf(market, instrument.symbol, now, step, PAGE)
    .filter((bar) => bar.openTime >= from)
    .map((bar) => ({
      t: bar.openTime,
      T: bar.openTime + step - 1,
      s: instrument.venue_symbol,
      i: interval,
      o: bar.open.toFixed(d.price),
      c: bar.close.toFixed(d.price),
      h: bar.high.toFixed(d.price),
      l: bar.low.toFixed(d.price),
      v: bar.volume.toFixed(d.quantity),
      n:
        market.tradeIdAt(instrument.symbol, Math.min(now, bar.openTime + step)) -
        market.tradeIdAt(instrument.symbol, bar.openTime),
    }));
  return ok(rows, 20 + Math.ceil(rows.length / 60));
}

/** Spot pairs of the coins against USDC, at the index price. */
function spotMetaOf(market: SimulatedMarket): {
  readonly universe: readonly { readonly name: string }[];
  readonly tokens: readonly unknown[];
} {
  const token = (name: string, index: number, szDecimals: number): unknown => {
    const tokenId = `0x${index.toString(16).padStart(32, '0')}`;
    return { name, index, szDecimals, weiDecimals: 8, tokenId, isCanonical: index === 0 };
  };
  return {
    universe: market.instruments.map((_, i) => ({
      name: `@${i + 1}`,
      index: i + 1,
      tokens: [i + 1, 0],
      isCanonical: false,
    })),
    tokens: [
      token('USDC', 0, 8),
      ...market.instruments.map((i, n) => token(i.base, n + 1, market.decimals(i.symbol).quantity)),
    ],
  };
}

function spotContextsOf(market: SimulatedMarket, now: Ms): readonly unknown[] {
  const second = Math.floor(now / SECOND) * SECOND;
  return market.instruments.map(({ symbol }, i) => {
    const index = plain(market.mark(symbol, second).index, market.decimals(symbol).mark);
    const day = market.ticker(symbol, second);
    return {
      coin: `@${i + 1}`,
      markPx: index,
      midPx: index,
      prevDayPx: plain(day.open),
      dayNtlVlm: plain(day.quoteVolume / 10),
      dayBaseVlm: plain(day.volume / 10),
      circulatingSupply: '1000000',
    };
  });
}

const CALLS: Readonly<Record<string, Call>> = {
  spotMeta: ({ market }) => ok(spotMetaOf(market)),
  spotMetaAndAssetCtxs: ({ market, now }) => ok([spotMetaOf(market), spotContextsOf(market, now)]),
  meta,
  exchangeStatus: ({ now }) => ok({ time: now, specialStatuses: null }, 2),
  allMids: ({ market, now }) =>
    ok(
      Object.fromEntries(
        market.instruments.map((i) => {
          const { bids, asks } = market.book(i.symbol, now + 1, 1);
          return [i.venue_symbol, plain(((bids[0]?.[0] ?? 0) + (asks[0]?.[0] ?? 0)) / 2)];
        }),
      ),
      2,
    ),
  metaAndAssetCtxs: ({ market, now }) => ok([metaOf(market), market.instruments.map((i) => contextOf(market, i, now))]),
  l2Book: ofCoin(({ market, now }, instrument) => ok(bookData(market, instrument, now), 2)),
  recentTrades: ofCoin(({ market, now }, instrument) => ok(recentTrades(market, instrument, now))),
  fundingHistory: ofCoin(({ market, body, now }, { symbol, venue_symbol: coin }) => {
    const { from, to } = spanOf(body, now);
    const rows = market
      .funding(symbol, from, Math.min(to, from + PAGE * 3_600_000))
      .slice(0, PAGE)
      .map((f) => ({ coin, fundingRate: plain(f.rate), premium: plain(f.rate), time: f.at }));
    return ok(rows, 20 + Math.ceil(rows.length / 20));
  }),
  candleSnapshot: ({ market, body, now }) => {
    const request = isObject(body['req']) ? body['req'] : {};
    const instrument = byVenueSymbol(market, request['coin']);
    if (instrument === undefined) return { status: 500, body: 'null', weight: 20 };
    if (request['interval'] !== '1m') return longCandles(market, instrument, request, now);
    const { from, to } = spanOf(request, now);
    const first = Math.ceil(Math.max(from, now - CANDLES_REACH_MS) / MINUTE) * MINUTE;
    const rows: unknown[] = [];
    for (let at = first; at < to && rows.length < PAGE; at += MINUTE) {
      const row = candleRow(market, instrument, at, now);
      if (row !== undefined) rows.push(row);
    }
    return ok(rows, 20 + Math.ceil(rows.length / 60));
  },
};
