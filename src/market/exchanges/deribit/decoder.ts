import { quoteOutside } from '../../../kit/outside.ts';
import { z } from 'zod';
import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval, Market, RecordSink } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Decoder, DecoderOptions, FrameVerdict, RestCall } from '../contract.ts';
import { closeOf } from '../shared/candle-times.ts';
import { fastReader, type FastReader } from '../shared/fast/reader.ts';
import type { ReadContext } from '../shared/reading.ts';
import { createSymbolTable, type SymbolTable } from '../shared/symbols.ts';
import { isObject, numberOf, parseJson, timeOf, type WireObject } from '../shared/values.ts';
import { control, dataVerdict, readRows, refused, rejected, subscribed, verdictOf } from '../shared/verdicts.ts';
import { readBook, readCandle, readTrade } from './normalise.ts';
import { BOOK_SHAPES, TICKER_SHAPES } from './shapes.ts';
import { readQuote, readTicker } from './ticker.ts';
import { belongsTo, EXCHANGE, intervalOf, isCombo, namedFacts } from './wire.ts';

/** Damaged frames make names up: what is held of them may not fill the memory. */
const MOST_NAMES = 20_000;

const candleSchema = z.object({ row: z.record(z.string(), z.number()), time: z.number() });
const stateSchema = z.object({ candles: z.record(z.string(), candleSchema) });

/** Channels that are understood but not stored, by their first word. */
const UNSTORED: ReadonlySet<string> = new Set([
  'announcements',
  'block_rfq',
  'block_trade_confirmations',
  'deribit_price_index',
  'deribit_price_ranking',
  'deribit_price_statistics',
  'deribit_volatility_index',
  'estimated_expiration_price',
  'incremental_ticker',
  'instrument',
  'markprice',
  'perpetual',
  'platform_state',
  'rfq',
  'user',
]);

/** The answer that keeps the connection: the venue cuts clients that leave a test request unanswered. */
const ALIVE = '{"jsonrpc":"2.0","id":0,"method":"public/test","params":{}}';

/** Decodes one Deribit market. Remembers the running candles: that one is closed shows when the next begins. */
export function createDeribitDecoder(
  market: Market,
  rest: Readonly<Partial<Record<RestCallName, RestCall>>>,
  options: DecoderOptions,
): Decoder {
  return new DeribitDecoder(market, rest, options);
}

const fast: Readonly<Partial<Record<Market, ReturnType<typeof fastReader>>>> = {
  futures: fastReader(EXCHANGE, 'futures', [...BOOK_SHAPES, ...TICKER_SHAPES]),
  options: fastReader(EXCHANGE, 'options', [...BOOK_SHAPES, ...TICKER_SHAPES]),
};

class DeribitDecoder implements Decoder {
  readonly bytes: FastReader | undefined;
  readonly #market: Market;
  readonly #rest: Readonly<Partial<Record<RestCallName, RestCall>>>;
  readonly #options: DecoderOptions;
  readonly #symbols: SymbolTable;
  readonly #candles = new Map<string, z.output<typeof candleSchema>>();

