import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedAnswer, SimulatedMarket } from '../contract.ts';
import { byVenueSymbol, LISTED_AT, MINUTE, plain } from '../shared/simulated.ts';
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

const CALLS: Readonly<Record<string, Call>> = {
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
    if (request['interval'] !== '1m') return { status: 422, body: 'unknown interval', weight: 20 };
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
