import { describe, expect, it } from 'vitest';
import type { MarketRecord, PriceLevel } from '../../../../src/market/domain/records.ts';
import { deviationOf, exemptionOf } from '../exemptions.ts';
import { decodeAny, hasData, jsonLines, marketOf } from './data.ts';

/**
 * Reference: literals that the tests of crypto-msg-parser assert on live captures of 2021-22. Conversions: `quantity_quote`
 * is price × base size; `quantity_contract` of linear contracts is the base size, of inverse ones the quote size over the
 * contract's USD; `extract_timestamp` is the message's time (a trade record has the trade's own, at most 1 s earlier).
 */
const RECEIVED = 1_700_000_000_000_000;

function marketKey(exchange: string, type: string, raw: any): string {
  const spot = type === 'Spot' && raw?.data?.e !== 'ticker_all';
  return `${exchange}_${spot ? 'spot' : 'futures'}`;
}

const timeOf = (record: MarketRecord): number => record.event_time / 1000;

function book(records: readonly MarketRecord[]): {
  bids: readonly PriceLevel[];
  asks: readonly PriceLevel[];
  at: number;
} {
  const change = records.find((record) => record.stream === 'book');
  if (change?.stream !== 'book') throw new Error('no book');
  return { bids: change.bids, asks: change.asks, at: timeOf(change) };
}

function quantity(level: PriceLevel | undefined, field: string, contractUsd: number | undefined): number {
  const [price, size] = level ?? [NaN, NaN];
  if (field === 'price') return price;
  if (field === 'quantity_base') return size;
  if (field === 'quantity_quote') return price * size;
  return contractUsd === undefined ? size : (price * size) / contractUsd;
}

/** What our records say to the expression that the reference asserts. */
function answer(expression: string, records: readonly MarketRecord[], contractUsd: number | undefined): unknown {
  const [first] = records;
  const trades = records.filter((record) => record.stream === 'trades');
  const funding = records.filter((record) => record.stream === 'funding_rates');
  const prices = records.find((record) => record.stream === 'prices');
  const candle = records.find((record) => record.stream === 'candles');
  const level = /^orderbook\.(bids|asks)\[(\d+)\]\.(price|quantity_\w+)/.exec(expression);
  if (level !== null) {
    const side = level[1] === 'bids' ? 'bids' : 'asks';
    return quantity(book(records)[side][Number(level[2])], level[3] ?? '', contractUsd);
  }
  const trade = /^trades?(?:\[(\d)\])?\.(price|side|quantity_base|quantity_quote)$/.exec(expression);
  if (trade !== null) {
    const one = trades[Number(trade[1] ?? 0)];
    if (one?.stream !== 'trades') throw new Error('no trade');
    if (trade[2] === 'side') return one.side;
    return quantity([one.price, one.quantity], trade[2] ?? '', contractUsd);
  }
  const rate = /^funding_rates\[(\d)\]\.(\w+)$/.exec(expression);
  if (rate !== null) {
    const one = funding[Number(rate[1])];
    if (one?.stream !== 'funding_rates') throw new Error('no funding rate');
    if (rate[2] === 'funding_rate') return one.funding_rate;
    return rate[2] === 'funding_time' ? (one.next_funding_time ?? NaN) / 1000 : timeOf(one);
  }
  switch (expression) {
    case 'orderbook.asks.len()':
      return book(records).asks.length;
    case 'orderbook.bids.len()':
      return book(records).bids.length;
    case 'orderbook.timestamp':
      return book(records).at;
    case 'funding_rates.len()':
      return funding.length;
    case 'trades.len()':
      return trades.length;
    case 'arr.len(':
      return records.length;
    case 'extract_symbol':
      return new Set(records.map((record) => record.symbol)).size > 1 ? 'ALL' : first?.symbol || 'NONE';
    case 'extract_timestamp':
      return first === undefined ? undefined : timeOf(first);
    case 'bbo_msg.symbol':
    case 'candlestick_msg.symbol':
      return first?.symbol;
    case 'bbo_msg.timestamp':
    case 'candlestick_msg.timestamp':
      return first === undefined ? undefined : timeOf(first);
  }
  if (prices?.stream === 'prices') {
    const { ask_price, ask_qty, bid_price, bid_qty } = prices;
    if (expression === 'bbo_msg.ask_price') return ask_price;
    if (expression === 'bbo_msg.ask_quantity_base') return ask_qty;
    if (expression === 'bbo_msg.bid_price') return bid_price;
    if (expression === 'bbo_msg.bid_quantity_base') return bid_qty;
  }
  if (candle?.stream === 'candles') {
    const field = expression.replace('candlestick_msg.', '').replace('.unwrap(', '');
    if (field === 'begin_time') return candle.open_time / 1e6;
    if (field === 'period') return candle.interval;
    if (field === 'open' || field === 'high' || field === 'low' || field === 'close' || field === 'volume') {
      return candle[field];
    }
    if (field === 'quote_volume') return candle.quote_volume;
  }
  throw new Error(`nothing answers ${expression}`);
}

/** Expressions about what we do not have: the pair spelt out. */
const NOT_OURS = new Set(['candlestick_msg.pair']);

describe.runIf(hasData('raw_crypto_msg_parser'))('crypto-msg-parser', () => {
  it.each(['binance', 'bybit'])('%s frames decode to the reference', (exchange) => {
    let compared = 0;
    let exempt = 0;
    for (const { kind, test, market_type: type, raw, expected } of jsonLines(
      `raw_crypto_msg_parser/${exchange}.jsonl`,
    )) {
      const frame = JSON.parse(raw);
      if (exemptionOf(exchange, frame) !== undefined) {
        exempt++;
        continue;
      }
      const market = marketOf(marketKey(exchange, type, frame));
      const { verdict, records } = decodeAny(market, market.createDecoder({ instruments: [] }), raw, RECEIVED);
      const context = `${String(kind)} ${String(test)}: ${String(raw).slice(0, 120)}: ${JSON.stringify(verdict)}`;
      expect(verdict.kind, context).toBe('data');
      const symbol = records[0]?.symbol ?? '';
      const contractUsd = /USD_/.test(symbol) ? (symbol.startsWith('BTC') ? 100 : 10) : undefined;
      for (const [expression, wanted] of Object.entries<any>(expected)) {
        if (NOT_OURS.has(expression) || deviationOf(exchange, { kind, test, expression, frame }) !== undefined)
          continue;
        if (expression === 'extract_symbol' && wanted === 'ALL') {
          expect(frame.stream, context).toMatch(/^!|_ALL$/);
          continue;
        }
        const given = answer(expression, records, contractUsd);
        if (expression === 'extract_timestamp' && records[0]?.stream === 'trades') {
          expect(wanted - Number(given), context).toBeGreaterThanOrEqual(0);
          expect(wanted - Number(given), context).toBeLessThan(1000);
        } else if (typeof wanted === 'number') {
          expect(Number(given) / wanted || 1, `${expression} in ${context}: ${String(given)}`).toBeCloseTo(1, 11);
        } else {
          expect(given, `${expression} in ${context}`).toBe(wanted);
        }
        compared++;
      }
    }
    expect(exchange === 'binance' ? compared : exempt).toBeGreaterThan(exchange === 'binance' ? 150 : 10);
  });
});
