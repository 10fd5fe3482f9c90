import { quoteOutside } from '../../../kit/outside.ts';
import type { Us } from '../../../kit/clock.ts';
import type { RecordSink } from '../../domain/records.ts';
import type { Decoder, DecoderOptions, FrameVerdict } from '../contract.ts';
import { createSymbolTable } from '../shared/symbols.ts';
import { isObject, parseJson } from '../shared/values.ts';
import { control, refused, rejected, verdictOf } from '../shared/verdicts.ts';
import { readFeed } from './normalise.ts';
import { restCalls } from './rest.ts';
import { EXCHANGE, namedFacts } from './wire.ts';

/** Decodes Pyth's price feeds. Remembers nothing: each message is whole. */
export function createPythDecoder(options: DecoderOptions): Decoder {
  const symbols = createSymbolTable(options, namedFacts);

  function frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict {
    const message = parseJson(text);
    if (!isObject(message)) return rejected(message === undefined ? 'not JSON' : 'not a message');
    const { type, status, error } = message;
    if (type === 'price_update') {
      const context = { exchange: EXCHANGE, market: 'oracle', symbols, recvTime, origin: 'live', sink } as const;
      return verdictOf(readFeed(message['price_feed'], context));
    }
    // The refusal of too much traffic has no type.
    if (type !== 'response' && type !== undefined) {
      return rejected(
        typeof type === 'string' ? `unknown message ${quoteOutside(type.slice(0, 40))}` : 'not a message',
      );
    }
    if (status === 'error') return refused(typeof error === 'string' && error !== '' ? error : 'request refused');
    return type === 'response' && status === 'success' ? control('response') : rejected('not a message');
  }

  return {
    frame,
    rest(call, args, body, recvTime, sink) {
      const known = restCalls[call];
      if (known === undefined) return rejected(`no REST call ${call} in this market`);
      return known.decode(body, args, recvTime, options, sink);
    },
    state: () => ({}),
    restore: () => undefined,
  };
}
