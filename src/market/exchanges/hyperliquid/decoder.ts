import { quoteOutside } from '../../../kit/outside.ts';
import { z } from 'zod';
import type { Us } from '../../../kit/clock.ts';
import type { RecordSink } from '../../domain/records.ts';
import type { ByteRange, RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Decoder, DecoderOptions, FrameVerdict, RestCall } from '../contract.ts';
import type { ReadContext } from '../shared/reading.ts';
import { fastReader, type FastReader } from '../shared/fast/reader.ts';
import { createSymbolTable, type SymbolTable } from '../shared/symbols.ts';
import { afterInclusive, isObject, numberOf, parseJson, type WireObject } from '../shared/values.ts';
import { control, dataVerdict, readRows, refused, rejected, subscribed, verdictOf } from '../shared/verdicts.ts';
import { readBest, readBook, readCandle, readContextOf, readTrade } from './normalise.ts';
import { HYPERLIQUID_SHAPES } from './shapes.ts';
import { EXCHANGE, namedFacts, UNSTORED_CHANNELS } from './wire.ts';

/** Damaged frames make coins up: what is held of them may not fill the memory. */
const MOST_COINS = 20_000;

const candleSchema = z.object({
  row: z.record(z.string(), z.union([z.string(), z.number()])),
  time: z.number(),
});
const stateSchema = z.object({
  begun: z.array(z.string()),
  books: z.record(z.string(), z.number()),
  candles: z.record(z.string(), candleSchema),
});

const OVERTAKEN = control('overtaken book');
const fast = fastReader(EXCHANGE, 'futures', HYPERLIQUID_SHAPES);

/**
 * Decodes Hyperliquid's perpetuals. Remembers
 * - the coins whose first `trades` message came: it repeats trades from before the subscription and is left out (the
 *   history call fetches them),
 * - the time of each symbol's book, since an overtaken one is older and there is no sequence,
 * - the running candles: the wire does not say that one is closed, the beginning of the next does.
 */
export function createHyperliquidDecoder(
  rest: Readonly<Partial<Record<RestCallName, RestCall>>>,
  options: DecoderOptions,
): Decoder {
  return new HyperliquidDecoder(rest, options);
}

class HyperliquidDecoder implements Decoder {
  readonly #shaped: FastReader;
  readonly #rest: Readonly<Partial<Record<RestCallName, RestCall>>>;
  readonly #options: DecoderOptions;
  readonly #symbols: SymbolTable;
  readonly #begun = new Set<string>();
  readonly #books = new Map<string, number>();
  readonly #candles = new Map<string, z.output<typeof candleSchema>>();

  constructor(rest: Readonly<Partial<Record<RestCallName, RestCall>>>, options: DecoderOptions) {
    this.#rest = rest;
    this.#options = options;
    this.#symbols = createSymbolTable(options, namedFacts);
    this.#shaped = fast(this.#symbols);
  }

