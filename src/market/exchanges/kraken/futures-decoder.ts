import type { Us } from '../../../kit/clock.ts';
import type { RecordSink } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Decoder, DecoderOptions, FrameVerdict, RestCall } from '../contract.ts';
import { fastReader } from '../shared/fast/reader.ts';
import { createSymbolTable } from '../shared/symbols.ts';
import { isObject, parseJson, type WireObject } from '../shared/values.ts';
import { control, readRows, refused, rejected, verdictOf, type Reading, subscribed } from '../shared/verdicts.ts';
import type { ReadContext } from './context.ts';
import { readLevel, readSnapshot, readTicker, readTickerLite, readTrade } from './futures-normalise.ts';
import { FUTURES_SHAPES } from './shapes.ts';
import { futuresName } from './wire.ts';

const fast = fastReader('kraken', 'futures', FUTURES_SHAPES);

type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

/** Decodes Kraken futures. Nothing is remembered between frames: tickers come whole, books number themselves. */
export function createFuturesDecoder(rest: Calls, options: DecoderOptions): Decoder {
  const symbols = createSymbolTable(options, futuresName);
  return {
    frame(text, recvTime, sink) {
      const frame = parseJson(text);
      if (!isObject(frame)) return rejected(frame === undefined ? 'not JSON' : 'not a message');
      return readFrame(frame, { market: 'futures', symbols, recvTime, origin: 'live', sink });
    },
    bytes: fast(symbols),
    rest: (call: RestCallName, args: RestArgs, body: string, recvTime: Us, sink: RecordSink) =>
      rest[call]?.decode(body, args, recvTime, options, sink) ?? rejected(`no REST call ${call} in this market`),
    state: () => ({}),
    restore: () => undefined,
  };
}

function readFrame(frame: WireObject, context: ReadContext): FrameVerdict {
  const { event, feed } = frame;
  if (event !== undefined) return readEvent(frame);
  const reading = readFeed(feed, frame, context);
  if (reading !== undefined) return verdictOf(reading);
  if (feed === 'heartbeat') return control('heartbeat');
  return rejected(typeof feed === 'string' ? `unknown feed ${feed.slice(0, 40)}` : 'not a message');
}

function readFeed(feed: unknown, frame: WireObject, context: ReadContext): Reading | undefined {
  switch (feed) {
    case 'trade':
      return readTrade(frame, context);
    case 'trade_snapshot': {
      const { trades } = frame;
      if (!Array.isArray(trades)) return 'no trades';
      // Newest first, and all from before the subscription.
      return readRows(trades.toReversed(), (row) => readTrade(row, { ...context, origin: 'backfill' }));
    }
    case 'book':
      return readLevel(frame, context);
    case 'book_snapshot':
      return readSnapshot(frame, context);
    case 'ticker':
      return readTicker(frame, context);
    case 'ticker_lite':
      return readTickerLite(frame, context);
    default:
      return undefined;
  }
}

/** `info`, `subscribed`, `unsubscribed`, `alert`, `error` and their like. */
function readEvent({ event, message, feed }: WireObject): FrameVerdict {
  if (typeof event !== 'string') return rejected('not a message');
  const failed = event === 'error' || event === 'alert' || event.endsWith('_failed');
  if (!failed) return event === 'subscribed' ? subscribed() : control(event);
  const what = typeof message === 'string' ? message : 'request refused';
  return refused(typeof feed === 'string' ? `${what} (feed ${feed})` : what);
}
