import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { marketKey } from '../../../src/market/domain/records.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import {
  createDecodeStream,
  parseInstrumentFile,
  type DecodedObject,
  type UnreadLine,
} from '../../../src/market/exchanges/decode.ts';
import { fixtureCases, fixtureInstruments, fixtureMarkets } from './fixtures.ts';
import { decodeFrame, marketOf } from './recorded/data.ts';

const NOW = 1_790_000_000_000_000;

function start(key: string, instrumentText?: string) {
  const venueMarket = marketOf(key);
  const objects: DecodedObject[] = [];
  const unread: UnreadLine[] = [];
  const stream = createDecodeStream({
    venueMarket,
    instruments: instrumentText === undefined ? undefined : parseInstrumentFile(instrumentText, venueMarket),
    now: () => NOW,
    onObject: (object) => objects.push(object),
    onUnread: (line) => unread.push(line),
  });
  return { stream, objects, unread };
}

it('every venue market has its frames', () => {
  const markets = venues.flatMap((venue) => venue.markets.map((m) => marketKey(m.exchange, m.market)));
  expect(fixtureMarkets().toSorted()).toEqual(markets.sort());
});

describe.each(fixtureMarkets())('%s lines', (key) => {
  const [exchange = '', market = ''] = key.split('_');
  const { stream, objects } = start(key, fixtureInstruments(exchange, market));
  // In order, since the venue's partial messages are.
  it.each([...fixtureCases(exchange, market)])('$name', (one) => {
    objects.length = 0;
    const before = { ...stream.counts };
    stream.push(one.text ?? JSON.stringify(one.frame));
    expect(objects).toEqual(one.objects);
    for (const count of ['control', 'errors', 'unread'] as const) {
      expect(stream.counts[count] - before[count], count).toBe(one[count] ?? 0);
    }
    expect(stream.counts.records - before.records).toBe(one.objects.length);
  });
});

describe('a stream of lines', () => {
  it('counts and tells what it cannot read, and goes on', () => {
    const { stream, objects, unread } = start('binance_futures');
    for (const line of ['', '{"e":"aggTrade"', 'ping', '{"e":"newThing","s":"BTCUSDT"}', '[]', 'null'])
      stream.push(line);
    stream.push('{"e":"aggTrade","E":2,"a":3,"s":"BTCUSDT","p":"1","q":"2","T":1,"m":false}');
    expect(stream.counts).toEqual({ lines: 7, records: 1, control: 1, errors: 0, unread: 4 });
    expect(unread.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'not JSON'],
      [3, 'not JSON'],
      [4, 'unknown event ‹newThing›'],
      [6, 'not an event'],
    ]);
    expect(objects).toHaveLength(1);
  });

  it.each([
    ['1723161255.088169: ', 1_723_161_255_088_169],
    ['1723161255.5 ', 1_723_161_255_500_000],
    ['1723161255088 ', 1_723_161_255_088_000],
    ['1723161255088169 ', 1_723_161_255_088_169],
    ['1723161255088169167 ', 1_723_161_255_088_169],
  ])('takes the receive time %s from before the frame', (prefix, time) => {
    const { stream, objects } = start('binance_spot');
    stream.push(`${prefix}{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}`);
    expect(objects[0]?.['event_time']).toBe(time);
  });

  it('gives null for what depends on instruments when it has none', () => {
    const frame =
      '{"e":"markPriceUpdate","E":1780000000000,"s":"BTCUSDT","p":"1","i":"1","r":"0.0001","T":1780000001000}';
    const without = start('binance_futures');
    without.stream.push(frame);
    expect(without.objects[1]).toMatchObject({
      funding_rate: 0.0001,
      annualized_pct: null,
      funding_interval_hours: null,
    });
    const withList = start('binance_futures', '[{"symbol":"BTCUSDT","funding_interval_hours":8}]');
    withList.stream.push(frame);
    expect(withList.objects[1]).toMatchObject({ annualized_pct: 0.0001 * 3 * 365 * 100, funding_interval_hours: 8 });
  });

  it('names REST bodies after the only instrument', () => {
    const { stream, objects } = start('binance_spot', '[{"symbol":"ETHUSDT","contract_size":1}]');
    stream.push('{"lastUpdateId":7,"bids":[["1","2"]],"asks":[]}');
    stream.push('[{"a":9,"p":"5","q":"6","f":1,"l":1,"T":1780000000000,"m":true,"M":true}]');
    expect(objects.map((object) => [object['stream'], object['symbol']])).toEqual([
      ['book', 'ETHUSDT'],
      ['trades', 'ETHUSDT'],
    ]);
  });

  it('reads REST answers of Bybit', () => {
    const { stream, objects } = start('bybit_spot');
    stream.push(
      '{"retCode":0,"retMsg":"OK","result":{"category":"spot","symbol":"BTCUSDT","list":[["120000","3","4","2","3.5","10","30"],["60000","1","2","1","2","5","6"]]},"time":150000}',
    );
    expect(objects.map((o) => [o['symbol'], o['open_time'], o['interval'], o['closed'], o['event_time']])).toEqual([
      ['BTCUSDT', 60_000_000, '1m', true, 120_000_000],
      ['BTCUSDT', 120_000_000, '1m', false, 150_000_000],
    ]);
  });
});

