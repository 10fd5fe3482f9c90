import { quoteOutside } from '../../../kit/outside.ts';
import { z } from 'zod';
import type { Us } from '../../../kit/clock.ts';
import { CANDLE_INTERVALS, type RecordSink } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Decoder, DecoderOptions, FrameVerdict, RestCall } from '../contract.ts';
import { fastReader, type FastReader } from '../shared/fast/reader.ts';
import { createSymbolTable, type SymbolTable } from '../shared/symbols.ts';
import { isObject, parseJson, type WireObject } from '../shared/values.ts';
import { control, readRows, refused, rejected, verdictOf, type Reading, subscribed } from '../shared/verdicts.ts';
import type { ReadContext } from './context.ts';
import { SPOT_SHAPES } from './shapes.ts';
import { candleOf, pushCandle, readBook, readTicker, readTrade, type Candle } from './spot-normalise.ts';
import { readArrayFrame } from './spot-v1.ts';
import { isoTimeOf, spotName } from './wire.ts';

/** Damaged frames make symbols up: what is held of them may not fill the memory. */
const MOST_SYMBOLS = 20_000;

/** Channels that are understood but not stored. */
const UNSTORED = new Set(['heartbeat', 'status', 'instrument', 'level3', 'ping', 'pong']);

const candle = z.object({
  interval: z.enum(CANDLE_INTERVALS),
  open_time: z.number(),
  close_time: z.number(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  trade_count: z.number().nullable(),
});
const stateSchema = z.object({ running: z.record(z.string(), candle) });

type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

/**
 * Decodes Kraken spot: WebSocket v2, and the array frames of v1. `ohlc` does not say when a candle is over: the one
 * before is, as it was last told, when the next begins, so each symbol's running candle is remembered.
 */
export function createSpotDecoder(rest: Calls, options: DecoderOptions): Decoder {
  return new SpotDecoder(rest, options);
}

const fast = fastReader('kraken', 'spot', SPOT_SHAPES);

class SpotDecoder implements Decoder {
  readonly bytes: FastReader;
  readonly #rest: Calls;
  readonly #options: DecoderOptions;
  readonly #symbols: SymbolTable;
  readonly #running = new Map<string, Candle>();

  constructor(rest: Calls, options: DecoderOptions) {
    this.#rest = rest;
    this.#options = options;
    const symbols = createSymbolTable(options, spotName);
    this.#symbols = symbols;
    this.bytes = fast(symbols, ({ objects, recvTime, sink }) => {
      const context: ReadContext = { market: 'spot', symbols, recvTime, origin: 'live', sink };
      return verdictOf(readRows(objects, (row) => readTicker(row, context)));
    });
  }

  frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const frame = parseJson(text);
    const context: ReadContext = { market: 'spot', symbols: this.#symbols, recvTime, origin: 'live', sink };
    if (Array.isArray(frame)) {
      return frame.length < 4 ? rejected('not a message') : verdictOf(readArrayFrame(frame, context));
    }
    if (!isObject(frame)) return rejected(frame === undefined ? 'not JSON' : 'not a message');
    if (typeof frame['channel'] === 'string') return this.#channel(frame['channel'], frame, text, context);
    return readAnswer(frame);
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
    for (const [key, held] of Object.entries(stateSchema.parse(state).running)) this.#running.set(key, held);
  }

  #channel(channel: string, frame: WireObject, text: string, context: ReadContext): FrameVerdict {
    if (channel === 'book') return verdictOf(readBook(frame, text, context));
    if (UNSTORED.has(channel)) return control(channel);
    const { data } = frame;
    if (!Array.isArray(data)) return rejected(`no data of ${quoteOutside(channel.slice(0, 40))}`);
    const rows: readonly unknown[] = data;
    switch (channel) {
      case 'trade':
        // Trades of before the subscription; what is missing of them REST gives.
        if (frame['type'] === 'snapshot') return control('trade snapshot');
        return verdictOf(readRows(rows, (row) => readTrade(row, context)));
      case 'ticker':
        return verdictOf(readRows(rows, (row) => readTicker(row, context)));
      case 'ohlc': {
        const { timestamp } = frame;
        const time = timestamp === undefined ? context.recvTime : isoTimeOf(timestamp);
        return verdictOf(readRows(rows, (row) => this.#candle(row, time, context)));
      }
      default:
        return rejected(`unknown channel ${quoteOutside(channel.slice(0, 40))}`);
    }
  }

  #candle(row: unknown, time: Us, context: ReadContext): Reading {
    if (!isObject(row)) return 'no candle';
    const facts = context.symbols.facts(row['symbol']);
    if (facts === undefined || Number.isNaN(time)) return 'candle without symbol or time';
    const next = candleOf(row);
    if (typeof next === 'string') return next;
    const key = `${facts.symbol} ${next.interval}`;
    const before = this.#running.get(key);
    if (before !== undefined && next.open_time < before.open_time) return 'candle older than the one before';
    if (before === undefined && this.#running.size >= MOST_SYMBOLS) this.#running.clear();
    this.#running.set(key, next);
    let records = 0;
    if (before !== undefined && before.open_time < next.open_time) {
      records += pushCandle(facts, before, { time: before.close_time, closed: true }, context);
    }
    return records + pushCandle(facts, next, { time, closed: false }, context);
  }
}

/** Answers of v2 (`method`, `success`) and events of v1 (`event`, `status`). */
function readAnswer(frame: WireObject): FrameVerdict {
  const { method, success, error, event, status, errorMessage } = frame;
  if (typeof method === 'string') {
    if (success === false || error !== undefined) return refused(typeof error === 'string' ? error : 'request refused');
    return method === 'subscribe' && success === true ? subscribed() : control(method);
  }
  if (typeof event !== 'string') return rejected('not a message');
  if (status === 'error' || event === 'error') {
    return refused(typeof errorMessage === 'string' ? errorMessage : 'request refused');
  }
  return control(event);
}
