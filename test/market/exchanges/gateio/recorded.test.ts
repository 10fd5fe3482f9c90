import { describe, expect, it } from 'vitest';
import { BookSet } from '../../../../src/market/collect/books.ts';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { exemptionOf } from '../exemptions.ts';
import { decodeAny, decodeFrame, hasData, json, jsonLines, lines, marketOf } from '../recorded/data.ts';
import { compareFile, contractsOfOne } from '../recorded/reference.ts';

const RECEIVED = 1_700_000_000_000_000;

/** Contracts or pairs that a message names. */
function symbolsIn(message: any): string[] {
  const rows = Array.isArray(message) ? message : [message.result ?? message].flat(2);
  return rows.flatMap((row: any) => {
    const named = row?.contract ?? row?.currency_pair ?? row?.c ?? row?.s;
    const candle = /^\d+[smhd]_(.+)$/.exec(String(row?.n ?? ''))?.[1];
    const book = /^(?:ob|futures)\.(.+)\.\d+$/.exec(String(named))?.[1];
    return candle !== undefined ? [candle] : typeof named === 'string' ? [book ?? named] : [];
  });
}

function ticker(expected: any, records: readonly MarketRecord[]): void {
  const of = (stream: string): any => records.find((r) => r.stream === stream && r.symbol === expected.symbol);
  expect(of('ticker_24h')?.last_price).toBe(expected.lastPrice);
  expect([of('mark_prices')?.mark_price, of('mark_prices')?.index_price]).toEqual([
    expected.markPrice,
    expected.indexPrice,
  ]);
  expect(of('funding_rates')?.funding_rate).toBe(expected.fundingRate);
  expect(of('open_interest')?.open_interest).toBe(expected.openInterest);
}

describe.runIf(hasData('oracle_tardis_mappers'))('tardis mappers', () => {
  it.each([
    ['gate_io.json', 'gateio_spot', 2],
    ['gate_io_futures.json', 'gateio_futures', 9],
  ])('%s decodes to the reference', (file, key, least) => {
    expect(compareFile(file, key, { symbolsIn, ticker })).toBeGreaterThanOrEqual(least);
  });
});

describe.runIf(hasData('ws_cryptofeed'))('cryptofeed captures', () => {
  it.each([
    ['gateio_spot', 'GATEIO', 'currency_pair', 109],
    ['gateio_futures', 'GATEIO_FUTURES', 'contract', 271],
  ])('%s: %s, every frame gives its record, books have no gap', (key, file, parameter, frames) => {
    const market = marketOf(key);
    const list = lines(`ws_cryptofeed/${file}.0.gz`).find((line) => line.startsWith('https:')) ?? '';
    const instruments = market.parseInstruments(list.slice(list.indexOf('[')));
    expect(instruments.length).toBeGreaterThan(200);
    if (market.market === 'futures') {
      expect(instruments.find((i) => i.venue_symbol === 'KNC_USDT')).toMatchObject({
        contract_size: 1,
        tick_size: 0.0001,
        funding_interval_hours: 8,
      });
    }
    /** Snapshots and frames in the order of receiving; `skip` leaves out one change. */
    const run = (skip: number): { books: number; applied: number; problems: number; symbols: number } => {
      const decoder = market.createDecoder({ instruments });
      const counts = { books: 0, applied: 0, problems: 0, symbols: 0 };
      const seen = new Set<string>();
      const books = new BookSet({ rule: market.book, polled: false, onProblem: () => counts.problems++ });
      const take = (record: MarketRecord): void => {
        if (record.stream !== 'book') return;
        if (record.kind === 'delta') {
          seen.add(record.symbol);
          if (counts.books++ === skip) return;
        }
        if (books.apply(record)?.state === 'valid') counts.applied++;
      };
      for (const { text, symbol } of inOrder(file, parameter)) {
        const instrument = instruments.find((i) => i.venue_symbol === symbol);
        const records: MarketRecord[] = [];
        const verdict =
          symbol === undefined
            ? decoder.frame(text, RECEIVED, (record) => records.push(record))
            : decoder.rest('book_snapshot', { symbol: instrument?.symbol }, text, RECEIVED, (r) => records.push(r));
        const context = `${text.slice(0, 200)} ${JSON.stringify(verdict)}`;
        if (symbol !== undefined || exemptionOf('gateio', JSON.parse(text)) === undefined) {
          expect(verdict.kind, context).toMatch(/^(data|control)$/);
        }
        records.forEach(take);
      }
      return { ...counts, symbols: seen.size };
    };
    const whole = run(-1);
    expect([whole.books, whole.symbols, whole.problems]).toEqual([frames, 7, 0]);
    expect(whole.applied).toBeGreaterThan(20);
    // A lost change of a book that is followed is noticed.
    const noticed = Array.from({ length: 12 }, (_, i) => run(whole.books - 20 - i)).filter((r) => r.problems > 0);
    expect(noticed.length).toBeGreaterThan(3);
  });
});