  bytes(frame: ByteRange, recvTime: Us, sink: RecordSink): FrameVerdict | undefined {
    const found = { overtaken: false };
    const verdict = this.#shaped(frame, recvTime, (record) => {
      if (record.stream === 'book' && this.#isOvertaken(record.symbol, record.event_time)) found.overtaken = true;
      else sink(record);
    });
    return found.overtaken ? OVERTAKEN : verdict;
  }

  frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const frame = parseJson(text);
    if (!isObject(frame)) return rejected(frame === undefined ? 'not JSON' : 'not a message');
    const { channel, data } = frame;
    if (typeof channel !== 'string') return isMids(frame) ? control('allMids') : rejected('not a message');
    const context = {
      exchange: EXCHANGE,
      market: 'futures',
      symbols: this.#symbols,
      recvTime,
      origin: 'live',
      sink,
    } as const;
    switch (channel) {
      case 'trades':
        return this.#trades(data, context);
      case 'l2Book':
        return this.#book(data, context);
      case 'bbo':
        return verdictOf(readBest(data, context));
      case 'activeAssetCtx':
        return isObject(data)
          ? verdictOf(readContextOf(data['coin'], data['ctx'], recvTime, context))
          : rejected('no asset context');
      case 'candle':
        return this.#candle(data, context);
      case 'subscriptionResponse':
        return isObject(data) && data['method'] === 'subscribe' ? subscribed() : control(channel);
      case 'error':
        return refused(typeof data === 'string' && data !== '' ? data : 'request refused');
      default:
        return UNSTORED_CHANNELS.has(channel)
          ? control(channel)
          : rejected(`unknown channel ${quoteOutside(channel.slice(0, 40))}`);
    }
  }

  rest(call: RestCallName, args: RestArgs, body: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const known = this.#rest[call];
    if (known === undefined) return rejected(`no REST call ${call} in this market`);
    return known.decode(body, args, recvTime, this.#options, sink);
  }

  state(): unknown {
    return {
      begun: [...this.#begun],
      books: Object.fromEntries(this.#books),
      candles: Object.fromEntries(this.#candles),
    };
  }

  restore(state: unknown): void {
    const { begun, books, candles } = stateSchema.parse(state);
    for (const held of [this.#begun, this.#books, this.#candles]) held.clear();
    for (const coin of begun) this.#begun.add(coin);
    for (const [coin, time] of Object.entries(books)) this.#books.set(coin, time);
    for (const [key, candle] of Object.entries(candles)) this.#candles.set(key, candle);
  }

  #trades(data: unknown, context: ReadContext): FrameVerdict {
    if (!Array.isArray(data)) return rejected('message without data');
    const rows: readonly unknown[] = data;
    const [first] = rows;
    const coin = isObject(first) ? first['coin'] : undefined;
    if (typeof coin === 'string' && !this.#begun.has(coin)) {
      if (this.#begun.size >= MOST_COINS) this.#begun.clear();
      this.#begun.add(coin);
      return control('trades before the subscription');
    }
    return verdictOf(readRows(rows, (row) => readTrade(row, context)));
  }

  #book(data: unknown, context: ReadContext): FrameVerdict {
    if (!isObject(data)) return rejected('no book');
    const found = { overtaken: false };
    const reading = readBook(data, {
      ...context,
      sink: (record) => {
        found.overtaken = this.#isOvertaken(record.symbol, record.event_time);
        if (!found.overtaken) context.sink(record);
      },
    });
    return found.overtaken ? OVERTAKEN : verdictOf(reading);
  }

  /** Whether a newer book of the symbol came before, else remembers this one's time. */
  #isOvertaken(symbol: string, time: Us): boolean {
    const before = this.#books.get(symbol);
    if (before !== undefined && time < before) return true;
    remember(this.#books, symbol, time);
    return false;
  }

  #candle(data: unknown, context: ReadContext): FrameVerdict {
    if (!isObject(data)) return rejected('no candle');
    const { recvTime } = context;
    const key = `${String(data['s'])} ${String(data['i'])}`;
    const before = this.#candles.get(key);
    const begin = numberOf(data['t']);
    const held = before === undefined ? NaN : numberOf(before.row['t']);
    // The last state of a candle that the next one ended is told again; the history call has the last word on it.
    const time = Math.min(recvTime, lastOf(data, recvTime));
    const judged = readCandle(data, time, false, { ...context, sink: () => undefined });
    if (typeof judged === 'string') return rejected(judged);
    const newer = before !== undefined && begin > held;
    if (newer) readCandle(before.row, before.time, true, context);
    readCandle(data, time, false, context);
    if (before === undefined || begin >= held) remember(this.#candles, key, { row: plainRow(data), time });
    return dataVerdict(newer ? 2 : 1);
  }
}

/** The last µs of a candle: what the stream says of it is older than what history says after its end. */
function lastOf(row: WireObject, otherwise: Us): Us {
  const close = afterInclusive(row['T']);
  return Number.isNaN(close) ? otherwise : close - 1;
}

function plainRow(data: WireObject): Record<string, string | number> {
  const row: Record<string, string | number> = {};
  for (const name of ['t', 'T', 's', 'i', 'o', 'h', 'l', 'c', 'v', 'n']) {
    const value = data[name];
    if (typeof value === 'string' || typeof value === 'number') row[name] = value;
  }
  return row;
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= MOST_COINS && !map.has(key)) map.clear();
  map.set(key, value);
}

/** `{"BTC":"95000.5","ETH":"3300.1"}`: the mids of all coins, which have no sides and are not stored. */
function isMids(value: WireObject): boolean {
  const prices = Object.values(value);
  return prices.length > 0 && prices.every((price) => typeof price === 'string' && numberOf(price) > 0);
}
