import { expect } from 'vitest';
import type { Instrument } from '../../../../src/market/domain/instrument.ts';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import type { Decoder } from '../../../../src/market/exchanges/contract.ts';
import { exemptionOf } from '../exemptions.ts';
import { decodeFrame, isoToUs, json, marketOf } from './data.ts';

/**
 * Instruments of one unit a contract, so that our sizes are the reference's contracts. `bookSnapshot` of venues whose
 * books begin over REST is not part of these recordings.
 */
export function contractsOfOne(key: string, venueSymbols: Iterable<string>): readonly Instrument[] {
  const { exchange, market } = marketOf(key);
  return [...new Set(venueSymbols)].map((venue_symbol) => ({
    exchange,
    market,
    symbol: venue_symbol,
    venue_symbol,
    base: '',
    quote: '',
    kind: market === 'spot' ? 'spot' : market === 'options' ? 'option' : 'perpetual',
    status: 'trading',
    tick_size: null,
    lot_size: null,
    contract_size: 1,
    inverse: false,
    funding_interval_hours: null,
  }));
}

const byPrice = (a: readonly [number, number], b: readonly [number, number]): number => a[0] - b[0];
const levels = (side: readonly any[]): [number, number][] => side.map((l) => [l.price, l.amount]);

/** Compares one result of a tardis-dev mapper; gives whether it was of a kind that we compare. */
export function compareResult(expected: any, records: readonly MarketRecord[]): boolean {
  const time = isoToUs(expected.timestamp);
  const same = { symbol: expected.symbol, event_time: time };
  switch (expected.type) {
    case 'trade':
      expect(records).toContainEqual(
        expect.objectContaining({
          ...same,
          stream: 'trades',
          // A wire without ids has null there; ours is then made of what else the message tells.
          ...(expected.id === null ? {} : { trade_id: expected.id }),
          price: expected.price,
          quantity: expected.amount,
          side: expected.side,
        }),
      );
      return true;
    case 'book_ticker':
      expect(records).toContainEqual(
        expect.objectContaining({
          ...same,
          stream: 'prices',
          bid_price: expected.bidPrice,
          ask_price: expected.askPrice,
          bid_qty: expected.bidAmount,
          ask_qty: expected.askAmount,
        }),
      );
      return true;
    case 'liquidation':
      expect(records).toContainEqual(
        expect.objectContaining({
          ...same,
          stream: 'liquidations',
          price: expected.price,
          quantity: expected.amount,
          side: expected.side === 'sell' ? 'long' : 'short',
        }),
      );
      return true;
    case 'book_change': {
      const book = records.find((r) => r.stream === 'book' && r.symbol === expected.symbol);
      if (book?.stream !== 'book') throw new Error('no book change');
      expect(book).toMatchObject({ ...same, kind: expected.isSnapshot ? 'snapshot' : 'delta' });
      expect([...book.bids].sort(byPrice)).toEqual(levels(expected.bids).sort(byPrice));
      expect([...book.asks].sort(byPrice)).toEqual(levels(expected.asks).sort(byPrice));
      return true;
    }
    case 'option_summary':
      expect(records).toContainEqual(
        expect.objectContaining({ ...same, stream: 'option_summaries', ...summaryOf(expected) }),
      );
      return true;
    default:
      return false;
  }
}

/** A volatility of ours, from the reference's fraction. */
const percent = (fraction: number | null): number | null =>
  fraction === null ? null : Number((fraction * 100).toFixed(8));

/** Fields of an option summary; open interest is the venue's own count, to be converted by who knows the contract. */
export function summaryOf(expected: any): Record<string, unknown> {
  return {
    option_type: expected.optionType,
    strike_price: expected.strikePrice,
    expiry_time: isoToUs(expected.expirationDate),
    bid_price: expected.bestBidPrice,
    bid_qty: expected.bestBidAmount,
    ask_price: expected.bestAskPrice,
    ask_qty: expected.bestAskAmount,
    last_price: expected.lastPrice,
    open_interest: expected.openInterest,
    mark_price: expected.markPrice,
    mark_iv: percent(expected.markIV),
    bid_iv: percent(expected.bestBidIV),
    ask_iv: percent(expected.bestAskIV),
    delta: expected.delta,
    gamma: expected.gamma,
    vega: expected.vega,
    theta: expected.theta,
    underlying_price: expected.underlyingPrice,
  };
}

export interface ReferenceOptions {
  /** Venue symbols named by a message. */
  readonly symbolsIn: (message: any) => readonly string[];
  /** Compares a `derivative_ticker`, whose fields come from several messages. */
  readonly ticker?: (expected: any, records: readonly MarketRecord[], message: any) => void;
  /** Changes a result beforehand, by a stated conversion. */
  readonly convert?: (expected: any) => any;
}

/** Feeds a file of tardis-dev results in order and compares every result; gives how many. */
export function compareFile(file: string, key: string, options: ReferenceOptions): number {
  const market = marketOf(key);
  const { records: all } = json(`oracle_tardis_mappers/${file}`);
  const symbols = all.flatMap(({ message }: any) => options.symbolsIn(message));
  const decoder: Decoder = market.createDecoder({ instruments: contractsOfOne(key, symbols) });
  let compared = 0;
  for (const { message, localTimestamp, expected } of all) {
    if (exemptionOf(market.exchange, message) !== undefined) continue;
    const { verdict, records } = decodeFrame(decoder, JSON.stringify(message), Date.parse(localTimestamp) * 1000);
    expect(verdict.kind, `${JSON.stringify(message).slice(0, 200)} ${JSON.stringify(verdict)}`).not.toBe('rejected');
    for (const one of expected ?? []) {
      if (compareResult(options.convert?.(one) ?? one, records)) compared++;
      else if (one.type === 'derivative_ticker') {
        options.ticker?.(one, records, message);
        compared++;
      } else throw new Error(`unknown reference ${String(one.type)}`);
    }
  }
  return compared;
}
