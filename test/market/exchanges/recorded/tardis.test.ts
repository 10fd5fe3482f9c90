import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BookRecord, MarketRecord } from '../../../../src/market/domain/records.ts';
import { exemptionOf } from '../exemptions.ts';
import { summaryOf } from './reference.ts';
import { DATA, decodeFrame, hasData, isoToUs, json, marketOf } from './data.ts';

/**
 * Reference: normalised output of the tardis-dev mappers on real frames. Conversions: times to µs; sizes of inverse
 * contracts from USD to base units; a liquidation's order side to the position's; deltas that the reference holds back
 * until a snapshot are compared once there is one, and its first snapshot has them applied.
 */
const FILES = [
  ['binance.json', 'binance_spot'],
  ['binance_futures.json', 'binance_futures'],
  ['binance_delivery.json', 'binance_futures'],
  ['bybit.json', 'bybit_futures'],
  ['bybit_spot.json', 'bybit_spot'],
  ['bybit_options.json', 'bybit_futures'],
  ['binance_european_options.json', 'binance_futures'],
  ['binance_european_options_messages_v2.json', 'binance_futures'],
] as const;

/** The derivative ticker that our records add up to, per symbol. */
type Ticker = Record<string, number | null>;

class View {
  readonly tickers = new Map<string, Ticker>();
  readonly #books = new Map<string, { snapshot: boolean; waiting: BookRecord[] }>();

  readonly snapshots: 'rest' | 'stream';

  constructor(snapshots: 'rest' | 'stream') {
    this.snapshots = snapshots;
  }

  ticker(symbol: string): Ticker {
    const known = this.tickers.get(symbol) ?? {
      lastPrice: null,
      openInterest: null,
      fundingRate: null,
      fundingTimestamp: null,
      indexPrice: null,
      markPrice: null,
    };
    this.tickers.set(symbol, known);
    return known;
  }

  take(record: MarketRecord): void {
    const ticker = this.ticker(record.symbol);
    if (record.stream === 'ticker_24h') ticker['lastPrice'] = record.last_price ?? ticker['lastPrice'] ?? null;
    if (record.stream === 'mark_prices') {
      ticker['markPrice'] = record.mark_price;
      ticker['indexPrice'] = record.index_price ?? ticker['indexPrice'] ?? null;
    }
    if (record.stream === 'funding_rates') {
      ticker['fundingRate'] = record.funding_rate;
      ticker['fundingTimestamp'] = record.next_funding_time;
    }
    if (record.stream === 'open_interest') {
      ticker['openInterest'] = /USD([A-Z]\d\d)?$/.test(record.symbol) ? record.open_interest_usd : record.open_interest;
    }
  }

  /** The book change that the reference gives at this record, if any. */
  book(record: BookRecord): BookRecord | undefined {
    if (this.snapshots === 'stream') return record;
    const held = this.#books.get(record.symbol) ?? { snapshot: false, waiting: [] };
    this.#books.set(record.symbol, held);
    if (record.kind === 'delta') {
      if (held.snapshot) return record;
      held.waiting.push(record);
      return undefined;
    }
    held.snapshot = true;
    const apply = (side: 'bids' | 'asks'): [number, number][] => {
      const levels = new Map(record[side].map(([price, size]) => [price, size]));
      for (const delta of held.waiting) {
        if ((delta.seq ?? 0) <= (record.seq ?? 0)) continue;
        for (const [price, size] of delta[side]) {
          if (size === 0) levels.delete(price);
          else levels.set(price, size);
        }
      }
      return [...levels];
    };
    return { ...record, bids: apply('bids'), asks: apply('asks') };
  }
}

const inverse = (symbol: string): boolean => /USD(_|[A-Z]\d\d$|$)/.test(symbol);

const contractUsd = (symbol: string): number => (symbol.includes('_') ? (symbol.startsWith('BTC') ? 100 : 10) : 1);

/** A reference size in base units. */
function base(symbol: string, amount: number, price: number): number {
  return inverse(symbol) ? (amount * contractUsd(symbol)) / price : amount;
}

const byPrice = (a: readonly [number, number], b: readonly [number, number]): number => a[0] - b[0];

