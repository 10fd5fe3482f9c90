import { describe, expect, it } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { decodeAny, decodeFrame, hasData, json, jsonLines, lines, marketOf, text } from '../recorded/data.ts';
import { compareResult } from '../recorded/reference.ts';

/** State of the venue: perpetuals in USDC named by their coin, sizes in base units, funding hourly, A a selling taker. */
const market = marketOf('hyperliquid_futures');
const RECEIVED = 1_790_000_000_000_000;

const only = <S extends MarketRecord['stream']>(records: readonly MarketRecord[], stream: S) =>
  records.filter((record): record is Extract<MarketRecord, { stream: S }> => record.stream === stream);

describe.runIf(hasData('oracle_tardis_mappers'))('tardis mapper', () => {
  it('decodes to the reference; the first trades of a coin are from before the subscription', () => {
    const decoder = market.createDecoder({ instruments: [] });
    let compared = 0;
    for (const { message, localTimestamp, expected } of json('oracle_tardis_mappers/hyperliquid.json').records) {
      const received = Date.parse(localTimestamp) * 1000;
      const { verdict, records } = decodeFrame(decoder, JSON.stringify(message), received);
      expect(verdict.kind, JSON.stringify(message)).toMatch(/^(data|control)$/);
      if (expected?.length === 0) expect(records).toEqual([]);
      for (const one of expected ?? []) {
        const symbol = `${String(one.symbol)}USDC`;
        if (one.type === 'derivative_ticker') {
          expect(records).toContainEqual(
            expect.objectContaining({
              stream: 'mark_prices',
              symbol,
              mark_price: one.markPrice,
              index_price: one.indexPrice,
            }),
          );
          expect(only(records, 'funding_rates')).toMatchObject([
            { funding_rate: one.fundingRate, funding_interval_hours: 1 },
          ]);
          expect(only(records, 'open_interest')).toMatchObject([{ open_interest: one.openInterest }]);
        } else expect(compareResult({ ...one, symbol, timestamp: one.timestamp }, records)).toBe(true);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(2);
  });
});

describe.runIf(hasData('ws_hftbacktest'))('a recorded feed', () => {
  it('is read whole: books never crossed, trades after the first message with their times', () => {
    const decoder = market.createDecoder({ instruments: [] });
    const records = lines('ws_hftbacktest/hyperliquid_btcusd_20250126.gz').flatMap((line) => {
      const space = line.indexOf(' ');
      const { verdict, records: read } = decodeFrame(decoder, line.slice(space + 1), Number(line.slice(0, space - 3)));
      expect(verdict.kind, line.slice(0, 200)).toMatch(/^(data|control)$/);
      return read;
    });
    const books = only(records, 'book');
    expect(books).toHaveLength(32);
    for (const { bids, asks } of books) expect(bids[0]![0]).toBeLessThan(asks[0]![0]);
    const trades = only(records, 'trades');
    expect(trades.length).toBeGreaterThan(0);
    // None is older than the subscription.
    for (const trade of trades) expect(trade.event_time).toBeGreaterThan(books[0]!.event_time - 60_000_000);
  });
});

describe.runIf(hasData('rest_hyperliquid_sdk'))('recorded REST answers', () => {
  const answers = (file: string): any[] => json(`rest_hyperliquid_sdk/${file}`);

  it('list the perpetuals with their lots', () => {
    const [{ response }] = answers('test_get_info.json');
    const listed = market.parseInstruments(JSON.stringify(response));
    expect(listed).toHaveLength(response.universe.length);
    expect(listed[0]).toMatchObject({ symbol: 'BTCUSDC', venue_symbol: 'BTC', lot_size: 0.00001, tick_size: null });
    expect(listed.find(({ venue_symbol }) => venue_symbol === 'kPEPE')).toMatchObject({
      symbol: 'KPEPEUSDC',
      lot_size: 1,
    });
  });

  it('give candles and hourly funding, row by row', () => {
    let rows = 0;
    for (const file of ['test_get_candles_snapshot.json', 'test_get_funding_history_None_.json']) {
      for (const { request, response } of answers(file)) {
        if (request.body.type === 'meta' || request.body.type === 'spotMeta') continue;
        const { verdict, records } = decodeAny(
          market,
          market.createDecoder({ instruments: [] }),
          JSON.stringify(response),
          RECEIVED,
        );
        expect(verdict).toEqual({ kind: 'data', records: response.length });
        response.forEach((row: any, i: number) => {
          const record = records[i];
          if (record?.stream === 'candles') {
            expect([record.open_time, record.close_time]).toEqual([row.t * 1000, Number(row.T) * 1000 + 1000]);
            expect([record.open, record.high, record.low, record.close, record.volume, record.trade_count]).toEqual(
              [row.o, row.h, row.l, row.c, row.v, row.n].map(Number),
            );
          } else
            expect(record).toMatchObject({
              funding_rate: Number(row.fundingRate),
              event_time: row.time * 1000,
              funding_interval_hours: 1,
            });
          rows++;
        });
      }
    }
    expect(rows).toBeGreaterThan(1000);
  });
});

describe('messages of other projects', () => {
  it.runIf(hasData('fixtures_jkorf'))('jkorf: updates and answers are read', () => {
    let data = 0;
    for (const { file, role, json: message } of jsonLines('fixtures_jkorf/hyperliquid/parsed.jsonl')) {
      if (role === 'send' || /Spot\/|UserEvent|SymbolsAtMax/.test(file)) continue;
      const decoder = market.createDecoder({ instruments: [] });
      const { verdict } = decodeAny(market, decoder, JSON.stringify(message), RECEIVED);
      const instruments = market.parseInstruments(JSON.stringify(message));
      if (verdict.kind === 'data' || instruments.length > 0) data++;
      else expect(verdict.kind, `${String(file)} ${JSON.stringify(verdict)}`).toBe('control');
    }
    expect(data).toBeGreaterThan(4);
  });

  it.runIf(hasData('fixtures_nautilus'))('nautilus: books, trades and funding are read', () => {
    for (const file of ['ws_book_data', 'http_l2_book_btc', 'http_recent_trades_btc', 'http_funding_history']) {
      const body = JSON.parse(text(`fixtures_nautilus/hyperliquid/${file}.json`));
      const { verdict, records } = decodeAny(
        market,
        market.createDecoder({ instruments: [] }),
        JSON.stringify(body),
        RECEIVED,
      );
      expect(verdict.kind, file).toBe('data');
      expect(records.length).toBe(Array.isArray(body) ? body.length : 1);
    }
  });
});
