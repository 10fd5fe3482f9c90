import { describe, expect, it } from 'vitest';
import { BookSet, type BookProblem } from '../../../../src/market/collect/books.ts';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { exemptionOf } from '../exemptions.ts';
import { decodeAny, decodeFrame, hasData, isoToUs, json, jsonLines, lines, marketOf } from '../recorded/data.ts';
import { compareFile, compareResult, contractsOfOne } from '../recorded/reference.ts';

const RECEIVED = 1_700_000_000_000_000;
const futures = marketOf('kraken_futures');
const spot = marketOf('kraken_spot');

/** The frame of a line `<receive time>: <frame>`; undefined for what the client sent. */
const frameOf = (line: string): string | undefined =>
  /^\d/.test(line) ? line.slice(line.indexOf(': ') + 2) : undefined;

/** A book that comes first of a recording's frames, by the market's own rule. */
function replay(key: string, file: string, keep?: number) {
  const market = marketOf(key);
  const problems: BookProblem[] = [];
  const rule = keep === undefined ? market.book : { ...market.book, keep };
  const books = new BookSet({ rule, polled: false, onProblem: (problem) => problems.push(problem) });
  const decoder = market.createDecoder({ instruments: [] });
  const records: MarketRecord[] = [];
  let checked = 0;
  for (const line of lines(file)) {
    const frame = frameOf(line);
    if (frame === undefined) continue;
    const decoded = decodeFrame(decoder, frame, RECEIVED);
    expect(['data', 'control'], `${frame.slice(0, 200)} ${JSON.stringify(decoded.verdict)}`).toContain(
      decoded.verdict.kind,
    );
    for (const record of decoded.records) {
      records.push(record);
      if (record.stream !== 'book') continue;
      const applied = books.apply(record);
      if (record.kind === 'delta' && applied !== undefined && record.proof?.checksum !== null) checked++;
    }
  }
  return { books, problems, records, checked };
}

describe.runIf(hasData('ws_cryptofeed'))('cryptofeed captures', () => {
  it('spot books of depth 1000: every checksum is the one that our book gives', () => {
    const { problems, checked, books } = replay('kraken_spot', 'ws_cryptofeed/KRAKEN.ws.50.0.gz', 1000);
    expect(problems).toEqual([]);
    expect(checked).toBe(2815);
    expect([...books.all()].map(({ state }) => state)).toEqual(Array.from({ length: 7 }, () => 'valid'));
  });

  it('a spot change that is lost, changed or repeated with another size is found by the next checksum', () => {
    const frames = lines('ws_cryptofeed/KRAKEN.ws.50.0.gz').flatMap((line) => frameOf(line) ?? []);
    const decoder = spot.createDecoder({ instruments: [] });
    const all = frames.flatMap((frame) => decodeFrame(decoder, frame, RECEIVED).records);
    const changes = all.flatMap((record) => (record.stream === 'book' ? [record] : []));
    const touching = changes.findIndex((c, i) => i > 20 && c.kind === 'delta' && sumsDiffer(changes, i));
    const problems: BookProblem[] = [];
    const rule = { ...spot.book, keep: 1000 };
    const books = new BookSet({ rule, polled: false, onProblem: (problem) => problems.push(problem) });
    for (const [i, change] of changes.entries()) if (i !== touching) books.apply(change);
    expect(problems[0]).toMatchObject({ kind: 'book_checksum', symbol: changes[touching]?.symbol });
  });

  it('spot trades and tickers of v1 are read', () => {
    expect(replay('kraken_spot', 'ws_cryptofeed/KRAKEN.ws.48.0').records.length).toBe(4);
    expect(replay('kraken_spot', 'ws_cryptofeed/KRAKEN.ws.49.0').records.length).toBe(20);
  });

  it('futures books have no gap, and every frame gives its record', () => {
    const { problems, records, books } = replay('kraken_futures', 'ws_cryptofeed/KRAKEN_FUTURES.ws.1.0.gz');
    expect(problems).toEqual([]);
    expect(records.filter(({ stream }) => stream === 'book')).toHaveLength(5388);
    expect([...books.all()].every(({ state }) => state === 'valid')).toBe(true);
    expect([...books.all()]).toHaveLength(7);
  });

  it('instrument lists: kinds, names, steps and contract sizes', () => {
    const body = (file: string): string => {
      const line = lines(file).find((one) => one.startsWith('https:')) ?? '';
      return line.slice(line.indexOf(': {') + 2);
    };
    expect(futures.parseInstruments(body('ws_cryptofeed/KRAKEN_FUTURES.0'))).toContainEqual(
      expect.objectContaining({ symbol: 'BTCUSD_PI', venue_symbol: 'PI_XBTUSD', inverse: true, tick_size: 0.5 }),
    );
    expect(spot.parseInstruments(body('ws_cryptofeed/KRAKEN.0.gz'))).toContainEqual(
      expect.objectContaining({ symbol: 'BTCUSD', venue_symbol: 'BTC/USD', tick_size: 0.1, lot_size: 1e-8 }),
    );
  });
});

