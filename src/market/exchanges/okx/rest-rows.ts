import type { Us } from '../../../kit/clock.ts';
import type { Market, Origin } from '../../domain/records.ts';
import type { RestArgs } from '../../domain/tape.ts';
import type { RestCall } from '../contract.ts';
import { spacing } from '../shared/candle-times.ts';
import { within } from '../shared/query.ts';
import { pushFunding, pushInterest, pushMark, type ReadContext } from '../shared/reading.ts';
import { NAMELESS, symbolTableFor, type SymbolFacts } from '../shared/symbols.ts';
import { isObject, optionalSize, parseJson, sizeOf, timeOf } from '../shared/values.ts';
import { control, readRows, refused, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { readBook, readCandle, readInterest, readTicker, readTrade } from './normalise.ts';
import { OptionStates } from './option.ts';
import { belongsTo, EXCHANGE, namedFacts } from './wire.ts';

/** An answer under way: its rows, oldest first, and the symbol asked for. */
interface Answer {
  readonly rows: readonly unknown[];
  readonly facts: SymbolFacts;
  readonly args: RestArgs;
}

type AnswerReader = (answer: Answer, context: ReadContext) => Reading;

/** `data` of an answer; undefined when the body is not one. */
export function dataOf(body: string): readonly unknown[] | undefined {
  const value = parseJson(body);
  return isObject(value) && Array.isArray(value['data']) ? value['data'] : undefined;
}

/** Decodes an answer `{"code":"0","msg":"","data":[…]}`; lists come newest first and are read oldest first. */
export function decodeAnswer(market: Market, origin: Origin, read: AnswerReader): RestCall['decode'] {
  return (body, args, recvTime, options, sink) => {
    const value = parseJson(body);
    if (!isObject(value)) return rejected(value === undefined ? 'not JSON' : 'not an answer');
    if (value['code'] !== '0') return refused(`${String(value['code'])}: ${String(value['msg'])}`);
    if (!Array.isArray(value['data'])) return rejected('answer without data');
    const rows: readonly unknown[] = value['data'];
    if (rows.length > 0 && rows.every((row) => isObject(row) && !belongsTo(market, row['instId']))) {
      return control('another market');
    }
    const symbols = symbolTableFor(args.symbol, options, namedFacts(market));
    const facts = args.symbol === undefined ? NAMELESS : symbols.facts(args.symbol);
    if (facts === undefined) return rejected('symbol cannot be read');
    const context: ReadContext = { exchange: EXCHANGE, market, symbols, recvTime, origin, sink };
    return verdictOf(read({ rows: rows.toReversed(), facts, args }, context));
  };
}

function isOther(row: unknown, { market }: ReadContext): boolean {
  return isObject(row) && !belongsTo(market, row['instId']);
}

/** `history-trades`. */
export function readTrades({ rows, args }: Answer, context: ReadContext): Reading {
  return readRows(rows, (row) => (isObject(row) && !within(row['ts'], args) ? 0 : readTrade(row, context)));
}

/** `books`: the same levels and ids as the stream's. */
export function readBookAnswer({ rows, args, facts }: Answer, context: ReadContext): Reading {
  const symbols = { facts: () => facts };
  return readRows(rows, (row) => readBook(row, args.symbol, true, { ...context, symbols }));
}

/** `ticker` and `tickers`; of options also `opt-summary`, the rest of what is told of them now. */
export function readTickers({ rows }: Answer, context: ReadContext): Reading {
  return readRows(rows, (row) => {
    if (isOther(row, context)) return 0;
    const isSummary = isObject(row) && row['markVol'] !== undefined;
    return isSummary ? new OptionStates().readSummary(row, undefined, context) : readTicker(row, context);
  });
}

export function readCandles({ rows, facts, args }: Answer, context: ReadContext): Reading {
  const interval = spacing(rows);
  if (interval === undefined) return 'candles of no known length';
  return readRows(rows, (row) => {
    if (Array.isArray(row) && !within(row[0], args)) return 0;
    return readCandle(row, facts, interval, context);
  });
}

/**
 * `mark-price-candles`: `[ts, open, high, low, close, confirm]`, of which the opening mark price is final at once and is
 * the one taken; or `mark-price`, the price now. Neither tells index or funding.
 */
export function readMarks({ rows, facts, args }: Answer, context: ReadContext): Reading {
  return readRows(rows, (row) => {
    if (isObject(row)) {
      if (isOther(row, context)) return 0;
      const now = { mark: row['markPx'], index: null, funding: null, time: timeOf(row['ts']) };
      return pushMark(context.symbols.facts(row['instId']), now, context);
    }
    if (!Array.isArray(row)) return 'no mark price';
    if (!within(row[0], args)) return 0;
    return pushMark(facts, { mark: row[1], index: null, funding: null, time: timeOf(row[0]) }, context);
  });
}

/** `funding-rate-history`: what was paid. */
export function readFundingHistory({ rows, args }: Answer, context: ReadContext): Reading {
  return readRows(rows, (row) => {
    if (!isObject(row)) return 'no funding rate';
    const { instId, fundingTime, realizedRate, fundingRate } = row;
    if (!within(fundingTime, args)) return 0;
    const paid = realizedRate === undefined || realizedRate === '' ? fundingRate : realizedRate;
    return pushFunding(context.symbols.facts(instId), { rate: paid, time: timeOf(fundingTime), next: null }, context);
  });
}

export function readInterestNow({ rows }: Answer, context: ReadContext): Reading {
  return readRows(rows, (row) => (isOther(row, context) ? 0 : readInterest(row, context)));
}

/** `open-interest-history`: `[ts, contracts, base units, USD]`. */
export function readInterestHistory({ rows, facts, args }: Answer, context: ReadContext): Reading {
  return readRows(rows, (row) => {
    if (!Array.isArray(row)) return 'no open interest';
    const cells: readonly unknown[] = row;
    if (!within(cells[0], args)) return 0;
    const time: Us = timeOf(cells[0]);
    return pushInterest(facts, { interest: sizeOf(cells[2]), usd: optionalSize(cells[3]), time }, context);
  });
}
