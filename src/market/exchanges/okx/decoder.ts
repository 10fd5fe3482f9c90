import { quoteOutside } from '../../../kit/outside.ts';
import { z } from 'zod';
import type { Us } from '../../../kit/clock.ts';
import type { Market, RecordSink } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Decoder, DecoderOptions, FrameVerdict, RestCall } from '../contract.ts';
import { fastReader, type FastReader, type ObjectsFrame } from '../shared/fast/reader.ts';
import { pushMark, type ReadContext } from '../shared/reading.ts';
import { createSymbolTable, type SymbolTable } from '../shared/symbols.ts';
import { isObject, numberOf, parseJson, priceOf, timeOf, type WireObject } from '../shared/values.ts';
import { control, readRows, refused, rejected, subscribed, verdictOf, type Reading } from '../shared/verdicts.ts';
import {
  readBest,
  readBook,
  readCandle,
  readFunding,
  readInterest,
  readLiquidation,
  readTicker,
  readTrade,
} from './normalise.ts';
import { OptionStates, optionStatesSchema } from './option.ts';
import { OKX_SHAPES } from './shapes.ts';
import { readSpread } from './spread.ts';
import {
  belongsTo,
  EXCHANGE,
  indexOf,
  intervalOf,
  isOption,
  namedFacts,
  OTHER_CANDLES,
  UNSTORED_CHANNELS,
} from './wire.ts';

/** Damaged frames make names up: what is held of them may not fill the memory. */
const MOST_NAMES = 20_000;

/** Channels of options alone. */
const OPTION_CHANNELS: ReadonlySet<string> = new Set(['opt-summary', 'option-trades']);
/** Channels that tell of all of a kind. */
const OF_ALL: ReadonlySet<string> = new Set(['liquidation-orders', 'opt-summary']);

const stateSchema = z.object({
  index: z.record(z.string(), z.number()),
  funding: z.record(z.string(), z.number()),
  asked: z.array(z.string()),
  all: z.boolean(),
  options: optionStatesSchema.default({}),
});

/**
 * Decodes one OKX market. Remembers index prices and funding rates, which mark prices are told with, and the instruments
 * that were subscribed to: liquidations come for all swaps at once, summaries for all options of a coin.
 */
export function createOkxDecoder(
  market: Market,
  rest: Readonly<Partial<Record<RestCallName, RestCall>>>,
  options: DecoderOptions,
): Decoder {
  return new OkxDecoder(market, rest, options);
}

const fast: Readonly<Partial<Record<Market, ReturnType<typeof fastReader>>>> = {
  futures: fastReader(EXCHANGE, 'futures', OKX_SHAPES),
  spot: fastReader(EXCHANGE, 'spot', OKX_SHAPES),
  options: fastReader(EXCHANGE, 'options', OKX_SHAPES),
};

class OkxDecoder implements Decoder {
  readonly bytes: FastReader | undefined;
  readonly #market: Market;
  readonly #rest: Readonly<Partial<Record<RestCallName, RestCall>>>;
  readonly #given: DecoderOptions;
  readonly #symbols: SymbolTable;
  readonly #index = new Map<string, number>();
  readonly #funding = new Map<string, number>();
  readonly #asked = new Set<string>();
  readonly #options = new OptionStates();
  /** Whether a channel that tells of all of a kind was subscribed to on this connection. */
  #all = false;