/** Whether the change at `i` changed the checksum of its symbol: then it touched the ten best levels. */
function sumsDiffer(changes: readonly Extract<MarketRecord, { stream: 'book' }>[], i: number): boolean {
  const own = changes[i];
  const same = changes.filter((c) => c.symbol === own?.symbol && c.proof?.checksum !== null);
  const at = own === undefined ? -1 : same.indexOf(own);
  const sums = [at - 1, at, at + 1].map((k) => same[k]?.proof?.checksum);
  return at > 0 && sums[2] !== undefined && sums[0] !== sums[1] && sums[2] !== sums[0];
}

describe.runIf(hasData('oracle_tardis_mappers'))('tardis mappers', () => {
  it('futures: trades, liquidations, books, best prices and derivative tickers', () => {
    const compared = compareFile('cryptofacilities.json', 'kraken_futures', {
      symbolsIn: (message) => (typeof message.product_id === 'string' ? [message.product_id] : []),
      ticker: (expected, records) => {
        const of = (stream: MarketRecord['stream']): any => records.find((record) => record.stream === stream) ?? {};
        expect(of('mark_prices')).toMatchObject({
          mark_price: expected.markPrice,
          index_price: expected.indexPrice,
          event_time: isoToUs(expected.timestamp),
        });
        expect(of('open_interest').open_interest).toBe(expected.openInterest);
        expect(of('ticker_24h').last_price).toBe(expected.lastPrice);
        expect(of('funding_rates').funding_rate ?? null).toBe(expected.fundingRate);
        const next = of('funding_rates').next_funding_time ?? null;
        expect(next).toBe(expected.fundingTimestamp === null ? null : isoToUs(expected.fundingTimestamp));
      },
    });
    expect(compared).toBe(13);
  });

  it('spot v2', () => {
    const symbolsIn = (message: any): string[] => message.data.map(({ symbol }: any) => symbol);
    expect(compareFile('kraken_v2.json', 'kraken_spot', { symbolsIn })).toBe(3);
  });

  it('spot v1: trades without an id, books', () => {
    const { records: all } = json('oracle_tardis_mappers/kraken.json');
    const decoder = spot.createDecoder({
      instruments: contractsOfOne(
        'kraken_spot',
        all.map(({ message }: any) => message.at(-1)),
      ),
    });
    let compared = 0;
    for (const { message, localTimestamp, expected } of all) {
      const { records } = decodeFrame(decoder, JSON.stringify(message), Date.parse(localTimestamp) * 1000);
      for (const one of expected ?? []) {
        // The reference takes the channel for the symbol where a null stands before it.
        const symbol = one.symbol === message.at(-2) ? message.at(-1) : one.symbol;
        compared += Number(compareResult({ ...one, symbol }, records));
      }
    }
    expect(compared).toBe(7);
  });
});

/** USD of an inverse contract, quote and base units of the reference from our base units. */
function amount(price: number, base: number, field: string): number {
  return field === 'quantity_base' ? base : price * base;
}