  constructor(market: Market, rest: Readonly<Partial<Record<RestCallName, RestCall>>>, options: DecoderOptions) {
    this.#market = market;
    this.#rest = rest;
    this.#options = options;
    const symbols = createSymbolTable(options, namedFacts);
    this.#symbols = symbols;
    const own = {
      facts: (name: unknown) => (belongsTo(market, name) && !isCombo(name) ? symbols.facts(name) : undefined),
    };
    this.bytes = fast[market]?.(own, ({ objects: [data], recvTime, sink }) =>
      data === undefined ? undefined : verdictOf(readTicker(data, this.#context(recvTime, sink))),
    );
  }

  frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const frame = parseJson(text);
    if (!isObject(frame)) return rejected(frame === undefined ? 'not JSON' : 'not a message');
    const { method, params } = frame;
    if (method === 'heartbeat' && isObject(params)) {
      return params['type'] === 'test_request'
        ? { kind: 'control', what: 'test request', reply: ALIVE }
        : control('heartbeat');
    }
    if (method !== 'subscription' || !isObject(params)) return readAnswer(frame);
    const { channel, data } = params;
    if (typeof channel !== 'string') return rejected('message without a channel');
    return this.#channel(channel, data, this.#context(recvTime, sink));
  }

  #context(recvTime: Us, sink: RecordSink): ReadContext {
    return { exchange: EXCHANGE, market: this.#market, symbols: this.#symbols, recvTime, origin: 'live', sink };
  }

  rest(call: RestCallName, args: RestArgs, body: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const known = this.#rest[call];
    if (known === undefined) return rejected(`no REST call ${call} in this market`);
    return known.decode(body, args, recvTime, this.#options, sink);
  }

  state(): unknown {
    return { candles: Object.fromEntries(this.#candles) };
  }

  restore(state: unknown): void {
    this.#candles.clear();
    for (const [name, candle] of Object.entries(stateSchema.parse(state).candles)) this.#candles.set(name, candle);
  }

  #channel(channel: string, data: unknown, context: ReadContext): FrameVerdict {
    const [kind = '', name = '', instrument = '', resolution] = channel.split('.');
    switch (kind) {
      case 'trades':
        return Array.isArray(data)
          ? verdictOf(readRows(data, (row) => readTrade(row, context)))
          : rejected('message without data');
      case 'book':
      case 'ticker':
      case 'quote': {
        if (!isObject(data)) return rejected('message without data');
        if (!belongsTo(this.#market, data['instrument_name'])) return control(`${kind} of another market`);
        const read = kind === 'book' ? readBook : kind === 'ticker' ? readTicker : readQuote;
        return verdictOf(read(data, context));
      }
      case 'chart':
        if (name !== 'trades' || !isObject(data)) return rejected('chart without data');
        if (!belongsTo(this.#market, instrument)) return control('chart of another market');
        return this.#chart(instrument, intervalOf(resolution ?? ''), data, context);
      default:
        return UNSTORED.has(kind) ? control(kind) : rejected(`unknown channel ${quoteOutside(kind.slice(0, 40))}`);
    }
  }

  #chart(name: string, interval: CandleInterval | undefined, data: WireObject, context: ReadContext): FrameVerdict {
    return interval === undefined ? control('other candles') : this.#candle(name, interval, data, context);
  }

  #candle(name: string, interval: CandleInterval, data: WireObject, context: ReadContext): FrameVerdict {
    const open = timeOf(data['tick']);
    // History, which tells of the candle after its end, has the last word.
    const time = Math.min(context.recvTime, closeOf(open, interval) - 1);
    const running = { interval, time, closed: false };
    const judged = readCandle(name, data, running, { ...context, sink: () => undefined });
    if (typeof judged === 'string') return rejected(judged);
    const key = interval === '1m' ? name : `${name} ${interval}`;
    const before = this.#candles.get(key);
    const newer = before !== undefined && numberOf(data['tick']) > (before.row['tick'] ?? NaN);
    if (newer) readCandle(name, before.row, { interval, time: before.time, closed: true }, context);
    readCandle(name, data, running, context);
    if (before === undefined || numberOf(data['tick']) >= (before.row['tick'] ?? NaN)) {
      if (this.#candles.size >= MOST_NAMES && before === undefined) this.#candles.clear();
      this.#candles.set(key, { row: numbersOf(data), time });
    }
    return dataVerdict(newer ? 2 : 1);
  }
}

function numbersOf(data: WireObject): Record<string, number> {
  const row: Record<string, number> = {};
  for (const field of ['tick', 'open', 'high', 'low', 'close', 'volume', 'cost']) {
    const value = numberOf(data[field]);
    if (!Number.isNaN(value)) row[field] = value;
  }
  return row;
}

/** Answers to requests: the channels subscribed, `ok`, the version; data of REST calls is not for here. */
function readAnswer(frame: WireObject): FrameVerdict {
  const { error, result } = frame;
  if (isObject(error)) return refused(`${String(error['code'])}: ${String(error['message'])}`);
  if (result === 'ok') return control('acknowledgement');
  if (isObject(result) && typeof result['version'] === 'string') return control('test');
  if (Array.isArray(result) && result.every((one) => typeof one === 'string')) return subscribed();
  return rejected('not a message');
}