function compare(expected: any, records: readonly MarketRecord[], view: View): void {
  const time = isoToUs(expected.timestamp);
  const symbol = String(expected.symbol).replaceAll('-', '_');
  switch (expected.type) {
    case 'trade':
      expect(records).toContainEqual(
        expect.objectContaining({
          stream: 'trades',
          symbol,
          event_time: time,
          trade_id: expected.id,
          price: expected.price,
          quantity: base(symbol, expected.amount, expected.price),
          side: expected.side,
        }),
      );
      return;
    case 'book_ticker':
      expect(records).toContainEqual(
        expect.objectContaining({
          stream: 'prices',
          symbol,
          event_time: time,
          bid_price: expected.bidPrice,
          ask_price: expected.askPrice,
          bid_qty: base(symbol, expected.bidAmount, expected.bidPrice),
          ask_qty: base(symbol, expected.askAmount, expected.askPrice),
        }),
      );
      return;
    case 'liquidation':
      expect(records).toContainEqual(
        expect.objectContaining({
          stream: 'liquidations',
          symbol,
          event_time: time,
          price: expected.price,
          quantity: base(symbol, expected.amount, expected.price),
          side: expected.side === 'sell' ? 'long' : 'short',
        }),
      );
      return;
    case 'book_change': {
      const change = records.find((record) => record.stream === 'book');
      if (change?.stream !== 'book') throw new Error('no book change');
      const seen = view.book(change);
      expect(seen?.symbol).toBe(symbol);
      expect(seen?.event_time).toBe(time);
      expect(seen?.kind).toBe(expected.isSnapshot ? 'snapshot' : 'delta');
      for (const side of ['bids', 'asks'] as const) {
        const reference = expected[side].map((level: any) => [level.price, base(symbol, level.amount, level.price)]);
        expect([...(seen?.[side] ?? [])].sort(byPrice)).toEqual(reference.sort(byPrice));
      }
      return;
    }
    case 'option_summary':
      expect(records).toContainEqual(
        expect.objectContaining({
          stream: 'option_summaries',
          symbol,
          event_time: time,
          ...summaryOf(expected),
        }),
      );
      return;
    case 'derivative_ticker': {
      for (const record of records) if (record.symbol === symbol) expect(record.event_time).toBe(time);
      const next = expected.fundingTimestamp;
      expect(view.ticker(symbol)).toEqual({
        lastPrice: expected.lastPrice,
        openInterest: expected.openInterest,
        fundingRate: expected.fundingRate,
        fundingTimestamp: next === null ? null : isoToUs(next),
        indexPrice: expected.indexPrice,
        markPrice: expected.markPrice,
      });
      return;
    }
    default:
      throw new Error(`unknown reference ${String(expected.type)}`);
  }
}

const known = (view: View): string =>
  JSON.stringify([...view.tickers].filter(([, ticker]) => Object.values(ticker).some((value) => value !== null)));

describe.runIf(hasData('oracle_tardis_mappers'))('tardis mappers', () => {
  it.each(FILES)('%s decodes to the reference', (file, key) => {
    const market = marketOf(key);
    let compared = 0;
    const decoder = market.createDecoder({ instruments: [] });
    const view = new View(market.book.snapshot);
    for (const { message, localTimestamp, expected } of json(`oracle_tardis_mappers/${file}`).records) {
      if (exemptionOf(market.exchange, message) !== undefined) continue;
      const received = Date.parse(localTimestamp) * 1000;
      const { verdict, records } = decodeFrame(decoder, JSON.stringify(message), received);
      const before = known(view);
      for (const record of records) view.take(record);
      if (expected === undefined) {
        for (const record of records) if (record.stream === 'book') view.book(record);
        continue;
      }
      const context = `${JSON.stringify(message).slice(0, 160)} gave ${JSON.stringify(verdict)}`;
      if (expected.length === 0) {
        const ours = market.exchange === 'bybit' ? ['trades', 'liquidations'] : ['trades', 'prices', 'liquidations'];
        const shown = records.filter((record) => ours.includes(record.stream));
        const book = records.map((record) => (record.stream === 'book' ? view.book(record) : undefined));
        expect(shown, context).toEqual([]);
        expect(
          book.filter((change) => change !== undefined),
          context,
        ).toEqual([]);
        // Open interest of options is a record of its own here.
        if (market.market === 'futures' && !file.includes('options')) expect(known(view), context).toBe(before);
        continue;
      }
      expect(verdict.kind, context).toBe('data');
      for (const one of expected) compare(one, records, view);
      compared += Number(expected.length);
    }
    expect(compared).toBeGreaterThan(3);
  });

  it('are all known: compared here, by their venue’s test, or of another venue or market', () => {
    const compared = FILES.map(([file]) => file.replace('.json', ''));
    const all = readdirSync(path.join(DATA, 'oracle_tardis_mappers')).filter((file) => file.endsWith('.json'));
    const unknown = all
      .map((file) => file.replace('.json', ''))
      .filter((name) => ![...compared, ...ELSEWHERE].includes(name) && !OTHERS.test(name));
    expect(unknown).toEqual([]);
  });
});

/** Compared by the tests of their venues. */
const ELSEWHERE = [
  'cryptofacilities',
  'deribit',
  'gate_io',
  'gate_io_futures',
  'hyperliquid',
  'kraken',
  'kraken_v2',
  'kucoin',
  'kucoin_futures',
  'okex',
  'okex_USDC_contracts_before_and_after_index_migration',
  'okex_futures',
  'okex_futures_X_Perp',
  'okex_options',
  'okex_spreads',
  'okex_swap',
];

/** Venues and markets that are none of ours, and files whose frames are all kept for independent checks. */
const OTHERS =
  /^(aster|bitget|bitmex|bitfinex|bitflyer|coinbase|okcoin|binance_dex|huobi|ftx|phemex|gate_io_futures_decimal_size|binance_futures_update_that)/;
