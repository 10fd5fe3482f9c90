import { describe, expect, it } from 'vitest';
import { BookSet } from '../../../../src/market/collect/books.ts';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { expiryText } from '../../../../src/market/exchanges/shared/expiry-names.ts';
import {
  belongsTo,
  isCombo,
  isOption,
  namedFacts,
  optionTerms,
} from '../../../../src/market/exchanges/deribit/wire.ts';
import { exemptionOf } from '../exemptions.ts';
import { decodeAny, decodeFrame, hasData, isoToUs, json, jsonLines, lines, marketOf, text } from '../recorded/data.ts';

/**
 * State of the venue: the taker's direction; a liquidated taker who sells had a long; amounts of inverse contracts are
 * USD, of linear ones base units; funding rates are per 8 hours; times are the venue's, ms.
 */
const market = marketOf('deribit_futures');
const options = marketOf('deribit_options');
const RECEIVED = 1_790_000_000_000_000;

/** A reference amount in base units. */
const base = (name: string, amount: number, price: number): number =>
  namedFacts(name.toUpperCase()).inverse ? amount / price : amount;

const only = <S extends MarketRecord['stream']>(records: readonly MarketRecord[], stream: S) =>
  records.filter((record): record is Extract<MarketRecord, { stream: S }> => record.stream === stream);

function compare(one: any, records: readonly MarketRecord[]): void {
  const same = { symbol: one.symbol.replaceAll('-', '_'), event_time: isoToUs(one.timestamp) };
  const size = (amount: number, price: number): number => base(one.symbol, amount, price);
  const has = (fields: Record<string, unknown>): void =>
    expect(records).toContainEqual(expect.objectContaining({ ...same, ...fields }));
  if (one.type === 'trade') {
    has({
      stream: 'trades',
      trade_id: one.id,
      price: one.price,
      side: one.side,
      quantity: size(one.amount, one.price),
    });
  } else if (one.type === 'liquidation') {
    const side = one.side === 'sell' ? 'long' : 'short';
    has({ stream: 'liquidations', side, price: one.price, quantity: size(one.amount, one.price) });
  } else if (one.type === 'book_ticker') {
    // Nobody bids and nobody asks: there are no prices to tell.
    if (one.bidPrice === null && one.askPrice === null) return;
    has({
      stream: 'prices',
      bid_price: one.bidPrice,
      ask_price: one.askPrice,
      bid_qty: size(one.bidAmount, one.bidPrice),
      ask_qty: size(one.askAmount, one.askPrice),
    });
  } else if (one.type === 'derivative_ticker') {
    has({ stream: 'mark_prices', mark_price: one.markPrice, index_price: one.indexPrice });
    has({ stream: 'funding_rates', funding_rate: one.fundingRate, funding_interval_hours: 8 });
    has({ stream: 'open_interest', open_interest_usd: one.openInterest });
    has({ stream: 'ticker_24h', last_price: one.lastPrice });
  } else if (one.type === 'book_change') {
    const book = only(records, 'book')[0];
    expect(book).toMatchObject({ ...same, kind: one.isSnapshot ? 'snapshot' : 'delta' });
    for (const side of ['bids', 'asks'] as const) {
      expect(book?.[side]).toEqual(one[side].map((l: any) => [l.price, l.amount === 0 ? 0 : size(l.amount, l.price)]));
    }
  } else if (one.type === 'option_summary') {
    has({
      stream: 'option_summaries',
      option_type: one.optionType,
      strike_price: one.strikePrice,
      expiry_time: isoToUs(one.expirationDate),
      underlying_price: one.underlyingPrice,
      underlying: one.underlyingIndex,
      mark_price: one.markPrice,
      mark_iv: one.markIV,
      bid_price: one.bestBidPrice,
      bid_qty: one.bestBidAmount,
      bid_iv: one.bestBidIV,
      ask_price: one.bestAskPrice,
      ask_qty: one.bestAskAmount,
      ask_iv: one.bestAskIV,
      last_price: one.lastPrice,
      open_interest: one.openInterest,
      delta: one.delta,
      gamma: one.gamma,
      vega: one.vega,
      theta: one.theta,
      rho: one.rho,
    });
  } else throw new Error(`unknown reference ${String(one.type)}`);
}

