import { quoteOutside } from '../../../kit/outside.ts';
import type { Us } from '../../../kit/clock.ts';
import type { RecordSink } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Decoder, DecoderOptions, FrameVerdict, RestCall } from '../contract.ts';
import { fastReader } from '../shared/fast/reader.ts';
import { createSymbolTable } from '../shared/symbols.ts';
import { isObject, parseJson, type WireObject } from '../shared/values.ts';
import { control, readRows, refused, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { EXCHANGE, type ReadContext } from './context.ts';
import {
  readBookTicker,
  readDepth,
  readForceOrder,
  readMarkPrice,
  readRecordedSnapshot,
  readTrade,
} from './normalise.ts';
import { FUTURES_SHAPES, SPOT_SHAPES } from './shapes.ts';
import { BinanceOptions, isOption, isOptionEvent } from './option.ts';
import { pushOpenInterest, readKline, readTicker } from './statistics.ts';
import { depthKind, sizingRule, symbolOfStream, UNSTORED_EVENTS } from './wire.ts';

const fast = {
  futures: fastReader(EXCHANGE, 'futures', FUTURES_SHAPES),
  spot: fastReader(EXCHANGE, 'spot', SPOT_SHAPES),
};

/** Decodes one Binance market, and options on the way. Of other frames it remembers nothing but symbols. */
export function createBinanceDecoder(
  market: 'futures' | 'spot',
  rest: Readonly<Partial<Record<RestCallName, RestCall>>>,
  options: DecoderOptions,
): Decoder {
  const symbols = createSymbolTable(options, sizingRule);
  const european = new BinanceOptions();
  // Frames of options are for `frame`: their market is another.
  const ownSymbols = { facts: (name: unknown) => (isOption(name) ? undefined : symbols.facts(name)) };
  return {
    frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict {
      const value = parseJson(text);
      const context: EventContext = { market, symbols, recvTime, origin: 'live', sink, european };
      if (isObject(value)) return readFrame(value, context);
      if (Array.isArray(value)) return readEvents(value, '', context);
      return rejected(value === undefined ? 'not JSON' : 'not an event');
    },
    bytes: fast[market](ownSymbols, ({ objects: [k], name, time, recvTime, sink }) =>
      verdictOf(readKline({ s: name, E: time, k }, { market, symbols, recvTime, origin: 'live', sink })),
    ),
    rest(call: RestCallName, args: RestArgs, body: string, recvTime: Us, sink: RecordSink): FrameVerdict {
      const known = rest[call];
      if (known === undefined) return rejected(`no REST call ${call} in this market`);
      return known.decode(body, args, recvTime, options, sink);
    },
    state: () => european.state(),
    restore: (state) => {
      // Tapes of before options were read have none.
      if (state !== null) european.restore(state);
    },
  };
}

/** An event under way, with what is remembered of options. */
interface EventContext extends ReadContext {
  readonly european: BinanceOptions;
}

function readFrame(frame: WireObject, context: EventContext): FrameVerdict {
  const stream = frame['stream'];
  if (typeof stream !== 'string') return readEvent(frame, '', context);
  const data = frame['data'];
  if (isObject(data)) return readEvent(data, stream, context);
  if (Array.isArray(data)) return readEvents(data, stream, context);
  return rejected('stream without data');
}

function readEvents(events: readonly unknown[], stream: string, context: EventContext): FrameVerdict {
  if (events.length === 0) return control('empty list');
  let unstored = 0;
  const reading = readRows(events, (event) => {
    if (!isObject(event)) return 'not an event';
    const verdict = readEvent(event, stream, context);
    if (verdict.kind === 'data') return verdict.records;
    if (verdict.kind === 'control') unstored++;
    return verdict.kind === 'rejected' ? verdict.reason : 0;
  });
  return unstored === events.length ? control('events that are not stored') : verdictOf(reading);
}

function readEvent(event: WireObject, stream: string, context: EventContext): FrameVerdict {
  const kind = event['e'];
  if (context.market === 'futures' && isOptionEvent(event)) return context.european.read(event, stream, context);
  if (kind === undefined) return readUnnamed(event, stream, context);
  const reading = readNamed(kind, event, stream, context);
  if (reading !== undefined) return verdictOf(reading);
  if (typeof kind === 'string' && UNSTORED_EVENTS.has(kind)) return control(kind);
  return rejected(`unknown event ${typeof kind === 'string' ? quoteOutside(kind.slice(0, 40)) : ''}`);
}

function readNamed(kind: unknown, event: WireObject, stream: string, context: ReadContext): Reading | undefined {
  switch (kind) {
    case 'bookTicker':
      return readBookTicker(event, context);
    case 'depthUpdate': {
      const book = depthKind(stream);
      return book === 'other' ? 0 : readDepth(event, book === 'whole', context);
    }
    case 'aggTrade':
    case 'trade':
      return readTrade(event, context.symbols.facts(event['s']), context);
    case 'markPriceUpdate':
      return readMarkPrice(event, context);
    case 'kline':
      return readKline(event, context);
    case '24hrTicker':
    case '24hrMiniTicker':
      return readTicker(event, context);
    case 'forceOrder':
      return readForceOrder(event, context);
    default:
      return undefined;
  }
}

/** Events without `e`: spot best prices and partial books, answers to requests, and what recorders put between. */
function readUnnamed(event: WireObject, stream: string, context: ReadContext): FrameVerdict {
  if (event['b'] !== undefined && event['A'] !== undefined) return verdictOf(readBookTicker(event, context));
  if (event['lastUpdateId'] !== undefined && stream !== '') {
    return verdictOf(readRecordedSnapshot(event, context.symbols.facts(symbolOfStream(stream)), context));
  }
  if (event['openInterest'] !== undefined && stream !== '') {
    return verdictOf(pushOpenInterest(event['symbol'], event['openInterest'], undefined, event['time'], context));
  }
  const error = event['error'] ?? (event['code'] === undefined ? undefined : event);
  if (isObject(error)) return refused(`${String(error['code'])}: ${String(error['msg'])}`);
  if ('result' in event) {
    const result = event['result'];
    if (isObject(result) && result['error'] !== undefined) return refused(JSON.stringify(result['error']));
    return control('acknowledgement');
  }
  if (typeof event['method'] === 'string') return control('request');
  return rejected('not an event');
}
