import { describe, expect, it } from 'vitest';
import { OrderBook } from '../../../../src/market/collect/book.ts';
import { BookSet } from '../../../../src/market/collect/books.ts';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { checksumOf } from '../../../../src/market/exchanges/okx/streams.ts';
import { exemptionOf } from '../exemptions.ts';
import { decodeAny, decodeFrame, hasData, json, jsonLines, lines, marketOf, text } from '../recorded/data.ts';
import { compareFile, contractsOfOne } from '../recorded/reference.ts';

const RECEIVED = 1_700_000_000_000_000;

const symbolsIn = (message: any): string[] => [
  ...(message.arg?.instId === undefined ? [] : [message.arg.instId]),
  ...(message.data ?? []).flatMap((row: any) => (row?.instId === undefined ? [] : [row.instId])),
];

/** What the message itself tells of a derivative, and the index heard before. */
function ticker(expected: any, records: readonly MarketRecord[], message: any): void {
  const [row] = message.data;
  for (const record of records) {
    if (record.stream === 'mark_prices') {
      expect([record.mark_price, record.index_price]).toEqual([expected.markPrice, expected.indexPrice]);
    }
    if (record.stream === 'funding_rates') expect(record.funding_rate).toBe(expected.fundingRate);
    if (record.stream === 'ticker_24h') expect(record.last_price).toBe(expected.lastPrice);
    if (record.stream === 'open_interest') {
      expect([record.open_interest, Number(row.oi)]).toEqual([Number(row.oiCcy), expected.openInterest]);
    }
  }
}

describe.runIf(hasData('oracle_tardis_mappers'))('tardis mappers', () => {
  it.each([
    ['okex.json', 'okx_spot', 4],
    ['okex_swap.json', 'okx_futures', 3],
    ['okex_futures.json', 'okx_futures', 7],
    ['okex_futures_X_Perp.json', 'okx_futures', 1],
    ['okex_USDC_contracts_before_and_after_index_migration.json', 'okx_futures', 1],
  ])('%s decodes to the reference', (file, key, least) => {
    expect(compareFile(file, key, { symbolsIn, ticker })).toBeGreaterThanOrEqual(least);
  });

  it('okex_options.json decodes to the reference', () => {
    // Its open interest is in contracts, of 0.1 ETH, which is the only coin whose interest the file tells.
    const convert = (one: any): any =>
      one.openInterest == null ? one : { ...one, openInterest: Number((one.openInterest * 0.1).toFixed(8)) };
    expect(compareFile('okex_options.json', 'okx_options', { symbolsIn, convert })).toBeGreaterThanOrEqual(2);
  });

  it('okex_spreads.json decodes to the reference', () => {
    // Its amounts are USD, which are taken for base units here.
    const spreads = ({ arg }: any): string[] => (arg?.sprdId === undefined ? [] : [arg.sprdId]);
    expect(compareFile('okex_spreads.json', 'okx_futures', { symbolsIn: spreads })).toBeGreaterThanOrEqual(2);
  });
});

