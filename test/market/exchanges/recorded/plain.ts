import { expect } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';

/**
 * Reads a live frame a second time, as plainly as can be, and compares the records with it: an independent statement of
 * what each field means. Gives how many records were compared. Only markets in base units.
 */
export function checkPlainly(frame: any, records: readonly MarketRecord[]): number {
  const topic = String(frame?.topic ?? '');
  if (topic !== '') return bybit(topic, frame, records);
  const data = frame?.data ?? frame;
  return typeof data?.e === 'string' ? binance(data, records) : 0;
}

const number = (value: unknown): number | null => (value === undefined || value === '' ? null : Number(value));

function matches(record: MarketRecord | undefined, fields: Record<string, unknown>): number {
  expect(record).toMatchObject(fields);
  return 1;
}

function binance(d: any, records: readonly MarketRecord[]): number {
  const [record] = records;
  if (record === undefined) return 0;
  const symbol = String(d.s ?? d.o?.s).toUpperCase();
  switch (d.e) {
    case 'aggTrade':
    case 'trade':
      return matches(record, {
        stream: 'trades',
        symbol,
        trade_id: String(d.e === 'trade' ? d.t : d.a),
        price: number(d.p),
        quantity: number(d.q),
        event_time: d.T * 1000,
        side: d.m === true ? 'sell' : 'buy',
      });
    case 'bookTicker':
      return matches(record, {
        stream: 'prices',
        symbol,
        bid_price: number(d.b),
        bid_qty: number(d.B),
        ask_price: number(d.a),
        ask_qty: number(d.A),
      });
    case 'depthUpdate':
      return matches(record, {
        stream: 'book',
        symbol,
        seq: d.u,
        event_time: d.E * 1000,
        bids: d.b.map((l: string[]) => [Number(l[0]), Number(l[1])]),
        asks: d.a.map((l: string[]) => [Number(l[0]), Number(l[1])]),
      });
    case 'markPriceUpdate':
      return matches(record, { stream: 'mark_prices', symbol, mark_price: number(d.p), index_price: number(d.i) });
    case 'forceOrder':
      return matches(record, {
        stream: 'liquidations',
        symbol,
        side: d.o.S === 'SELL' ? 'long' : 'short',
        price: number(d.o.p),
        quantity: number(d.o.z),
      });
    case '24hrTicker':
    case '24hrMiniTicker':
      return matches(record, {
        stream: 'ticker_24h',
        symbol,
        last_price: number(d.c),
        open_24h: number(d.o),
        high_24h: number(d.h),
        low_24h: number(d.l),
        volume_24h: number(d.v),
        quote_volume_24h: number(d.q),
        price_change: number(d.p),
        price_change_pct: number(d.P),
        vwap_24h: number(d.w),
        trade_count_24h: number(d.n),
      });
    case 'kline':
      return matches(record, {
        stream: 'candles',
        interval: d.k.i,
        open_time: d.k.t * 1000,
        open: number(d.k.o),
        close: number(d.k.c),
        volume: number(d.k.v),
        quote_volume: number(d.k.q),
        trade_count: d.k.n,
        taker_buy_volume: number(d.k.V),
        taker_buy_quote: number(d.k.Q),
        closed: d.k.x,
      });
    default:
      return 0;
  }
}

function bybit(topic: string, frame: any, records: readonly MarketRecord[]): number {
  const of = (stream: MarketRecord['stream']): MarketRecord | undefined =>
    records.find((record) => record.stream === stream);
  const { data } = frame;
  if (records.length === 0) return 0;
  if (topic.startsWith('publicTrade.')) {
    data.forEach((row: any, i: number) =>
      matches(records[i], {
        stream: 'trades',
        symbol: row.s,
        trade_id: row.i,
        price: number(row.p),
        event_time: row.T * 1000,
        side: row.S.toLowerCase(),
        ...(row.s.endsWith('USD') ? {} : { quantity: number(row.v) }),
      }),
    );
    return data.length;
  }
  if (topic.startsWith('allLiquidation.')) {
    data.forEach((row: any, i: number) =>
      matches(records[i], { stream: 'liquidations', price: number(row.p), side: row.S === 'Buy' ? 'long' : 'short' }),
    );
    return data.length;
  }
  if (topic.startsWith('tickers.') && data.markPriceIv !== undefined) {
    return matches(of('option_summaries'), {
      mark_price: number(data.markPrice),
      delta: number(data.delta),
      open_interest: number(data.openInterest),
      event_time: frame.ts * 1000,
    });
  }
  if (topic.startsWith('tickers.') && !data.symbol.endsWith('USD')) {
    const prices = of('prices');
    if (data.bid1Price !== undefined)
      matches(prices, { bid_price: number(data.bid1Price), event_time: frame.ts * 1000 });
    if (data.markPrice !== undefined) matches(of('mark_prices'), { mark_price: number(data.markPrice) });
    if (data.openInterest !== undefined) matches(of('open_interest'), { open_interest: number(data.openInterest) });
    if (data.volume24h !== undefined) {
      matches(of('ticker_24h'), {
        volume_24h: number(data.volume24h),
        quote_volume_24h: number(data.turnover24h),
        open_24h: number(data.prevPrice24h),
      });
    }
    return 1;
  }
  if (/^orderbook\.(50|200|500)\./.test(topic)) {
    return matches(records[0], {
      stream: 'book',
      kind: frame.type,
      seq: data.u,
      event_time: frame.ts * 1000,
      bids: data.b.map((l: string[]) => l.map(Number)),
      asks: data.a.map((l: string[]) => l.map(Number)),
    });
  }
  return 0;
}
