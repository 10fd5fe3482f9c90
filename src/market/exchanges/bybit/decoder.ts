import { quoteOutside } from '../../../kit/outside.ts';
import { z } from 'zod';
import type { Us } from '../../../kit/clock.ts';
import type { BookRecord, Market, RecordSink } from '../../domain/records.ts';
import type { ByteRange, RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Decoder, DecoderOptions, FrameVerdict, RestCall } from '../contract.ts';
import { fastReader, type FastReader, type ObjectsFrame } from '../shared/fast/reader.ts';
import { createSymbolTable, type SymbolFacts } from '../shared/symbols.ts';
import { isObject, parseJson, sequenceOf, timeOf, type WireObject } from '../shared/values.ts';
import {
  control,
  dataVerdict,
  readRows,
  refused,
  rejected,
  subscribed,
  verdictOf,
  type Reading,
} from '../shared/verdicts.ts';
import { changeOf, mergeBest, NO_BEST, pushBest, type BestChange, type BestState } from './best.ts';
import { EXCHANGE, readBook, readKline, readLiquidation, readTrade, type ReadContext } from './normalise.ts';
import { readOptionTicker } from './option.ts';
import { BEST_SHAPES, BYBIT_SHAPES, TICKER_SHAPES } from './shapes.ts';
import { changesOf, mergeTicker, pushTicker, type TickerState } from './ticker.ts';
import { isOption, RETIRED_TOPICS, sizingRule, UNSTORED_TOPICS } from './wire.ts';

/** Damaged frames make symbols up: what is held of them may not fill the memory. */
const MOST_SYMBOLS = 20_000;

const level = z.tuple([z.number(), z.number()]).nullable();
const stateSchema = z.object({
  tickers: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.number()]).optional())),
  best: z.record(z.string(), z.object({ bid: level, ask: level })),
});

const fast = {
  futures: fastReader(EXCHANGE, 'futures', [...BYBIT_SHAPES, ...TICKER_SHAPES]),
  spot: fastReader(EXCHANGE, 'spot', [...BYBIT_SHAPES, ...TICKER_SHAPES]),
};
const fastBest = {
  futures: fastReader(EXCHANGE, 'futures', BEST_SHAPES),
  spot: fastReader(EXCHANGE, 'spot', BEST_SHAPES),
};

/** Decodes one Bybit market. Remembers each symbol's merged ticker and, of `orderbook.1`, its best prices. */
export function createBybitDecoder(
  market: 'futures' | 'spot',
  rest: Readonly<Partial<Record<RestCallName, RestCall>>>,
  options: DecoderOptions,
): Decoder {
  return new BybitDecoder(market, rest, options);
}

class BybitDecoder implements Decoder {
  readonly bytes: FastReader;
  readonly #bestOfBytes: FastReader;
  readonly #market: Market;
  readonly #rest: Readonly<Partial<Record<RestCallName, RestCall>>>;
  readonly #options: DecoderOptions;
  readonly #symbols: ReadContext['symbols'];
  readonly #tickers = new Map<string, TickerState>();
  readonly #best = new Map<string, BestState>();

