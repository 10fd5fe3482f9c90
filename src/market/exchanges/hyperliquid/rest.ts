import type { Instrument } from '../../domain/instrument.ts';
import type { Origin } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestCall, RestTarget } from '../contract.ts';
import { lastMs, within } from '../shared/query.ts';
import type { ReadContext } from '../shared/reading.ts';
import { symbolTableFor } from '../shared/symbols.ts';
import { afterInclusive, elementsOf, isObject, numberOf, parseJson } from '../shared/values.ts';
import { control, readRows, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { readBook, readCandle, readContextOf, readFundingRow, readTrade } from './normalise.ts';
import { EXCHANGE, namedFacts } from './wire.ts';

/**
 * All information comes from POST /info. An address has 1200 weight a minute: books and the status cost 2, the rest 20
 * and one more for each 20 rows (candles: 60). Lists come oldest first, bounds are inclusive ms, and history comes 500
 * rows at a time (candles: all 5000 that there are). Weights compared 2026-11, the rest not verified:
 * https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/rate-limits-and-user-limits and info-endpoint
 */
type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

const PAGE = 500;
const MOST_CANDLES = 5000;
const BOOK_WEIGHT = 2;
const WEIGHT = 20;
const MINUTE = 60_000;

export function restCalls(): Calls {
  return {
    instruments: { request: () => ask({ type: 'meta' }), decode: () => control('instruments') },
    server_time: {
      request: () => ask({ type: 'exchangeStatus' }, BOOK_WEIGHT),
      decode: () => control('server time'),
    },
    book_snapshot: {
      request: (args, instrument) => ask({ type: 'l2Book', coin: coinOf(args, instrument) }, BOOK_WEIGHT),
      decode: decode('live', (value, _args, context) => readBook(value, context)),
    },
    trades: {
      request: (args, instrument) => ask({ type: 'recentTrades', coin: coinOf(args, instrument) }, WEIGHT + 1),
      decode: decode('backfill', (value, args, context) =>
        rowsOf(value, (row) => (isObject(row) && !within(row['time'], args) ? 0 : readTrade(row, context)), true),
      ),
    },
    candles: {
      request: (args, instrument) =>
        ask(
          { type: 'candleSnapshot', req: { coin: coinOf(args, instrument), interval: '1m', ...span(args) } },
          WEIGHT + Math.ceil(candlesIn(args) / 60),
        ),
      decode: decode('backfill', (value, args, context) =>
        rowsOf(value, (row) =>
          isObject(row) && within(row['t'], args) ? candle(row, context) : isObject(row) ? 0 : 'no candle',
        ),
      ),
      nextPage: (args, body) => newer(args, body, 't', MINUTE),
    },
    funding_rates: {
      request: (args, instrument) =>
        ask({ type: 'fundingHistory', coin: coinOf(args, instrument), ...span(args) }, WEIGHT + 25),
      decode: decode('backfill', (value, args, context) =>
        rowsOf(value, (row) => (isObject(row) && !within(row['time'], args) ? 0 : readFundingRow(row, context))),
      ),
      nextPage: (args, body) => newer(args, body, 'time', 1),
    },
    mark_prices: contexts(),
    open_interest: contexts(),
    ticker_24h: contexts(),
  };
}

/** `metaAndAssetCtxs`: the contexts of all perpetuals in the order of `universe`; those asked for are taken. */
function contexts(): RestCall {
  return {
    request: () => ask({ type: 'metaAndAssetCtxs' }),
    decode: decode('live', (value, args, context) => {
      const [meta, ctxs] = elementsOf(value);
      const universe = isObject(meta) ? meta['universe'] : undefined;
      if (!Array.isArray(universe) || !Array.isArray(ctxs)) return 'answer without contexts';
      const coins: readonly unknown[] = universe;
      return readRows(
        coins.map((coin, i): unknown => [coin, ctxs[i]]),
        (pair) => {
          const [coin, ctx] = elementsOf(pair);
          if (!isObject(coin)) return 'no coin';
          const facts = context.symbols.facts(coin['name']);
          if (args.symbol !== undefined && facts?.symbol !== args.symbol) return 0;
          return ctx === undefined
            ? 'coin without a context'
            : readContextOf(coin['name'], ctx, context.recvTime, context);
        },
      );
    }),
  };
}

function ask(body: unknown, weight = WEIGHT): RestTarget {
  return { address: 'rest', path: '/info', body: JSON.stringify(body), weight };
}

function coinOf(args: RestArgs, instrument: Instrument | undefined): string | undefined {
  return instrument?.venue_symbol ?? args.symbol;
}

function span(args: RestArgs): { readonly startTime: number; readonly endTime: number | undefined } {
  return { startTime: args.from ?? 0, endTime: lastMs(args.to) };
}

/** How many candles an answer may have at most. */
function candlesIn({ from, to }: RestArgs): number {
  if (from === undefined || to === undefined) return MOST_CANDLES;
  return Math.min(MOST_CANDLES, Math.ceil(Math.max(0, to - from) / MINUTE));
}

/** On from the newest row, while pages come full. */
function newer(args: RestArgs, body: string, field: string, step: number): RestArgs | undefined {
  const rows = parseJson(body);
  if (!Array.isArray(rows) || rows.length < PAGE) return undefined;
  const last: unknown = rows.at(-1);
  const from = (isObject(last) ? numberOf(last[field]) : NaN) + step;
  if (!Number.isSafeInteger(from) || from <= (args.from ?? 0)) return undefined;
  return args.to !== undefined && from >= args.to ? undefined : { ...args, from };
}

type AnswerReader = (value: unknown, args: RestArgs, context: ReadContext) => Reading;

function decode(origin: Origin, read: AnswerReader): RestCall['decode'] {
  return (body, args, recvTime, options, sink) => {
    const value = parseJson(body);
    if (value === undefined) return rejected('not JSON');
    const symbols = symbolTableFor(undefined, options, namedFacts);
    return verdictOf(read(value, args, { exchange: EXCHANGE, market: 'futures', symbols, recvTime, origin, sink }));
  };
}

function rowsOf(value: unknown, read: (row: unknown) => Reading, reversed = false): Reading {
  if (!Array.isArray(value)) return 'answer without a list';
  const rows: readonly unknown[] = value;
  return readRows(reversed ? rows.toReversed() : rows, read);
}

/** A candle is closed when its end was over as the answer came. */
function candle(row: Readonly<Record<string, unknown>>, context: ReadContext): Reading {
  const close = afterInclusive(row['T']);
  const closed = close <= context.recvTime;
  return readCandle(row, closed ? close : context.recvTime, closed, context);
}
