import { quoteOutside } from '../../../kit/outside.ts';
import { z } from 'zod';
import type { Us } from '../../../kit/clock.ts';
import type { Market, RecordSink } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Decoder, DecoderOptions, FrameVerdict, RestCall } from '../contract.ts';
import { closeOf } from '../shared/candle-times.ts';
import { fastReader, type FastReader, type ObjectsFrame } from '../shared/fast/reader.ts';
import { pushCandle, type ReadContext } from '../shared/reading.ts';
import { createSymbolTable, type SymbolFacts, type SymbolTable } from '../shared/symbols.ts';
import { isObject, optionalSize, parseJson, sizeOf, type WireObject } from '../shared/values.ts';
import { control, refused, rejected, subscribed, verdictOf, type Reading } from '../shared/verdicts.ts';
import {
  readFuturesChange,
  readFuturesDay,
  readFuturesPrices,
  readInstrument,
  readLevelOne,
  readSpotChanges,
  readSpotDay,
  readSpotPrices,
  readTrade,
  readWholeBook,
} from './normalise.ts';
import { FUTURES_SHAPES, SPOT_SHAPES } from './shapes.ts';
import { readUnified } from './unified.ts';
import { futuresName, intervalOf, spotName, timeAt, UNSTORED_TOPICS } from './wire.ts';

type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

/** Damaged frames make symbols up: what is held of them may not fill the memory. */
const MOST_SYMBOLS = 20_000;

const wireCandle = z.array(z.union([z.string(), z.number()])).length(7);
const stateSchema = z.object({ running: z.record(z.string(), wireCandle) });
type WireRow = z.output<typeof wireCandle>;

/**
 * Decodes one KuCoin market. Spot candles do not say when they are over: the one before is, as it was last told, when
 * the next begins, so each symbol's running candle is remembered.
 */
export function createKucoinDecoder(market: Market, rest: Calls, options: DecoderOptions): Decoder {
  return new KucoinDecoder(market, rest, options);
}

const fast = {
  futures: fastReader('kucoin', 'futures', FUTURES_SHAPES),
  spot: fastReader('kucoin', 'spot', SPOT_SHAPES),
};

class KucoinDecoder implements Decoder {
  readonly bytes: FastReader;
  readonly #market: Market;
  readonly #rest: Calls;
  readonly #options: DecoderOptions;
  readonly #symbols: SymbolTable;
  readonly #running = new Map<string, WireRow>();

  constructor(market: Market, rest: Calls, options: DecoderOptions) {
    this.#market = market;
    this.#rest = rest;
    this.#options = options;
    this.#symbols = createSymbolTable(options, market === 'spot' ? spotName : futuresName);
    this.bytes = fast[market === 'spot' ? 'spot' : 'futures'](this.#symbols, (frame) => this.#objectOfBytes(frame));
  }

  frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const frame = parseJson(text);
    if (!isObject(frame)) return rejected(frame === undefined ? 'not JSON' : 'not a message');
    const { topic, data, subject } = frame;
    if (typeof topic !== 'string' && frame['T'] === undefined) return readAnswer(frame);
    const context = this.#context(recvTime, sink);
    if (typeof topic !== 'string') return readUnified(frame, context);
    if (!isObject(data)) return rejected('message without data');
    const colon = topic.indexOf(':');
    const name = colon < 0 ? topic : topic.slice(0, colon);
    const named = topic.slice(colon + 1);
    if (UNSTORED_TOPICS.has(name)) return control(name);
    const reading = this.#message(name, named, subject, data, context);
    return reading === undefined ? rejected(`unknown topic ${quoteOutside(name.slice(0, 40))}`) : verdictOf(reading);
  }