describe.runIf(hasData('ws_cryptofeed'))('cryptofeed captures', () => {
  const frames = (): { text: string; frame: any }[] =>
    lines('ws_cryptofeed/OKX.ws.1.0.gz')
      .filter((line) => /^\d/.test(line))
      .map((line) => line.slice(line.indexOf('{')))
      .map((text) => ({ text, frame: JSON.parse(text) }));
  const instruments = lines('ws_cryptofeed/OKX.0.gz')
    .filter((line) => line.includes('instType=SWAP') || line.includes('instType=SPOT'))
    .map((line) => line.slice(line.indexOf('{')));
  const marketFor = (instId: string) => marketOf(/-SWAP$/.test(instId) ? 'okx_futures' : 'okx_spot');

  it('lists swaps and spot pairs with steps and contract sizes', () => {
    const swaps = instruments.reduce<ReturnType<ReturnType<typeof marketOf>['parseInstruments']>>(
      (list, body) => marketOf('okx_futures').parseInstruments(body, list),
      [],
    );
    const spot = marketOf('okx_spot').parseInstruments(instruments.find((b) => b.includes('"SPOT"')) ?? '');
    expect([swaps.length > 100, spot.length > 300]).toEqual([true, true]);
    expect(swaps.find((i) => i.symbol === 'BTCUSDT')).toMatchObject({
      venue_symbol: 'BTC-USDT-SWAP',
      contract_size: 0.01,
      lot_size: 0.01,
      tick_size: 0.1,
      inverse: false,
    });
    expect(swaps.find((i) => i.symbol === 'BTCUSD')).toMatchObject({ contract_size: 100, inverse: true, quote: 'USD' });
    expect(spot.find((i) => i.symbol === 'BTCUSDT')).toMatchObject({ lot_size: 0.00000001, contract_size: 1 });
  });

  it('lists options a family at a time, with strike, side, expiry and contract size', () => {
    const bodies = lines('ws_cryptofeed/OKX.0.gz').filter((line) => line.includes('instType=OPTION'));
    const options = marketOf('okx_options');
    const listed = bodies
      .slice(0, 2)
      .reduce<ReturnType<typeof options.parseInstruments>>(
        (list, line) => options.parseInstruments(line.slice(line.indexOf('{')), list),
        options.parseInstruments('{"code":"0","data":[["BTC-USD","ETH-USD"]]}'),
      );
    expect(new Set(listed.map((i) => i.base))).toEqual(new Set(['BTC', 'ETH']));
    expect(listed.length).toBeGreaterThan(100);
    expect(listed.find((i) => i.venue_symbol === 'BTC-USD-220514-22000-C')).toMatchObject({
      symbol: 'BTC_USD_220514_22000_C',
      quote: 'BTC',
      kind: 'option',
      contract_size: 0.1,
      lot_size: 0.1,
      tick_size: 0.0005,
      expiry_time: 1_652_515_200_000_000,
      option_type: 'call',
      strike_price: 22_000,
      settlement_currency: 'BTC',
      inverse: false,
    });
    expect(marketOf('okx_futures').parseInstruments(bodies[0]?.slice(bodies[0].indexOf('{')) ?? '')).toEqual([]);
  });

  it('every frame gives its record; all 191 checksums match, and a lost frame is noticed', () => {
    let proofs = 0;
    let rebuilt = 0;
    const all = frames();
    const run = (skip: number): number => {
      const problems: string[] = [];
      const markets = [marketOf('okx_futures'), marketOf('okx_spot')].map((market) => ({
        market,
        decoder: market.createDecoder({
          instruments: instruments.flatMap((body) => market.parseInstruments(body)),
        }),
        books: new BookSet({ rule: market.book, polled: false, onProblem: (problem) => problems.push(problem.kind) }),
      }));
      for (const [index, { text, frame }] of all.entries()) {
        if (index === skip) continue;
        const { market, decoder, books } = markets[/-SWAP$/.test(frame.arg?.instId ?? '') ? 0 : 1]!;
        expect(market).toBe(marketFor(frame.arg?.instId ?? ''));
        const { verdict, records } = decodeFrame(decoder, text, RECEIVED);
        expect(verdict.kind, text.slice(0, 200)).toBe(frame.event === undefined ? 'data' : 'control');
        for (const record of records) {
          if (record.stream !== 'book') continue;
          if (record.proof?.checksum === frame.data[0].checksum) proofs++;
          if (books.apply(record)?.state === 'valid') rebuilt++;
        }
      }
      return problems.length;
    };
    expect(run(-1)).toBe(0);
    expect([proofs, rebuilt]).toEqual([191, 191]);
    const changes = all.flatMap(({ frame }, i) => (frame.action === 'update' ? [i] : []));
    for (const lost of [changes[10], changes[60], changes[120]]) expect(run(lost ?? -1)).toBeGreaterThan(0);
  });
});

describe.runIf(hasData('fixtures_nautilus'))('answers of opt-summary', () => {
  it('tell volatilities and the forward', () => {
    const body = text('fixtures_nautilus/okx/http_get_option_summary.json');
    const market = marketOf('okx_options');
    const { verdict, records } = decodeAny(market, market.createDecoder({ instruments: [] }), body, RECEIVED);
    expect(verdict).toEqual({ kind: 'data', records: JSON.parse(body).data.length });
    const told = { bid_iv: 45, ask_iv: 46, mark_iv: 45.5, underlying_price: 97_000, delta: null, strike_price: 92_000 };
    expect(records.at(-1)).toMatchObject({ stream: 'option_summaries', symbol: 'BTC_USD_241217_92000_C', ...told });
  });
});

describe('the checksum', () => {
  it('is signed; sides alternate, the longer goes on alone', () => {
    // zlib of Python: crc32(b'3366.1:7:3366.8:9:3368:8'), as a signed number.
    expect(checksumOf(['3366.1:7'], ['3366.8:9', '3368:8'])).toBe(-1471518219);
    const book = new OrderBook({ texts: true });
    book.apply([[2, 1]], [[3, 4]], { bids: ['2:1'], asks: ['3:4'] });
    expect(book.texts(25)).toEqual({ bids: ['2:1'], asks: ['3:4'] });
  });
});

