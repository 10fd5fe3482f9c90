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
import { marketOf } from './recorded/data.ts';

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