  constructor(market: Market, rest: Readonly<Partial<Record<RestCallName, RestCall>>>, options: DecoderOptions) {
    this.#market = market;
    this.#rest = rest;
    this.#given = options;
    const symbols = createSymbolTable(options, namedFacts(market));
    this.#symbols = symbols;
    // Frames of another market are for `frame`.
    const own = { facts: (name: unknown) => (belongsTo(market, name) ? symbols.facts(name) : undefined) };
    this.bytes = fast[market]?.(own, (frame) => this.#objects(frame));
  }

  frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    if (text === 'pong') return control('pong');
    const frame = parseJson(text);
    if (!isObject(frame)) return rejected(frame === undefined ? 'not JSON' : 'not a message');
    if (frame['event'] !== undefined) return this.#answer(frame);
    const { arg, data } = frame;
    if (!isObject(arg) || typeof arg['channel'] !== 'string') {
      return rejected(frame['table'] === undefined ? 'not a message' : 'retired v3 message');
    }
    if (!this.#isOwn(arg['channel'], arg['instId'])) return control('another market');
    if (!Array.isArray(data)) return rejected('message without data');
    const context = this.#context(recvTime, sink);
    if (arg['channel'].startsWith('sprd-')) return readSpread(arg['channel'], arg['sprdId'], frame, data, context);
    return this.#channel(arg['channel'], arg, frame, data, context);
  }

  rest(call: RestCallName, args: RestArgs, body: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const known = this.#rest[call];
    if (known === undefined) return rejected(`no REST call ${call} in this market`);
    return known.decode(body, args, recvTime, this.#given, sink);
  }

  state(): unknown {
    return {
      index: Object.fromEntries(this.#index),
      funding: Object.fromEntries(this.#funding),
      asked: [...this.#asked],
      all: this.#all,
      options: this.#options.state(),
    };
  }

  restore(state: unknown): void {
    const { index, funding, asked, all, options } = stateSchema.parse(state);
    this.#all = all;
    this.#options.restore(options);
    this.#index.clear();
    this.#funding.clear();
    this.#asked.clear();
    for (const [name, price] of Object.entries(index)) this.#index.set(name, price);
    for (const [name, rate] of Object.entries(funding)) this.#funding.set(name, rate);
    for (const name of asked) this.#asked.add(name);
  }

  #objects({ what, objects, recvTime, sink }: ObjectsFrame): FrameVerdict | undefined {
    if (what === 'opt-summary' && this.#market !== 'options') return undefined;
    return this.#channel(what, {}, {}, objects, this.#context(recvTime, sink));
  }

  #context(recvTime: Us, sink: RecordSink): ReadContext {
    return { exchange: EXCHANGE, market: this.#market, symbols: this.#symbols, recvTime, origin: 'live', sink };
  }

  #channel(
    channel: string,
    arg: WireObject,
    frame: WireObject,
    data: readonly unknown[],
    context: ReadContext,
  ): FrameVerdict {
    const { instId } = arg;
    switch (channel) {
      case 'trades':
      case 'trades-all':
      case 'option-trades':
        return verdictOf(readRows(data, (row) => readTrade(row, context)));
      case 'books':
      case 'books-l2-tbt':
      case 'books50-l2-tbt': {
        const { action } = frame;
        if (action !== 'snapshot' && action !== 'update') return rejected('book without an action');
        return verdictOf(readRows(data, (row) => readBook(row, instId, action === 'snapshot', context)));
      }
      case 'books5':
        return verdictOf(readRows(data, (row) => readBook(row, instId, true, context)));
      case 'bbo-tbt':
        return verdictOf(readRows(data, (row) => readBest(row, instId, context)));
      case 'tickers':
        return verdictOf(readRows(data, (row) => this.#remembered(channel, row, readTicker(row, context), context)));
      case 'liquidation-orders':
        return this.#market === 'options' ? control(channel) : this.#liquidations(data, context);
      case 'opt-summary':
        return this.#summaries(data, context);
      default:
        return this.#derivative(channel, instId, data, context);
    }
  }

  #derivative(channel: string, instId: unknown, data: readonly unknown[], context: ReadContext): FrameVerdict {
    switch (channel) {
      case 'mark-price':
        return verdictOf(readRows(data, (row) => this.#mark(row, context)));
      case 'index-tickers':
        return verdictOf(readRows(data, (row) => this.#indexPrice(row)));
      case 'funding-rate':
        return verdictOf(readRows(data, (row) => this.#fundingRate(row, context)));
      case 'open-interest':
        return verdictOf(readRows(data, (row) => this.#remembered(channel, row, readInterest(row, context), context)));
    }
    const interval = intervalOf(channel);
    if (interval !== undefined) {
      return verdictOf(readRows(data, (row) => readCandle(row, context.symbols.facts(instId), interval, context)));
    }
    if (UNSTORED_CHANNELS.has(channel) || OTHER_CANDLES.test(channel)) return control(channel);
    return rejected(`unknown channel ${quoteOutside(channel.slice(0, 40))}`);
  }

  #mark(row: unknown, context: ReadContext): Reading {
    if (!isObject(row)) return 'no mark price';
    const { instId, markPx, ts } = row;
    if (typeof instId !== 'string') return 'mark price without a symbol';
    // The mark price of an option is in its coin: it is told with the summary.
    if (this.#market === 'options') return this.#remembered('mark-price', row, 0, context);
    if (isOption(instId)) return 0;
    const index = this.#index.get(indexOf(instId)) ?? null;
    const funding = this.#funding.get(instId) ?? null;
    return pushMark(context.symbols.facts(instId), { mark: markPx, index, funding, time: timeOf(ts) }, context);
  }

  #isOwn(channel: string, instId: unknown): boolean {
    if (channel === 'index-tickers') return true;
    if (channel.startsWith('sprd-')) return this.#market === 'futures';
    return belongsTo(this.#market, instId) && (this.#market === 'options' || !OPTION_CHANNELS.has(channel));
  }

  #remembered(channel: string, row: unknown, reading: Reading, context: ReadContext): Reading {
    if (this.#market === 'options' && typeof reading === 'number') this.#options.remember(channel, row, context);
    return reading;
  }

  #summaries(data: readonly unknown[], context: ReadContext): FrameVerdict {
    const reading = readRows(data, (row) => {
      if (!isObject(row)) return 'no option summary';
      return this.#isOther(row['instId'])
        ? 0
        : this.#options.readSummary(row, this.#index.get(String(row['uly'])), context);
    });
    return reading === 0 ? control('summaries of others') : verdictOf(reading);
  }

  /** Of a channel that tells of all of a kind: not one of those that were asked for. */
  #isOther(instId: unknown): boolean {
    return this.#all && this.#asked.size > 0 && !this.#asked.has(String(instId));
  }

  #indexPrice(row: unknown): Reading {
    if (!isObject(row) || typeof row['instId'] !== 'string') return 'index price without a name';
    const price = priceOf(row['idxPx']);
    if (Number.isNaN(price)) return 'index price cannot be read';
    remember(this.#index, row['instId'], price);
    return 0;
  }

  #fundingRate(row: unknown, context: ReadContext): Reading {
    const reading = readFunding(row, context);
    if (typeof reading === 'number' && isObject(row) && typeof row['instId'] === 'string') {
      const rate = numberOf(row['fundingRate']);
      if (!Number.isNaN(rate)) remember(this.#funding, row['instId'], rate);
    }
    return reading;
  }

  #liquidations(data: readonly unknown[], context: ReadContext): FrameVerdict {
    let others = 0;
    const reading = readRows(data, (item) => {
      if (!isObject(item) || !Array.isArray(item['details'])) return 'liquidation without details';
      const { instId } = item;
      if (isOption(instId) || this.#isOther(instId)) {
        others++;
        return 0;
      }
      return readRows(item['details'], (row) => readLiquidation(row, instId, context));
    });
    return others > 0 && others === data.length ? control('liquidations of others') : verdictOf(reading);
  }

  /** `{"event":"subscribe","arg":{…}}` and its kind. */
  #answer({ event, arg, code, msg }: WireObject): FrameVerdict {
    if (event === 'error') return refused(`${String(code)}: ${String(msg)}`);
    if (event === 'subscribe' && isObject(arg) && OF_ALL.has(String(arg['channel']))) this.#all = true;
    if (isObject(arg) && typeof arg['instId'] === 'string' && arg['channel'] !== 'index-tickers') {
      if (event === 'subscribe' && this.#asked.size < MOST_NAMES) this.#asked.add(arg['instId']);
    }
    if (event === 'subscribe') return subscribed();
    return typeof event === 'string' ? control(event) : rejected('not a message');
  }
}

function remember(map: Map<string, number>, name: string, value: number): void {
  if (map.size >= MOST_NAMES && !map.has(name)) map.clear();
  map.set(name, value);
}