describe.runIf(hasData('raw_crypto_msg_parser'))('crypto-msg-parser', () => {
  it('frames and bodies decode to the reference', () => {
    let compared = 0;
    for (const { kind, test, market_type, raw, expected } of jsonLines('raw_crypto_msg_parser/kraken.jsonl')) {
      const market = market_type === 'Spot' ? spot : futures;
      const { verdict, records } = decodeAny(market, market.createDecoder({ instruments: [] }), raw, RECEIVED);
      const context = `${String(kind)} ${String(test)} ${JSON.stringify(verdict)}`;
      expect(verdict.kind, context).toBe('data');
      const trades = records.filter((record) => record.stream === 'trades');
      const book: any = records.find(({ stream }) => stream === 'book');
      const prices: any = records.find(({ stream }) => stream === 'prices');
      const candle: any = records.find(({ stream }) => stream === 'candles');
      for (const [expression, wanted] of Object.entries<any>(expected)) {
        const level = /^orderbook\.(bids|asks)\[(\d+)\]\.(\w+)/.exec(expression);
        const tradeField = /^trade\.(timestamp|price|side|quantity_\w+)$/.exec(expression)?.[1];
        // The newest trade of a snapshot comes first on the wire.
        const trade: any = trades.at(-1);
        let given: unknown;
        if (level !== null) {
          const [price, size] = book[level[1] ?? ''][Number(level[2])];
          given = level[3] === 'price' ? price : amount(price, size, level[3] ?? '');
        } else if (tradeField !== undefined) {
          given =
            tradeField === 'timestamp'
              ? trade.event_time / 1000
              : tradeField.startsWith('quantity')
                ? amount(trade.price, trade.quantity, tradeField)
                : trade[tradeField];
        } else if (expression.startsWith('bbo_msg.') && expression.includes('quantity')) {
          const side = expression.includes('ask') ? 'ask' : 'bid';
          given = amount(prices[`${side}_price`], prices[`${side}_qty`], expression.replace(/.*_(quantity_\w+)/, '$1'));
        } else if (/^bbo_msg\.(ask|bid)_price$/.test(expression)) given = prices[expression.slice('bbo_msg.'.length)];
        else if (/^candlestick_msg\.(open|high|low|close|volume)$/.test(expression)) {
          given = candle[expression.slice('candlestick_msg.'.length)];
        } else if (expression === 'candlestick_msg.begin_time') given = candle.open_time / 1e6;
        else if (expression === 'candlestick_msg.period') given = candle.interval.replace('m', '');
        else if (/\.(asks|bids)\.len\(\)$/.test(expression))
          given = book[expression.includes('asks') ? 'asks' : 'bids'].length;
        else if (expression === 'trades.len(' || expression === 'arr.len(') given = records.length;
        else if (/timestamp/.test(expression)) given = Math.floor((records.at(-1)?.event_time ?? NaN) / 1000);
        // Names are ours: BTCUSD for XBT/USD and XXBTZUSD; the reference's NONE is a body that does not say.
        else if (/symbol/.test(expression)) given = wanted;
        else throw new Error(`nothing answers ${expression}`);
        if (wanted === 0) expect(given, `${expression} ${context}`).toBe(0);
        else if (typeof wanted === 'number')
          expect(Number(given) / wanted, `${expression} ${context}`).toBeCloseTo(1, 9);
        else expect(given, `${expression} ${context}`).toBe(wanted);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(60);
  });
});

function* samples(): Generator<{ name: string; market: string; frame: any }> {
  const market = (file: string): string => (/utures/.test(file) ? 'kraken_futures' : 'kraken_spot');
  if (hasData('fixtures_jkorf')) {
    for (const { file, role, json: frame } of jsonLines('fixtures_jkorf/kraken/parsed.jsonl')) {
      // Candles of the charts do not say of what they are; what we never ask for is left out.
      const other =
        /Account|Trading|Private|GetAssets|Platform|Fee|Status|Spread|Futures.*Klines|Individual|JsonResponses.*GetTradesAsync/;
      if (other.test(file) || role === 'send') continue;
      yield { name: `jkorf ${String(file)}`, market: market(file), frame };
    }
  }
  if (hasData('fixtures_gocryptotrader')) {
    for (const line of lines('fixtures_gocryptotrader/kraken_wsHandleData.json')) {
      // Private channels begin with their list of orders or trades.
      if (!/^(\[\[|\{"(errorMessage|descr|result))/.test(line)) {
        yield { name: 'gct', market: 'kraken_spot', frame: JSON.parse(line) };
      }
    }
  }
  if (hasData('fixtures_barter')) {
    for (const { exchange, raw } of jsonLines('fixtures_barter/strings.jsonl')) {
      if (exchange === 'kraken') yield { name: 'barter', market: 'kraken_spot', frame: JSON.parse(raw) };
    }
  }
  for (const name of hasData('fixtures_nautilus') ? NAUTILUS : []) {
    yield { name, market: market(name), frame: json(`fixtures_nautilus/kraken/${name}.json`) };
  }
}

const NAUTILUS = [
  'http_asset_pairs',
  'http_futures_historical_funding_rates',
  'http_futures_instruments',
  'http_futures_orderbook',
  'http_futures_tickers',
  'http_ohlc',
  'http_server_time',
  'http_ticker',
  'http_trades',
  'ws_book_snapshot',
  'ws_futures_book_snapshot',
  'ws_futures_book_snapshot_with_zero_qty',
  'ws_futures_trade_snapshot',
  'ws_l3_update_add',
  'ws_ohlc_update',
  'ws_pong',
  'ws_subscribe_response',
  'ws_ticker_snapshot',
  'ws_trade_update',
];

describe('messages of other projects', () => {
  it('are read, and nothing in them is invented', () => {
    let read = 0;
    for (const { name, market: key, frame } of samples()) {
      if (exemptionOf('kraken', frame) !== undefined) continue;
      const market = marketOf(key);
      const raw = JSON.stringify(frame);
      const { verdict, records } = decodeAny(market, market.createDecoder({ instruments: [] }), raw, RECEIVED);
      expect(verdict.kind, `${name} ${raw.slice(0, 200)} ${JSON.stringify(verdict)}`).toMatch(/^(data|control|error)$/);
      for (const record of records) {
        for (const value of Object.values(record)) if (typeof value === 'number') expect(value).not.toBeNaN();
      }
      read += records.length;
    }
    if (hasData('fixtures_jkorf')) expect(read).toBeGreaterThan(60);
  });
});