describe('contracts whose size is not known', () => {
  const book =
    '{"arg":{"channel":"books","instId":"BTC-USDT-SWAP"},"action":"update","data":[{"asks":[["101","5","0","1"]],"bids":[["100","0","0","0"]],"ts":"1780000000000","seqId":2,"prevSeqId":1}]}';

  it('a book keeps its prices and what is gone, sizes are null', () => {
    const { stream, objects } = start('okx_futures');
    stream.push(book);
    expect(objects).toMatchObject([{ stream: 'book', symbol: 'BTCUSDT', asks: [[101, null]], bids: [[100, 0]] }]);
  });

  it('a liquidation does not say whether it is large, a candle not how much', () => {
    const { stream, objects } = start('gateio_futures');
    stream.push(
      '{"time":1780000000,"channel":"futures.public_liquidates","event":"update","result":[{"price":"1","size":-9,"time":1780000000,"time_ms":1780000000000,"contract":"BTC_USDT"}]}',
    );
    stream.push(
      '{"time":1780000000,"channel":"futures.candlesticks","event":"update","result":[{"t":1779999960,"v":3,"c":"1","h":"1","l":"1","o":"1","n":"1m_BTC_USDT"}]}',
    );
    expect(objects).toMatchObject([
      { stream: 'liquidations', quantity: null, value_usd: null, is_large: null, price: 1 },
      { stream: 'candles', volume: null, close: 1 },
    ]);
  });

  it.each([
    ['named as the venue does', '[{"symbol":"BTCUSDT","venue_symbol":"BTC-USDT-SWAP","contract_size":0.01}]'],
    ['named as we do', '[{"symbol":"BTCUSDT","contract_size":0.01}]'],
    [
      'in a list of several markets',
      '[{"symbol":"BTCUSDT","market":"spot","contract_size":1},{"symbol":"BTCUSDT","market":"futures","contract_size":0.01}]',
    ],
    [
      'in the answer of the venue, as a recorder wrote it',
      'https://www.okx.com/api/v5/public/instruments?instType=SWAP -> 1652458996.5: {"code":"0","data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP","ctType":"linear","ctVal":"0.01","ctMult":"1","state":"live"}]}\nconfiguration: {}',
    ],
  ])('its size is known where the instrument is %s', (_how, list) => {
    const { stream, objects } = start('okx_futures', list);
    stream.push(book);
    expect(objects).toMatchObject([{ symbol: 'BTCUSDT', asks: [[101, 0.05]] }]);
  });

  it('a list that tells the funding alone leaves sizes not known, and inverse contracts what they are', () => {
    const list =
      '[{"symbol":"BTCUSDT","funding_interval_hours":4},{"symbol":"BTCUSD","venue_symbol":"BTC-USD-SWAP","funding_interval_hours":8}]';
    const { stream, objects } = start('okx_futures', list);
    stream.push(book);
    stream.push(book.replace('BTC-USDT-SWAP', 'BTC-USD-SWAP').replace('"101"', '"100"'));
    expect(objects).toMatchObject([{ asks: [[101, null]] }, { symbol: 'BTCUSD', asks: [[100, 5]] }]);
  });

  it('the collector’s decoder refuses their events', () => {
    const { verdict, records } = decodeFrame(marketOf('okx_futures').createDecoder({ instruments: [] }), book, NOW);
    expect([verdict.kind, records]).toEqual(['rejected', []]);
  });
});

