import { describe, expect, it } from 'vitest';
import type { BookRecord, MarketRecord } from '../../../../src/market/domain/records.ts';
import { decodeFrame, hasData, lines, marketOf } from './data.ts';

/**
 * Captures of cryptofeed: `<receive time s>: <frame>`; REST bodies as `<URL> -> <time>: <body>`. The reference here is the
 * frame itself, read a second time in the plainest way.
 */
const FILES = [
  ['binance_spot', 'BINANCE.ws.1.0', 'BINANCE.http.0.0', 'BINANCE.0.gz'],
  ['binance_futures', 'BINANCE_FUTURES.ws.1.0.gz', 'BINANCE_FUTURES.http.0.0', 'BINANCE_FUTURES.0'],
] as const;

describe.runIf(hasData('ws_cryptofeed'))('cryptofeed captures', () => {
  it.each(FILES)('%s: every frame gives its record, books have no gap', (key, frames, snapshots, listing) => {
    const market = marketOf(key);
    const list = lines(`ws_cryptofeed/${listing}`).find((line) => line.startsWith('https:')) ?? '';
    const instruments = market.parseInstruments(list.slice(list.indexOf('{')));
    expect(instruments.length).toBeGreaterThan(50);
    const decoder = market.createDecoder({ instruments });
    const states = new Map<string, { lastSeq: number | null; fromSnapshot: boolean }>();
    const books: BookRecord[] = [];
    for (const line of lines(`ws_cryptofeed/${snapshots}`)) {
      const symbol = /symbol=(\w+)/.exec(line)?.[1];
      if (symbol === undefined) continue;
      const records: MarketRecord[] = [];
      const body = line.slice(line.indexOf('{'));
      const verdict = decoder.rest('book_snapshot', { symbol }, body, 1, (record) => records.push(record));
      expect(verdict).toEqual({ kind: 'data', records: 1 });
      states.set(symbol, { lastSeq: records[0]!.seq, fromSnapshot: true });
    }
    let seen = 0;
    for (const line of lines(`ws_cryptofeed/${frames}`)) {
      if (!/^\d/.test(line)) continue;
      const text = line.slice(line.indexOf('{'));
      const { verdict, records } = decodeFrame(decoder, text, 1_600_000_000_000_000);
      expect(verdict.kind, text).toBe('data');
      const { data } = JSON.parse(text);
      for (const record of records) {
        expect(record.symbol).toBe(data.s);
        check(record, data);
        if (record.stream === 'book') books.push(record);
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(200);
    let applied = 0;
    for (const change of books) {
      const state = states.get(change.symbol);
      if (state === undefined) continue;
      const verdict = market.book.next(state, change);
      expect(verdict, `${change.symbol} ${String(change.seq)} after ${JSON.stringify(state)}`).not.toBe('gap');
      if (verdict !== 'apply') continue;
      applied++;
      states.set(change.symbol, { lastSeq: change.seq, fromSnapshot: false });
    }
    expect(applied).toBeGreaterThan(100);
  });
});

function check(record: MarketRecord, data: any): void {
  switch (record.stream) {
    case 'book':
      expect(record.bids).toEqual(data.b.map((level: string[]) => level.map(Number)));
      expect(record.asks).toEqual(data.a.map((level: string[]) => level.map(Number)));
      expect([record.first_seq, record.seq, record.event_time]).toEqual([data.U, data.u, data.E * 1000]);
      return;
    case 'prices':
      expect([record.bid_price, record.bid_qty, record.ask_price, record.ask_qty]).toEqual(
        [data.b, data.B, data.a, data.A].map(Number),
      );
      return;
    case 'trades':
      expect([record.trade_id, record.price, record.quantity, record.event_time, record.side]).toEqual([
        String(data.a),
        Number(data.p),
        Number(data.q),
        data.T * 1000,
        data.m === true ? 'sell' : 'buy',
      ]);
      return;
    case 'candles': {
      const { k } = data;
      expect([record.open, record.high, record.low, record.close, record.volume, record.quote_volume]).toEqual(
        [k.o, k.h, k.l, k.c, k.v, k.q].map(Number),
      );
      expect([record.trade_count, record.taker_buy_volume, record.taker_buy_quote]).toEqual(
        [k.n, k.V, k.Q].map(Number),
      );
      expect([record.open_time, record.close_time, record.closed, record.interval]).toEqual([
        k.t * 1000,
        (Number(k.T) + 1) * 1000,
        k.x,
        k.i,
      ]);
      return;
    }
    default:
      expect.fail(`no ${record.stream} was recorded`);
  }
}