describe.runIf(hasData('raw_crypto_msg_parser'))('crypto-msg-parser', () => {
  it('frames decode to the reference', () => {
    let compared = 0;
    for (const { market_type: type, raw, expected } of jsonLines('raw_crypto_msg_parser/okx.jsonl')) {
      const frame = JSON.parse(raw);
      if (exemptionOf('okx', frame) !== undefined) continue;
      const option = /-[CP]"/.test(raw);
      const key = option ? 'okx_options' : type === 'Spot' ? 'okx_spot' : 'okx_futures';
      const instruments = contractsOfOne(key, symbolsIn(frame));
      const market = marketOf(key);
      const { verdict, records } = decodeAny(market, market.createDecoder({ instruments }), raw, RECEIVED);
      const context = `${String(raw).slice(0, 160)} ${JSON.stringify(verdict)}`;
      expect(verdict.kind, context).toBe('data');
      for (const [expression, wanted] of Object.entries<any>(expected)) {
        const given = answer(expression, records);
        if (given === undefined) continue;
        if (typeof wanted === 'number')
          expect(Number(given) / wanted || 1, `${expression} ${context}`).toBeCloseTo(1, 11);
        else if (!(expression === 'extract_symbol' && ['NONE', 'ALL'].includes(wanted))) {
          expect(given, `${expression} ${context}`).toBe(wanted);
        }
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(80);
  });
});

/** What our records say to an expression; undefined where the reference counts in a unit that it does not state. */
function answer(expression: string, records: readonly MarketRecord[]): unknown {
  const [first] = records;
  const of = <S extends MarketRecord['stream']>(stream: S) =>
    records.find((r): r is Extract<MarketRecord, { stream: S }> => r.stream === stream);
  const book = of('book');
  const level = /^orderbook\.(bids|asks)\[(\d+)\]\.(price|quantity_base)$/.exec(expression);
  if (level !== null)
    return book?.[level[1] === 'bids' ? 'bids' : 'asks'][Number(level[2])]?.[level[3] === 'price' ? 0 : 1];
  const prices = of('prices');
  const candle = of('candles');
  const funding = of('funding_rates');
  const trade = of('trades');
  const answers: Record<string, unknown> = {
    'trades.len()': records.length,
    'trade.price': trade?.price,
    'trade.side': trade?.side,
    'trade.timestamp': trade === undefined ? undefined : trade.event_time / 1000,
    'orderbook.asks.len()': book?.asks.length,
    'orderbook.bids.len()': book?.bids.length,
    'orderbook.timestamp': book === undefined ? undefined : book.event_time / 1000,
    'funding_rates.len()': records.length,
    'funding_rates[0].funding_rate': funding?.funding_rate,
    'funding_rates[0].funding_time': (funding?.next_funding_time ?? NaN) / 1000,
    'bbo_msg.ask_price': prices?.ask_price,
    'bbo_msg.bid_price': prices?.bid_price,
    'bbo_msg.timestamp': prices === undefined ? undefined : prices.event_time / 1000,
    'bbo_msg.symbol': prices?.symbol,
    'candlestick_msg.symbol': candle?.symbol,
    'candlestick_msg.period': candle?.interval,
    'candlestick_msg.begin_time': candle === undefined ? undefined : candle.open_time / 1e6,
    'candlestick_msg.open': candle?.open,
    'candlestick_msg.high': candle?.high,
    'candlestick_msg.low': candle?.low,
    'candlestick_msg.close': candle?.close,
    'candlestick_msg.volume': candle?.volume,
    // Bars and funding rates of the time before `ts` have no time of their own.
    extract_timestamp: funding !== undefined || candle !== undefined ? undefined : (first?.event_time ?? NaN) / 1000,
    extract_symbol: first?.symbol,
  };
  const spot = first?.market === 'spot';
  if (spot) {
    answers['bbo_msg.ask_quantity_base'] = prices?.ask_qty;
    answers['bbo_msg.bid_quantity_base'] = prices?.bid_qty;
    answers['trade.quantity_base'] = trade?.quantity;
  }
  return answers[expression];
}

describe.runIf(hasData('fixtures_jkorf') && hasData('fixtures_nautilus'))('messages of other projects', () => {
  it('are read or understood, each', () => {
    const samples: any[] = [
      ...jsonLines('fixtures_jkorf/okx/parsed.jsonl').flatMap(({ role, file, json: frame }) =>
        role === 'update' && !/Trading|Account/.test(file) ? [frame] : [],
      ),
      ...['bbo_tbt', 'books_snapshot', 'books_update', 'tickers', 'trades', 'candle', 'funding_rate'].map((name) =>
        json(`fixtures_nautilus/okx/ws_${name}.json`),
      ),
      ...['trades', 'candlesticks', 'mark_price', 'funding_rate_history', 'order_book'].map((name) =>
        json(`fixtures_nautilus/okx/http_get_${name}.json`),
      ),
      ...jsonLines('fixtures_gocryptotrader/okx_wsAllTrades.json'),
    ];
    let records = 0;
    for (const frame of samples) {
      if (exemptionOf('okx', frame) !== undefined) continue;
      const market = marketOf('okx_futures');
      const instruments = contractsOfOne('okx_futures', symbolsIn(frame));
      const decoded = decodeAny(market, market.createDecoder({ instruments }), JSON.stringify(frame), RECEIVED);
      const text = `${JSON.stringify(frame).slice(0, 200)} ${JSON.stringify(decoded.verdict)}`;
      expect(decoded.verdict.kind, text).toMatch(/^(data|control)$/);
      records += decoded.records.length;
    }
    expect([samples.length > 20, records > 20]).toEqual([true, true]);
  });
});

describe.runIf(hasData('oracle_ccxt_captured'))('CCXT captures', () => {
  it.each(['fetch_order_book', 'fetch_ticker', 'fetch_tickers', 'fetch_trades', 'fetch_ohlcv', 'fetch_markets'])(
    '%s decodes to what CCXT parsed',
    (method) => {
      const file = ['json', 'json.gz'].map((end) => `oracle_ccxt_captured/okx/${method}.${end}`).find(hasData);
      if (file === undefined) return;
      const { http_response: response, parsed_response: parsed } = json(file);
      const market = marketOf('okx_spot');
      if (method === 'fetch_markets') {
        const wanted = parsed.filter((one: any) => one.spot);
        const body = JSON.stringify({ code: '0', data: wanted.map((one: any) => one.info) });
        const list = market.parseInstruments(body);
        expect(
          list.map((i) => [i.venue_symbol, i.base, i.quote, i.tick_size, i.lot_size, i.status === 'trading']),
        ).toEqual(wanted.map((o: any) => [o.id, o.base, o.quote, o.precision.price, o.precision.amount, o.active]));
        return;
      }
      const decoder = market.createDecoder({ instruments: [] });
      const { verdict, records } = decodeAny(market, decoder, JSON.stringify(response), RECEIVED);
      expect(verdict.kind, JSON.stringify(verdict)).toBe('data');
      compareCcxt(method, parsed, records);
    },
  );
});

function compareCcxt(method: string, parsed: any, records: readonly MarketRecord[]): void {
  if (method === 'fetch_order_book') {
    const [book] = records;
    expect(book?.stream === 'book' && [book.bids, book.asks, book.event_time]).toEqual([
      parsed.bids.map((l: number[]) => l.slice(0, 2)),
      parsed.asks.map((l: number[]) => l.slice(0, 2)),
      parsed.timestamp * 1000,
    ]);
  } else if (method === 'fetch_trades') {
    const ours = records.map((r) => r.stream === 'trades' && [r.trade_id, r.event_time, r.side, r.price, r.quantity]);
    expect(ours).toEqual(parsed.map((t: any) => [t.id, t.timestamp * 1000, t.side, t.price, t.amount]));
  } else if (method === 'fetch_ohlcv') {
    const ours = records.map(
      (c) => c.stream === 'candles' && [c.open_time / 1000, c.open, c.high, c.low, c.close, c.volume],
    );
    expect(ours).toEqual(parsed);
  } else {
    const all: any[] = method === 'fetch_ticker' ? [parsed] : Object.values(parsed);
    for (const one of all) {
      const symbol = one.symbol.replace('/', '');
      const day = records.find((r) => r.stream === 'ticker_24h' && r.symbol === symbol);
      const prices = records.find((r) => r.stream === 'prices' && r.symbol === symbol);
      expect(day).toMatchObject({
        high_24h: one.high,
        low_24h: one.low,
        open_24h: one.open,
        last_price: one.last,
        volume_24h: one.baseVolume,
        quote_volume_24h: one.quoteVolume,
        event_time: one.timestamp * 1000,
      });
      expect(day?.stream === 'ticker_24h' && day.price_change_pct).toBeCloseTo(one.percentage, 9);
      expect(prices).toMatchObject({
        bid_price: one.bid,
        bid_qty: one.bidVolume,
        ask_price: one.ask,
        ask_qty: one.askVolume,
      });
    }
  }
}

describe.runIf(hasData('fixtures_nautilus'))('recorded list of dated futures', () => {
  it('gives every contract its end, its size and a name by its date', () => {
    const body = JSON.stringify(json('fixtures_nautilus/okx/http_get_instruments_futures.json'));
    const listed = marketOf('okx_futures').parseInstruments(body);
    expect(listed.length).toBe(JSON.parse(body).data.length);
    for (const { symbol, venue_symbol: name, kind, expiry_time: end = 0, contract_size: size, inverse } of listed) {
      const day = new Date(end / 1000).toISOString().slice(2, 10).replaceAll('-', '');
      expect([name, symbol.split('_')[1], kind, size !== null && size > 0]).toEqual([name, day, 'dated', true]);
      expect(inverse).toBe(name.startsWith(`${name.split('-')[0]}-USD-`));
    }
  });
});
