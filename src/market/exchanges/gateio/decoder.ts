import { quoteOutside } from '../../../kit/outside.ts';
import type { Us } from '../../../kit/clock.ts';
import type { Market, RecordSink } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Decoder, DecoderOptions, FrameVerdict, RestCall } from '../contract.ts';
import type { ReadContext } from '../shared/reading.ts';
import { fastReader } from '../shared/fast/reader.ts';
import { createSymbolTable, type SymbolTable } from '../shared/symbols.ts';
import { isObject, parseJson, type WireObject } from '../shared/values.ts';
import { control, readRows, refused, rejected, subscribed, verdictOf, type Reading } from '../shared/verdicts.ts';
import {
  readBest,
  readBookChange,
  readCandle,
  readFuturesTicker,
  readFuturesTrade,
  readLiquidation,
  readOldChanges,
  readSpotTicker,
  readSpotTrade,
  readWholeBook,
} from './normalise.ts';
import { FUTURES_SHAPES, SPOT_SHAPES } from './shapes.ts';
import { EXCHANGE, gateTime, namedFacts, UNSTORED_CHANNELS } from './wire.ts';

const fast = {
  futures: fastReader(EXCHANGE, 'futures', FUTURES_SHAPES),
  spot: fastReader(EXCHANGE, 'spot', SPOT_SHAPES),
};

/** Decodes one Gate.io market. Every message is whole: it remembers nothing between frames but symbols. */
export function createGateDecoder(
  market: Market,
  rest: Readonly<Partial<Record<RestCallName, RestCall>>>,
  options: DecoderOptions,
): Decoder {
  const symbols = createSymbolTable(options, namedFacts(market));
  return {
    frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict {
      const frame = parseJson(text);
      if (!isObject(frame)) return rejected(frame === undefined ? 'not JSON' : 'not a message');
      const context: ReadContext = { exchange: EXCHANGE, market, symbols, recvTime, origin: 'live', sink };
      return readFrame(frame, context);
    },
    bytes: fast[market === 'spot' ? 'spot' : 'futures'](pairsAlone(symbols)),
    rest(call: RestCallName, args: RestArgs, body: string, recvTime: Us, sink: RecordSink): FrameVerdict {
      const known = rest[call];
      if (known === undefined) return rejected(`no REST call ${call} in this market`);
      return known.decode(body, args, recvTime, options, sink);
    },
    state: () => null,
    restore: () => undefined,
  };
}

/** Only names that are those of pairs: some channels wrap them. */
function pairsAlone(symbols: SymbolTable): SymbolTable {
  return { facts: (name) => (typeof name === 'string' && name.includes('.') ? undefined : symbols.facts(name)) };
}

function readFrame(frame: WireObject, context: ReadContext): FrameVerdict {
  const { channel, event, error, result } = frame;
  if (typeof channel !== 'string') {
    return rejected(frame['method'] === undefined ? 'not a message' : 'retired v3 message');
  }
  if (isObject(error)) return refused(`${String(error['code'] ?? error['label'])}: ${String(error['message'])}`);
  if (event === 'subscribe' || event === 'unsubscribe') return readAnswer(event, result);
  const dot = channel.indexOf('.');
  const kind = channel.slice(0, dot);
  const name = channel.slice(dot + 1);
  if (kind !== 'futures' && kind !== 'spot') return rejected(`unknown channel ${quoteOutside(channel.slice(0, 40))}`);
  if (kind !== context.market) return rejected(`channel of another market: ${quoteOutside(channel.slice(0, 40))}`);
  if (UNSTORED_CHANNELS.has(name)) return control(name);
  const reading = readUpdate(name, event, result, messageTime(frame, context), context);
  return reading === undefined ? rejected(`unknown channel ${quoteOutside(channel.slice(0, 40))}`) : verdictOf(reading);
}

function readAnswer(event: string, result: unknown): FrameVerdict {
  const failed = isObject(result) && result['status'] !== undefined && result['status'] !== 'success';
  return failed
    ? refused(`${event} ${String(result['status'])}`)
    : event === 'subscribe'
      ? subscribed()
      : control(event);
}

/** `time_ms` of the message, else `time`; when it came where there is neither; NaN when it is no time. */
function messageTime(frame: WireObject, context: ReadContext): Us {
  const said = frame['time_ms'] === undefined || frame['time_ms'] === 0 ? frame['time'] : frame['time_ms'];
  return said === undefined ? context.recvTime : gateTime(said);
}

function readUpdate(
  name: string,
  event: unknown,
  result: unknown,
  time: Us,
  context: ReadContext,
): Reading | undefined {
  const spot = context.market === 'spot';
  switch (name) {
    case 'trades':
    case 'trades_v2':
      return each(result, (row) => (spot ? readSpotTrade(row, undefined, context) : readFuturesTrade(row, context)));
    case 'book_ticker':
      return each(result, (row) => readBest(row, context));
    case 'order_book_update':
    case 'obu':
      return each(result, (row) => readBookChange(row, context));
    case 'order_book':
      return Array.isArray(result) && event === 'update'
        ? readOldChanges(result, time, context)
        : each(result, (row) => readWholeBook(row, time, context));
    case 'tickers':
      return each(result, (row) => (spot ? readSpotTicker(row, time, context) : readFuturesTicker(row, time, context)));
    case 'candlesticks':
      return each(result, (row) => readCandle(row, time, context));
    case 'public_liquidates':
      return spot ? undefined : each(result, (row) => readLiquidation(row, context));
    default:
      return undefined;
  }
}

/** Futures send lists, spot single objects; some channels do either, and tickers were seen in lists of lists. */
function each(result: unknown, read: (row: unknown) => Reading): Reading {
  if (Array.isArray(result)) return readRows(result.flat() as unknown[], read); // what is in it is not known
  return result === undefined || result === null ? 'message without a result' : read(result);
}