/** Frames and REST snapshots of a capture by their receive time; `symbol` is set on snapshots. */
function inOrder(file: string, parameter: string): { readonly text: string; readonly symbol: string | undefined }[] {
  const items = lines(`ws_cryptofeed/${file}.ws.1.0`).flatMap((line) => {
    const match = /^([\d.]+): (\{.*)$/.exec(line);
    return match === null
      ? []
      : [{ at: Number(match[1]), text: match[2] ?? '', symbol: undefined as string | undefined }];
  });
  for (const line of lines(`ws_cryptofeed/${file}.http.0.0`)) {
    const match = new RegExp(`${parameter}=(\\w+).* -> ([\\d.]+): (\\{.*)$`).exec(line);
    if (match !== null) items.push({ at: Number(match[2]), text: match[3] ?? '', symbol: match[1] });
  }
  return items.sort((a, b) => a.at - b.at);
}

describe.runIf(hasData('raw_crypto_msg_parser'))('crypto-msg-parser', () => {
  it('frames decode to the reference', () => {
    let compared = 0;
    for (const { market_type: type, raw, expected, test } of jsonLines('raw_crypto_msg_parser/gate.jsonl')) {
      const frame = JSON.parse(raw);
      if (exemptionOf('gateio', frame) !== undefined || test === 'linear_future_update') continue;
      const key = type === 'Spot' ? 'gateio_spot' : 'gateio_futures';
      const market = marketOf(key);
      const instruments = contractsOfOne(key, symbolsIn(frame));
      const { verdict, records } = decodeAny(market, market.createDecoder({ instruments }), raw, RECEIVED);
      const context = `${String(raw).slice(0, 160)} ${JSON.stringify(verdict)}`;
      expect(verdict.kind, context).toBe('data');
      for (const [expression, wanted] of Object.entries<any>(expected)) {
        const given = answer(expression, frame, records);
        if (given === undefined) continue;
        if (typeof wanted === 'number') {
          expect(Number(given) / wanted || 1, `${expression} ${context}`).toBeCloseTo(1, 11);
        } else if (wanted !== 'NONE') expect(given, `${expression} ${context}`).toBe(wanted);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(80);
  });
});

/** What our records say to an expression; undefined where it asks for a unit that these instruments do not have. */
function answer(expression: string, frame: any, records: readonly MarketRecord[]): unknown {
  const of = <S extends MarketRecord['stream']>(stream: S) =>
    records.find((r): r is Extract<MarketRecord, { stream: S }> => r.stream === stream);
  const [first] = records;
  const [book, trade, prices, candle] = [of('book'), of('trades'), of('prices'), of('candles')];
  const spot = first?.market === 'spot';
  const level = /^orderbook\.(bids|asks)\[(\d+)\]\.(price|quantity_base|quantity_contract\.unwrap\(\))$/.exec(
    expression,
  );
  if (level !== null) {
    if (level[3] === 'quantity_base' && !spot) return undefined;
    return book?.[level[1] === 'bids' ? 'bids' : 'asks'][Number(level[2])]?.[level[3] === 'price' ? 0 : 1];
  }
  const at = (first?.event_time ?? NaN) / 1000;
  const answers: Record<string, unknown> = {
    'trades.len()': of('trades') === undefined ? undefined : records.length,
    'trade.side': trade?.side,
    'orderbook.asks.len()': book?.asks.length,
    'orderbook.bids.len()': book?.bids.length,
    'orderbook.timestamp': book === undefined ? undefined : at,
    'bbo_msg.ask_price': prices?.ask_price,
    'bbo_msg.bid_price': prices?.bid_price,
    'bbo_msg.symbol': prices?.symbol,
    'bbo_msg.timestamp': prices === undefined ? undefined : at,
    'bbo_msg.ask_quantity_base': spot ? prices?.ask_qty : undefined,
    'bbo_msg.bid_quantity_base': spot ? prices?.bid_qty : undefined,
    'candlestick_msg.symbol': candle?.symbol,
    'candlestick_msg.period': candle?.interval,
    'candlestick_msg.begin_time': candle === undefined ? undefined : candle.open_time / 1e6,
    'candlestick_msg.timestamp': candle === undefined ? undefined : at,
    'candlestick_msg.open': candle?.open,
    'candlestick_msg.high': candle?.high,
    'candlestick_msg.low': candle?.low,
    'candlestick_msg.close': candle?.close,
    'candlestick_msg.volume': spot ? candle?.volume : undefined,
    extract_symbol: first?.symbol === '' ? undefined : first?.symbol,
    // REST answers bear the time of answering; a book's here is that of its last change.
    extract_timestamp: frame.channel === undefined ? undefined : at,
  };
  return answers[expression];
}

describe.runIf(hasData('fixtures_jkorf') && hasData('fixtures_gocryptotrader'))('messages of other projects', () => {
  it('are read or understood, each', () => {
    const samples: any[] = [
      ...jsonLines('fixtures_jkorf/gateio/parsed.jsonl').flatMap(({ role, json: frame }) =>
        role === 'update' || role === 'recv' ? [frame] : [],
      ),
      ...jsonLines('fixtures_gocryptotrader/gateio_wsFutures.json'),
      ...['order_book.update', 'ticker.update', 'trades.update', 'subscribe.event'].map((name) =>
        json(`fixtures_xchange/stream-gateio/spot.${name}.json`.replace('spot.subscribe', 'subscribe')),
      ),
      json('fixtures_xchange/gateio-v4/api_v4_spot_order_book.json'),
      json('fixtures_xchange/gateio-v4/api_v4_spot_tickers.json'),
    ];
    let records = 0;
    for (const frame of samples) {
      if (exemptionOf('gateio', frame) !== undefined) continue;
      const spot = !String(frame.channel).startsWith('futures.');
      const key = spot ? 'gateio_spot' : 'gateio_futures';
      if (!/^(futures|spot)\./.test(String(frame.channel ?? 'spot.'))) continue;
      const market = marketOf(key);
      const decoder = market.createDecoder({ instruments: contractsOfOne(key, symbolsIn(frame)) });
      const decoded = decodeAny(market, decoder, JSON.stringify(frame), RECEIVED);
      const text = `${JSON.stringify(frame).slice(0, 200)} ${JSON.stringify(decoded.verdict)}`;
      expect(decoded.verdict.kind, text).toMatch(/^(data|control)$/);
      records += decoded.records.length;
    }
    expect([samples.length > 30, records > 20]).toEqual([true, true]);
  });

  it('a frame is decoded in place of none', () => {
    const market = marketOf('gateio_futures');
    expect(decodeFrame(market.createDecoder({ instruments: [] }), '[]', 1).verdict.kind).toBe('rejected');
  });
});