  constructor(
    market: 'futures' | 'spot',
    rest: Readonly<Partial<Record<RestCallName, RestCall>>>,
    options: DecoderOptions,
  ) {
    this.#market = market;
    this.#rest = rest;
    this.#options = options;
    const symbols = createSymbolTable(options, sizingRule(market));
    this.#symbols = symbols;
    // Frames of options are for `frame`: their market is another.
    const own = { facts: (name: unknown) => (isOption(name) ? undefined : symbols.facts(name)) };
    this.#bestOfBytes = fastBest[market](own);
    const shaped = fast[market](own, (frame) => this.#objectsOfBytes(frame));
    this.bytes = (frame, recvTime, sink) => shaped(frame, recvTime, sink) ?? this.#bestBytes(frame, recvTime, sink);
  }

  frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const frame = parseJson(text);
    if (!isObject(frame)) return rejected(frame === undefined ? 'not JSON' : 'not a message');
    const topic = frame['topic'];
    if (typeof topic !== 'string') return readAnswer(frame);
    const market = isOptionFrame(topic, frame['data']) ? 'options' : this.#market;
    const context: ReadContext = { market, symbols: this.#symbols, recvTime, origin: 'live', sink };
    return this.#topic(topic, frame, context);
  }

  rest(call: RestCallName, args: RestArgs, body: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const known = this.#rest[call];
    if (known === undefined) return rejected(`no REST call ${call} in this market`);
    return known.decode(body, args, recvTime, this.#options, sink);
  }

  state(): unknown {
    const tickers = [...this.#tickers].map(([symbol, ticker]) => [symbol, { ...ticker }] as const);
    return { tickers: Object.fromEntries(tickers), best: Object.fromEntries(this.#best) };
  }

  restore(state: unknown): void {
    const { tickers, best } = stateSchema.parse(state);
    this.#tickers.clear();
    this.#best.clear();
    for (const [symbol, ticker] of Object.entries(tickers)) this.#tickers.set(symbol, ticker);
    for (const [symbol, levels] of Object.entries(best)) this.#best.set(symbol, levels);
  }

  #topic(topic: string, frame: WireObject, context: ReadContext): FrameVerdict {
    const dot = topic.indexOf('.');
    const kind = dot < 0 ? topic : topic.slice(0, dot);
    const data = frame['data'];
    switch (kind) {
      case 'orderbook':
        return this.#book(topic, frame, data, context);
      case 'publicTrade':
      case 'trade':
        return readList(data, context, readTrade);
      case 'tickers':
        return isObject(data)
          ? this.#ticker(frame['type'] === 'delta', data, messageTime(frame, context), context)
          : rejected('ticker without data');
      case 'kline': {
        const symbol = topic.slice(topic.indexOf('.', dot + 1) + 1);
        return readList(data, context, (row) => readKline(row, symbol, messageTime(frame, context), context));
      }
      case 'allLiquidation':
      case 'liquidation':
        return readList(Array.isArray(data) ? data : [data], context, (row) =>
          readLiquidation(row, messageTime(frame, context), context),
        );
      default:
        return unknownTopic(kind);
    }
  }

  #book(topic: string, frame: WireObject, data: unknown, context: ReadContext): FrameVerdict {
    if (topic.startsWith('orderbook.rpi.')) return control('orderbook.rpi');
    const snapshot = frame['type'] === 'snapshot';
    if (!isObject(data) || (!snapshot && frame['type'] !== 'delta')) return rejected('book without data or type');
    const time = messageTime(frame, context);
    if (!topic.startsWith('orderbook.1.')) return verdictOf(readBook(data, snapshot, time, context));
    const facts = this.#symbols.facts(data['s']);
    if (facts === undefined) return rejected('book without a symbol');
    const change = changeOf(data, snapshot);
    if (change === undefined) return rejected('best bid and ask cannot be read');
    return verdictOf(this.#mergeBest(facts, change, { time, seq: sequenceOf(data['u']) }, context));
  }

  #mergeBest(
    facts: SymbolFacts,
    change: BestChange,
    at: { readonly time: Us; readonly seq: number | null },
    context: ReadContext,
  ): Reading {
    const best = mergeBest(this.#best.get(facts.symbol) ?? NO_BEST, change);
    const reading = pushBest(best, facts, at, context);
    if (typeof reading === 'number') remember(this.#best, facts.symbol, best);
    return reading;
  }

  /** `orderbook.1` from its bytes, where sizes are base units and the symbol is as the wire writes it. */
  #bestBytes(frame: ByteRange, recvTime: Us, sink: RecordSink): FrameVerdict | undefined {
    let change: BookRecord | undefined;
    const read = this.#bestOfBytes(frame, recvTime, (record) => {
      if (record.stream === 'book') change = record;
    });
    if (read === undefined || change === undefined || change.symbol.includes('_')) return undefined;
    const facts = this.#symbols.facts(change.symbol);
    if (facts?.plain !== true) return undefined;
    const context: ReadContext = { market: this.#market, symbols: this.#symbols, recvTime, origin: 'live', sink };
    const { bids, asks, kind, event_time: time, seq } = change;
    return verdictOf(this.#mergeBest(facts, { snapshot: kind === 'snapshot', bids, asks }, { time, seq }, context));
  }

  #objectsOfBytes({ what, objects, name, time, recvTime, sink }: ObjectsFrame): FrameVerdict | undefined {
    const [data] = objects;
    if (data === undefined) return undefined;
    const context: ReadContext = { market: this.#market, symbols: this.#symbols, recvTime, origin: 'live', sink };
    if (what === 'kline') return readList(objects, context, (row) => readKline(row, name, time, context));
    return this.#ticker(what === 'delta', data, time, context);
  }

  #ticker(isChange: boolean, data: WireObject, time: Us, context: ReadContext): FrameVerdict {
    const symbol = data['symbol'];
    if (isOption(symbol)) return verdictOf(readOptionTicker(data, time, context));
    const facts = this.#symbols.facts(symbol);
    if (facts === undefined || typeof symbol !== 'string') return rejected('ticker without a symbol');
    const changes = changesOf(data);
    if (changes === undefined || Number.isNaN(time)) return rejected('ticker cannot be read');
    const before = isChange ? this.#tickers.get(symbol) : undefined;
    const state = before ?? {};
    mergeTicker(state, data);
    if (before === undefined) remember(this.#tickers, symbol, state);
    return dataVerdict(pushTicker(facts, state, changes, time, context));
  }
}

/** Topics name the option, but those of trades the coin alone. */
function isOptionFrame(topic: string, data: unknown): boolean {
  const row: unknown = Array.isArray(data) ? data[0] : data;
  return isOption(topic) || (isObject(row) && isOption(row['s'] ?? row['symbol']));
}

function remember<T>(map: Map<string, T>, symbol: string, value: T): void {
  if (map.size >= MOST_SYMBOLS && !map.has(symbol)) map.clear();
  map.set(symbol, value);
}

function readList(
  data: unknown,
  context: ReadContext,
  read: (row: unknown, context: ReadContext) => Reading,
): FrameVerdict {
  if (!Array.isArray(data)) return rejected('message without data');
  return verdictOf(readRows(data, (row) => read(row, context)));
}

/** `ts` of the message; when it came where there is none; NaN when it is no time. */
function messageTime(frame: WireObject, context: ReadContext): Us {
  const time = frame['ts'];
  return time === undefined ? context.recvTime : timeOf(time);
}

function unknownTopic(kind: string): FrameVerdict {
  if (UNSTORED_TOPICS.has(kind)) return control(kind);
  return rejected(
    RETIRED_TOPICS.has(kind) ? `retired topic ${kind}` : `unknown topic ${quoteOutside(kind.slice(0, 40))}`,
  );
}

/** Answers to requests: `{"success":true,"ret_msg":"pong","op":"ping"}` and their kind. */
function readAnswer(frame: WireObject): FrameVerdict {
  const { success, op, type, data, retCode } = frame;
  if (success === false) return refused(messageOf(frame));
  if (typeof retCode === 'number' && retCode !== 0) return refused(messageOf(frame));
  if (type === 'COMMAND_RESP' && isObject(data)) {
    const failed = data['failTopics'];
    return Array.isArray(failed) && failed.length > 0 ? refused(`no topic ${failed.join(', ')}`) : subscribed();
  }
  if (op === 'pong' || frame['ret_msg'] === 'pong') return control('pong');
  if (success === true && op === 'subscribe') return subscribed();
  if (success === true || op !== undefined) return control(nameOf(op));
  return rejected('not a message');
}

function nameOf(op: unknown): string {
  return typeof op === 'string' && op !== '' ? op : 'acknowledgement';
}

function messageOf(frame: WireObject): string {
  const message = frame['ret_msg'] ?? frame['retMsg'];
  return typeof message === 'string' && message !== '' ? message : 'request refused';
}
