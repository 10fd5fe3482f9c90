import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval, Market, Origin } from '../../domain/records.ts';
import type { RestArgs } from '../../domain/tape.ts';
import type { RestCall } from '../contract.ts';
import { closeOf, spacing } from '../shared/candle-times.ts';
import { within } from '../shared/query.ts';
import { pushBook, pushCandle, pushFunding, pushInterest, pushMark, type ReadContext } from '../shared/reading.ts';
import { baseSize, NAMELESS, symbolTableFor, type SymbolFacts } from '../shared/symbols.ts';
import { isObject, numberOf, optionalSize, parseJson, sequenceOf, sizeOf, type WireObject } from '../shared/values.ts';
import { readRows, refused, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import {
  gateLevels,
  readFuturesTicker,
  readFuturesTrade,
  readMark,
  readSpotTicker,
  readSpotTrade,
  readTickerPrices,
  readTotal,
  together,
} from './normalise.ts';
import { EXCHANGE, gateTime, namedFacts } from './wire.ts';

/** An answer under way and the symbol asked for. */
interface Answer {
  readonly value: unknown;
  readonly rows: readonly unknown[];
  readonly facts: SymbolFacts;
  readonly args: RestArgs;
}

type AnswerReader = (answer: Answer, context: ReadContext) => Reading;

/** Rows of an answer that is a list; undefined when it is none. */
export function rowsOf(body: string): readonly unknown[] | undefined {
  const value = parseJson(body);
  return Array.isArray(value) ? value : undefined;
}

/** Decodes an answer: a bare list, or for books a bare object. */
export function decodeAnswer(market: Market, origin: Origin, read: AnswerReader): RestCall['decode'] {
  return (body, args, recvTime, options, sink) => {
    const value = parseJson(body);
    if (isObject(value) && typeof value['label'] === 'string') {
      return refused(`${value['label']}: ${JSON.stringify(value['message'])}`);
    }
    if (!isObject(value) && !Array.isArray(value)) return rejected(value === undefined ? 'not JSON' : 'not an answer');
    const symbols = symbolTableFor(args.symbol, options, namedFacts(market));
    const facts = args.symbol === undefined ? NAMELESS : symbols.facts(args.symbol);
    if (facts === undefined) return rejected('symbol cannot be read');
    const context: ReadContext = { exchange: EXCHANGE, market, symbols, recvTime, origin, sink };
    const rows: readonly unknown[] = Array.isArray(value) ? value : [];
    return verdictOf(read({ value, rows, facts, args }, context));
  };
}

function inBounds(time: Us, args: RestArgs): boolean {
  return within(time / 1000, args);
}

/** Rows oldest first, whichever way they come. */
function ordered(rows: readonly unknown[], timeOfRow: (row: unknown) => number): readonly unknown[] {
  const [first, last] = [timeOfRow(rows[0]), timeOfRow(rows.at(-1))];
  return first > last ? rows.toReversed() : rows;
}

const field =
  (name: string) =>
  (row: unknown): number =>
    isObject(row) ? numberOf(row[name]) : NaN;

/** Newest first. */
export function readTrades({ rows, facts, args }: Answer, context: ReadContext): Reading {
  return readRows(rows.toReversed(), (row) => {
    if (!isObject(row)) return 'no trade';
    if (!inBounds(gateTime(row['create_time_ms'] ?? row['create_time']), args)) return 0;
    return row['size'] === undefined ? readSpotTrade(row, facts, context) : readFuturesTrade(row, context);
  });
}

/** `order_book` with its id; the time is that of its last change. Futures write seconds, spot ms. */
export function readBookAnswer({ value, facts }: Answer, context: ReadContext): Reading {
  if (!isObject(value)) return 'no book';
  const said = value['update'] ?? value['current'];
  return pushBook(
    facts,
    {
      snapshot: true,
      bids: gateLevels(value['bids']),
      asks: gateLevels(value['asks']),
      time: said === undefined ? context.recvTime : gateTime(said),
      seq: sequenceOf(value['id']),
    },
    context,
  );
}

/** The day and best prices; of futures also mark, funding and open interest. The answer bears no time. */
export function readTickers({ rows }: Answer, context: ReadContext): Reading {
  return readRows(rows, (row) => {
    if (!isObject(row)) return 'no ticker';
    const time = context.recvTime;
    const spot = context.market === 'spot';
    const facts = context.symbols.facts(row[spot ? 'currency_pair' : 'contract']);
    const prices = row['highest_bid'] === undefined ? 0 : readTickerPrices(row, facts, time, context);
    return together([prices, spot ? readSpotTicker(row, time, context) : readFuturesTicker(row, time, context)]);
  });
}

/** Of the tickers only what this reads. */
function ofTickers(
  read: (row: WireObject, facts: SymbolFacts, time: Us, context: ReadContext) => Reading,
): AnswerReader {
  return ({ rows }, context) =>
    readRows(rows, (row) => {
      const facts = isObject(row) ? context.symbols.facts(row['contract']) : undefined;
      return isObject(row) && facts !== undefined ? read(row, facts, context.recvTime, context) : 'no ticker';
    });
}

export const readInterestNow = ofTickers(readTotal);

const readMarksNow = ofTickers(readMark);

/** Bars: futures `{t,o,h,l,c,v,sum}` in contracts, spot `[t, quote, close, high, low, open, base, closed]`. */
export function readCandles(answer: Answer, context: ReadContext): Reading {
  const cells = answer.rows.map(candleCells);
  const rows = ordered(cells, (row) => (Array.isArray(row) ? numberOf(row[0]) : NaN));
  const interval = spacing(rows.map((row) => (Array.isArray(row) ? [numberOf(row[0]) * 1000] : row)));
  if (interval === undefined) return 'candles of no known length';
  return readRows(rows, (row) => (Array.isArray(row) ? readCells(row, interval, answer, context) : 'no candle'));
}

/** t, o, h, l, c, size, quote volume, closed. */
function candleCells(row: unknown): unknown {
  if (isObject(row)) return [row['t'], row['o'], row['h'], row['l'], row['c'], row['v'], row['sum'], undefined];
  if (!Array.isArray(row)) return undefined;
  const cells: readonly unknown[] = row;
  const [t, quote, close, high, low, open, base, closed] = cells;
  return [t, open, high, low, close, base, quote, closed];
}

function readCells(
  [t, o, h, l, c, size, quote, done]: readonly unknown[],
  interval: CandleInterval,
  { facts, args }: Answer,
  context: ReadContext,
): Reading {
  const open = gateTime(t);
  if (!inBounds(open, args)) return 0;
  const close = closeOf(open, interval);
  const closed = done === undefined ? close <= context.recvTime : done === 'true' || done === true;
  return pushCandle(
    facts,
    {
      interval,
      time: closed ? close : context.recvTime,
      open,
      close,
      closed,
      prices: [o, h, l, c],
      volume: baseSize(facts, sizeOf(size), numberOf(c)),
      quoteVolume: optionalSize(quote),
    },
    context,
  );
}

/** Bars of `mark_…`: the opening mark price is final at once and is the one taken; or the tickers now. */
export function readMarks(answer: Answer, context: ReadContext): Reading {
  const { rows, facts, args } = answer;
  if (rows.some((row) => isObject(row) && row['mark_price'] !== undefined)) return readMarksNow(answer, context);
  return readRows(ordered(rows, field('t')), (row) => {
    if (!isObject(row)) return 'no mark price';
    const time = gateTime(row['t']);
    if (!inBounds(time, args)) return 0;
    return pushMark(facts, { mark: row['o'], index: null, funding: null, time }, context);
  });
}

/** `funding_rate`: `{t, r}`, what was paid. */
export function readFundingHistory({ rows, facts, args }: Answer, context: ReadContext): Reading {
  return readRows(ordered(rows, field('t')), (row) => {
    if (!isObject(row)) return 'no funding rate';
    const time = gateTime(row['t']);
    return inBounds(time, args) ? pushFunding(facts, { rate: row['r'], time, next: null }, context) : 0;
  });
}

/** `contract_stats`: `open_interest` counts contracts. */
export function readInterestHistory({ rows, facts, args }: Answer, context: ReadContext): Reading {
  return readRows(ordered(rows, field('time')), (row) => {
    if (!isObject(row)) return 'no open interest';
    const time = gateTime(row['time']);
    if (!inBounds(time, args)) return 0;
    const price = facts.inverse ? numberOf(row['mark_price']) : 1;
    const interest = baseSize(facts, sizeOf(row['open_interest']), price);
    return pushInterest(facts, { interest, usd: optionalSize(row['open_interest_usd']), time }, context);
  });
}