  rest(call: RestCallName, args: RestArgs, body: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const known = this.#rest[call];
    return known === undefined
      ? rejected(`no REST call ${call} in this market`)
      : known.decode(body, args, recvTime, this.#options, sink);
  }

  state(): unknown {
    return { running: Object.fromEntries(this.#running) };
  }

  restore(state: unknown): void {
    this.#running.clear();
    for (const [key, row] of Object.entries(stateSchema.parse(state).running)) this.#running.set(key, row);
  }

  #context(recvTime: Us, sink: RecordSink): ReadContext {
    const [market, symbols] = [this.#market, this.#symbols];
    return { exchange: 'kucoin', market, symbols, recvTime, origin: 'live', sink };
  }

  #objectOfBytes({ what, objects: [data], name: named, recvTime, sink }: ObjectsFrame): FrameVerdict | undefined {
    // Tickers of all symbols name theirs elsewhere.
    if (data === undefined || named === 'all') return undefined;
    const reading = this.#message(what, named, undefined, data, this.#context(recvTime, sink));
    return reading === undefined ? undefined : verdictOf(reading);
  }

  #message(name: string, named: string, subject: unknown, data: WireObject, context: ReadContext): Reading | undefined {
    const facts = this.#symbols.facts(data['symbol'] ?? named);
    switch (name) {
      case '/market/match':
      case '/contractMarket/execution':
        return readTrade(facts, data, context);
      case '/market/ticker':
        return readSpotPrices(this.#symbols.facts(named === 'all' ? subject : named), data, context);
      case '/contractMarket/tickerV2':
      case '/contractMarket/ticker':
        return readFuturesPrices(facts, data, context);
      case '/spotMarket/level1':
        return readLevelOne(facts, data, context);
      case '/spotMarket/level2Depth5':
      case '/spotMarket/level2Depth50':
      case '/contractMarket/level2Depth5':
      case '/contractMarket/level2Depth50':
        return readWholeBook(facts, data, context);
      case '/market/level2':
        return readSpotChanges(facts, data, context);
      case '/contractMarket/level2':
        return readFuturesChange(facts, data, context);
      case '/market/snapshot': {
        const day = data['data'];
        return isObject(day) ? readSpotDay(this.#symbols.facts(day['symbol']), day, context) : 'ticker without data';
      }
      case '/contractMarket/snapshot':
        return readFuturesDay(facts, data, context);
      case '/contract/instrument':
        return readInstrument(facts, subject, data, context);
      case '/market/candles':
        return this.#candle(facts, named.slice(named.lastIndexOf('_') + 1), data, context);
      default:
        return undefined;
    }
  }

  #candle(facts: SymbolFacts | undefined, length: string, data: WireObject, context: ReadContext): Reading {
    const row = wireCandle.safeParse(data['candles']);
    const time = timeAt(data['time']);
    if (facts === undefined || !row.success || Number.isNaN(time)) return 'candle cannot be read';
    const key = `${facts.symbol} ${length}`;
    const before = this.#running.get(key);
    const [start, held] = [Number(row.data[0]), Number(before?.[0])];
    if (start < held) return 'candle older than the one before';
    const reading = pushWireCandle(
      facts,
      row.data,
      length,
      { time, closed: false },
      { ...context, sink: () => undefined },
    );
    if (typeof reading === 'string') return reading;
    let records = 0;
    if (before !== undefined && held < start) {
      const closed = pushWireCandle(facts, before, length, { time: null, closed: true }, context);
      if (typeof closed === 'number') records += closed;
    }
    if (before === undefined && this.#running.size >= MOST_SYMBOLS) this.#running.clear();
    this.#running.set(key, row.data);
    pushWireCandle(facts, row.data, length, { time, closed: false }, context);
    return records + reading;
  }
}

/** `[start s, open, close, high, low, volume, turnover]`. A closed one is of its end. */
export function pushWireCandle(
  facts: SymbolFacts | undefined,
  row: readonly unknown[],
  length: string,
  said: { readonly time: Us | null; readonly closed: boolean },
  context: ReadContext,
): Reading {
  const [start, open, close, high, low, volume, turnover] = row;
  const interval = intervalOf(length);
  const begin = timeAt(Number(start) * 1000);
  if (interval === undefined || Number.isNaN(begin)) return 'candle of no known length or time';
  const end = closeOf(begin, interval);
  const candle = {
    interval,
    time: said.time ?? end,
    open: begin,
    close: end,
    closed: said.closed,
    prices: [open, high, low, close],
    volume: sizeOf(volume),
    quoteVolume: optionalSize(turnover),
  };
  return pushCandle(facts, candle, context);
}

/** `welcome`, `ack`, `pong`, and `error` with a code; of the unified interface `{"id","result"}`. */
function readAnswer({ id, result, type, code, data }: WireObject): FrameVerdict {
  if (typeof id === 'string' && typeof result === 'boolean') return result ? subscribed() : refused('request refused');
  if (typeof type !== 'string') return rejected('not a message');
  if (type === 'error') return refused(`${String(code)}: ${typeof data === 'string' ? data : 'request refused'}`);
  if (type === 'ack') return subscribed();
  return ['welcome', 'pong'].includes(type)
    ? control(type)
    : rejected(`unknown type ${quoteOutside(type.slice(0, 40))}`);
}