describe('lines of recorders', () => {
  const frame = '{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}';

  it('skips what the venue did not send', () => {
    const { stream, objects } = start('binance_spot');
    stream.push('wss://stream.binance.com:9443/stream <-> 1652459224.5300605');
    stream.push('wss://stream.binance.com:9443/stream <- 1652459225.29: {"method":"SUBSCRIBE"}');
    stream.push('configuration: {"trades":["BTC-USDT"]}');
    stream.push('https://nothing.at.all');
    stream.push(`\uFEFF${frame}\r`);
    expect(stream.counts).toEqual({ lines: 5, records: 1, control: 3, errors: 0, unread: 1 });
    expect(objects).toHaveLength(1);
  });

  it('knows from the URL what a REST answer is about, and when it came', () => {
    const { stream, objects } = start('binance_spot');
    stream.push(
      'https://api.binance.com/api/v3/depth?symbol=NKNUSDT&limit=1000 -> 1633998512.320639: {"lastUpdateId":7,"bids":[["0.3","2"]],"asks":[]}',
    );
    expect(objects).toMatchObject([{ stream: 'book', symbol: 'NKNUSDT', event_time: 1_633_998_512_320_639 }]);
  });

  it('reads the answer of a venue that names it otherwise by its list', () => {
    const list = '[{"symbol":"BTCUSDT","venue_symbol":"BTC_USDT","contract_size":0.0001}]';
    const { stream, objects } = start('gateio_futures', list);
    stream.push(
      'https://api.gateio.ws/api/v4/futures/usdt/order_book?contract=BTC_USDT&with_id=true -> 1633998512.5: {"id":9,"current":1633998512.4,"update":1633998512.3,"asks":[{"s":20000,"p":"2"}],"bids":[]}',
    );
    expect(objects).toMatchObject([{ stream: 'book', symbol: 'BTCUSDT', asks: [[2, 2]], seq: 9 }]);
  });

  it.each([
    ['2024-08-23T00:00:00.4985250Z ', 1_724_371_200_498_525],
    ['2024-08-23T00:00:00Z: ', 1_724_371_200_000_000],
  ])('takes the receive time %s', (prefix, time) => {
    const { stream, objects } = start('binance_spot');
    stream.push(prefix + frame);
    expect(objects[0]?.['event_time']).toBe(time);
  });

  it('reads a list of frames one by one', () => {
    const { stream, objects, unread } = start('bybit_futures');
    const trade = (s: string) =>
      `{"topic":"publicTrade.${s}","type":"snapshot","ts":1780000000001,"data":[{"T":1780000000000,"s":"${s}","S":"Buy","v":"1","p":"2","i":"a"}]}`;
    stream.push(`[${trade('BTCUSDT')},${trade('1000PEPEUSDT')}]`);
    expect(objects.map(({ symbol }) => symbol)).toEqual(['BTCUSDT', '1000PEPEUSDT']);
    stream.push(`[${trade('BTCUSDT')},{"topic":"x.y"}]`);
    stream.push('[{"topic":"x.y"},{}]');
    expect(unread.map(({ reason }) => reason)).toEqual(['1 of 2 frames: unknown topic ‹x›', 'not a message']);
    expect(stream.counts.records).toBe(3);
  });
});

describe('instrument files', () => {
  const market = marketOf('binance_futures');
  const info = JSON.stringify({
    symbols: [
      {
        symbol: 'BTCUSDT',
        contractType: 'PERPETUAL',
        status: 'TRADING',
        baseAsset: 'BTC',
        quoteAsset: 'USDT',
        filters: [],
      },
    ],
  });

  it('may be the venue’s own list, and its funding list a line later', () => {
    expect(parseInstrumentFile(info, market)).toMatchObject([{ symbol: 'BTCUSDT', funding_interval_hours: null }]);
    const both = `${info}\n[{"symbol":"BTCUSDT","fundingIntervalHours":4}]\n`;
    expect(parseInstrumentFile(both, market)).toMatchObject([{ symbol: 'BTCUSDT', funding_interval_hours: 4 }]);
  });

  it.each(['', '[]', '{}', 'no', '[{"symbol":""}]', '[{"symbol":"A","contract_size":-1}]'])('refuses %j', (text) => {
    expect(() => parseInstrumentFile(text, market)).toThrow(InvalidInput);
  });
});