const nameIn = (message: any): unknown => {
  const data = message.params?.data;
  return (Array.isArray(data) ? data[0] : data)?.instrument_name;
};

/** A combination's best prices alone are told, in the market of its legs; gives 1 where it is of the market asked. */
function compareCombo(own: boolean, expected: readonly any[], records: readonly MarketRecord[]): number {
  expect(records.every(({ stream }) => own && stream === 'prices')).toBe(true);
  for (const one of own ? expected : []) if (one.type === 'book_ticker') compare(one, records);
  return own ? 1 : 0;
}

describe.runIf(hasData('oracle_tardis_mappers'))('tardis mapper', () => {
  it('decodes futures to the reference; options and their combinations are another market', () => {
    const decoder = market.createDecoder({ instruments: [] });
    let compared = 0;
    let combos = 0;
    for (const { message, localTimestamp, expected } of json('oracle_tardis_mappers/deribit.json').records) {
      const name = nameIn(message);
      const received = Date.parse(localTimestamp) * 1000;
      const { verdict, records } = decodeFrame(decoder, JSON.stringify(message), received);
      if (isCombo(name)) {
        combos += compareCombo(belongsTo('futures', name), expected ?? [], records);
        continue;
      }
      if (exemptionOf('deribit', message) !== undefined || isOption(name)) {
        expect(records).toEqual([]);
        expect(verdict.kind).not.toBe('rejected');
        continue;
      }
      expect(verdict.kind, JSON.stringify(message)).toBe('data');
      for (const one of expected ?? []) {
        compare(one, records);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(8);
    expect(combos).toBeGreaterThan(0);
  });

  it('decodes options to the reference, summaries included; futures are another market', () => {
    const decoder = options.createDecoder({ instruments: [] });
    const compared: Record<string, number> = {};
    let combos = 0;
    for (const { message, localTimestamp, expected } of json('oracle_tardis_mappers/deribit.json').records) {
      const received = Date.parse(localTimestamp) * 1000;
      const { verdict, records } = decodeFrame(decoder, JSON.stringify(message), received);
      const name = nameIn(message);
      if (isCombo(name)) {
        combos += compareCombo(belongsTo('options', name), expected ?? [], records);
        continue;
      }
      if (!isOption(name)) {
        expect(records).toEqual([]);
        expect(verdict.kind).not.toBe('rejected');
        continue;
      }
      expect(verdict.kind, JSON.stringify(message)).toBe('data');
      for (const one of expected ?? []) {
        compare(one, records);
        compared[one.type] = (compared[one.type] ?? 0) + 1;
      }
    }
    expect(compared['option_summary']).toBe(4);
    expect(combos).toBeGreaterThan(1);
  });
});

describe.runIf(hasData('raw_crypto_msg_parser'))('crypto-msg-parser', () => {
  it('messages decode to the asserted prices, amounts and times', () => {
    let asserted = 0;
    for (const { raw, expected, kind } of jsonLines('raw_crypto_msg_parser/deribit.jsonl')) {
      const message = JSON.parse(raw);
      const name = nameIn(message) ?? message.result?.instrument_name;
      const charted = message.params?.channel?.split('.')[2];
      if (kind === 'open_interest' || /^chart.*\.3$/.test(message.params?.channel)) continue;
      const of = isOption(name) || isOption(charted) ? options : market;
      const { verdict, records } = decodeAny(of, of.createDecoder({ instruments: [] }), raw, RECEIVED);
      expect(verdict.kind, raw.slice(0, 160)).toBe('data');
      const [book] = only(records, 'book');
      for (const [path, value] of Object.entries<any>(expected)) {
        const [, side, index = '0', field = ''] =
          /^orderbook\.(bids|asks)\[(\d)\]\.(price|quantity_contract\.unwrap\(\))$/.exec(path) ?? [];
        if (side === 'bids' || side === 'asks') {
          const [price, size] = book?.[side][Number(index)] ?? [NaN, NaN];
          if (field === 'price') expect(price).toBe(value);
          else expect(of === options ? size : size * price).toBeCloseTo(value, 6);
          asserted++;
        }
        if (path === 'trades[0].price') expect(only(records, 'trades')[0]?.price).toBe(value);
        if (path === 'trade.side') expect(only(records, 'trades')[0]?.side).toBe(value);
        if (path === 'bbo_msg.ask_price') expect(only(records, 'prices')[0]?.ask_price).toBe(value);
        if (path === 'bbo_msg.bid_price') expect(only(records, 'prices')[0]?.bid_price).toBe(value);
        if (path === 'candlestick_msg.close') expect(only(records, 'candles')[0]?.close).toBe(value);
        if (path === 'extract_timestamp' && kind !== 'candlestick') {
          expect(records[0]?.event_time).toBe(value * 1000);
          asserted++;
        }
      }
    }
    expect(asserted).toBeGreaterThan(20);
  });
});

describe.runIf(hasData('ws_cryptofeed'))('the cryptofeed capture', () => {
  it('decodes every frame of its options, and its books without a gap', () => {
    const decoder = options.createDecoder({ instruments: [] });
    const problems: string[] = [];
    const books = new BookSet({ rule: options.book, polled: false, onProblem: ({ kind }) => problems.push(kind) });
    const seen: Record<string, number> = {};
    for (const line of lines('ws_cryptofeed/DERIBIT.ws.1.0')) {
      const at = line.indexOf('{"');
      if (at < 0 || line.includes(' <- ')) continue;
      const { verdict, records } = decodeFrame(decoder, line.slice(at), RECEIVED);
      expect(verdict.kind, line.slice(0, 200)).toMatch(/^(data|control)$/);
      for (const record of records) {
        seen[record.stream] = (seen[record.stream] ?? 0) + 1;
        if (record.stream === 'book') books.apply(record);
      }
    }
    expect(problems).toEqual([]);
    expect(seen['book']).toBe(39);
    expect(seen['option_summaries']).toBeGreaterThan(0);
  });

  it('has no gap in its books, and a lost change is one', () => {
    // Its contracts are options, whose frames have the same rule; they are read here as what they are worth: base units.
    const frames = lines('ws_cryptofeed/DERIBIT.ws.1.0')
      .filter((line) => line.includes('"book.'))
      .flatMap((line) => {
        const at = line.indexOf('{"');
        const value = at < 0 || line.includes(' <- ') ? undefined : JSON.parse(line.slice(at));
        return value?.params?.channel?.startsWith('book.') === true ? [value] : [];
      });
    const run = (skip: number): string[] => {
      const problems: string[] = [];
      const books = new BookSet({ rule: market.book, polled: false, onProblem: ({ kind }) => problems.push(kind) });
      const decoder = market.createDecoder({ instruments: [] });
      for (const [index, frame] of frames.entries()) {
        if (index === skip) continue;
        // The same book under a name of this market: BTC-24SEP21-8000-P becomes BTC_24SEP21-PERPETUAL and so on.
        const name = `${String(frame.params.data.instrument_name).replaceAll('-', '_')}-PERPETUAL`;
        const { data, channel } = frame.params;
        const message = { method: 'subscription', params: { channel, data: { ...data, instrument_name: name } } };
        const { verdict, records } = decodeFrame(decoder, JSON.stringify(message), RECEIVED);
        expect(verdict.kind).toBe('data');
        for (const book of only(records, 'book')) books.apply(book);
      }
      return problems;
    };
    expect(frames).toHaveLength(39);
    expect(run(-1)).toEqual([]);
    const changes = frames
      .map((frame, i) => ({ i, data: frame.params.data }))
      .filter(({ data }) => data.type === 'change');
    const followed = changes.filter(({ data }) => changes.some((c) => c.data.prev_change_id === data.change_id));
    expect(followed.length).toBeGreaterThan(3);
    for (const { i } of followed.slice(0, 4)) expect(run(i).length).toBeGreaterThan(0);
  });
});

describe('messages of other projects', () => {
  it.runIf(hasData('fixtures_nautilus'))('nautilus: frames and bodies are read', () => {
    for (const file of [
      'ws_quote',
      'ws_ticker',
      'ws_chart',
      'ws_book_grouped_snapshot',
      'http_get_last_trades',
      'http_get_order_book',
    ]) {
      const body = JSON.stringify(json(`fixtures_nautilus/deribit/${file}.json`));
      const { verdict, records } = decodeAny(market, market.createDecoder({ instruments: [] }), body, RECEIVED);
      expect(verdict.kind, file).toBe('data');
      expect(records.length, file).toBeGreaterThan(0);
    }
    const request = decodeFrame(
      market.createDecoder({ instruments: [] }),
      text('fixtures_nautilus/deribit/ws_test_request.json'),
      1,
    );
    expect(request.verdict).toMatchObject({ kind: 'control', reply: expect.stringContaining('public/test') });
    const listed = market.parseInstruments(text('fixtures_nautilus/deribit/http_get_instruments.json'));
    expect(listed.map((i) => [i.symbol, i.kind, i.inverse, i.funding_interval_hours, i.tick_size])).toEqual([
      ['BTC_PERPETUAL', 'perpetual', true, 8, 0.5],
      ['BTC_27DEC24', 'dated', true, null, 0.5],
    ]);
  });

  it.runIf(hasData('fixtures_gocryptotrader'))('gocryptotrader: no public push is unknown', () => {
    for (const { test, raw } of jsonLines('fixtures_gocryptotrader/strings_deribit.jsonl')) {
      if (test !== 'websocketPushData') continue;
      const { verdict } = decodeFrame(market.createDecoder({ instruments: [] }), raw, RECEIVED);
      expect(verdict.kind, `${raw.slice(0, 200)} ${JSON.stringify(verdict)}`).toMatch(/^(data|control)$/);
    }
  });
});

describe('the name of an option', () => {
  it.each([
    ['BTC-5JUN20-9250-C', 'call', 9250, Date.UTC(2020, 5, 5, 8)],
    ['ETH-27DEC24-310-P', 'put', 310, Date.UTC(2024, 11, 27, 8)],
    ['XRP_USDC-9MAR24-1d02-P', 'put', 1.02, Date.UTC(2024, 2, 9, 8)],
  ])('%s tells type, strike and expiry', (name, type, strike, expiry) => {
    expect(optionTerms(name)).toEqual({ type, strike, expiry: expiry * 1000 });
    expect(expiryText(expiry * 1000)).toBe(name.split('-')[1]);
  });

  it.each(['BTC-PERPETUAL', 'BTC-27DEC24', 'BTC-27XYZ24-100-C', 'BTC-27DEC24-x-C'])('%s is none', (name) => {
    expect(optionTerms(name)).toBeUndefined();
  });
});

describe('damaged book changes', () => {
  const data = {
    type: 'change',
    timestamp: 1_777_982_287_500,
    instrument_name: 'BTC-PERPETUAL',
    change_id: 12,
    prev_change_id: 11,
    bids: [['new', 95815.5, 10]],
    asks: [],
  };
  const read = (changed: Partial<typeof data>) => {
    const frame = {
      jsonrpc: '2.0',
      method: 'subscription',
      params: { channel: 'book.BTC-PERPETUAL.100ms', data: changed },
    };
    return decodeFrame(market.createDecoder({ instruments: [] }), JSON.stringify(frame), RECEIVED).verdict;
  };

  it('are not taken for whole books or for changes of one side', () => {
    const { prev_change_id: _, ...unchained } = data;
    const { asks: __, ...oneSided } = data;
    expect(read(data)).toEqual({ kind: 'data', records: 1 });
    expect(read(unchained)).toEqual({ kind: 'rejected', reason: 'book change without the one before' });
    expect(read(oneSided)).toEqual({ kind: 'rejected', reason: 'book change without both sides' });
  });
});
