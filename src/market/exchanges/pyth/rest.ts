import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestCall, RestErrorInfo } from '../contract.ts';
import { withQuery } from '../shared/query.ts';
import { plainRefusal } from '../shared/refusal.ts';
import { symbolTableFor } from '../shared/symbols.ts';
import { isObject, parseJson } from '../shared/values.ts';
import { control, readRows, rejected, verdictOf } from '../shared/verdicts.ts';
import { readFeed } from './normalise.ts';
import { EXCHANGE, namedFacts } from './wire.ts';

/**
 * Hermes over REST: the list of feeds and the latest prices. 30 requests in 10 s from an address, then 60 s without.
 * Compared 2026-11: https://docs.pyth.network/price-feeds/api-instances-and-providers/hermes
 */
export const restCalls: Readonly<Partial<Record<RestCallName, RestCall>>> = Object.freeze({
  instruments: {
    request: () => ({ address: 'rest', path: '/v2/price_feeds?asset_type=crypto', weight: 1 }),
    decode: () => control('instruments'),
  },
  prices: {
    request: (args, instrument) => ({
      address: 'rest',
      path: withQuery('/v2/updates/price/latest', {
        'ids%5B%5D': instrument?.venue_symbol ?? args.symbol ?? '',
        parsed: 'true',
      }),
      weight: 1,
    }),
    decode(body, args, recvTime, options, sink) {
      const value = parseJson(body);
      if (value === undefined) return rejected('not JSON');
      const parsed = isObject(value) ? value['parsed'] : undefined;
      if (!Array.isArray(parsed)) return rejected('answer without parsed prices');
      const symbols = symbolTableFor(args.symbol, options, namedFacts);
      const context = { exchange: EXCHANGE, market: 'oracle', symbols, recvTime, origin: 'live', sink } as const;
      return verdictOf(readRows(parsed, (row) => readFeed(row, context)));
    },
  },
} satisfies Partial<Record<RestCallName, RestCall>>);

/** Which call an answer belongs to, by its shape. */
export function recognisePyth(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  if (Array.isArray(value)) {
    const first: unknown = value[0];
    return isObject(first) && isObject(first['attributes']) ? { call: 'instruments', args: {} } : undefined;
  }
  return isObject(value) && Array.isArray(value['parsed']) ? { call: 'prices', args: {} } : undefined;
}

const WITHOUT_KEY = 'Hermes takes no request without a valid API key: set PYTH_API_KEY to one that is in force';

/** Errors are plain text with a status. */
export function pythRestError(status: number, body: string): RestErrorInfo | undefined {
  if (status >= 200 && status < 300 && parseJson(body) !== undefined) return undefined;
  const plain = plainRefusal(status, body);
  switch (status) {
    case 400:
      return { ...plain, code: 'invalid_request' };
    case 401:
      return { ...plain, code: 'no_api_key', message: WITHOUT_KEY };
    case 404:
      return body.startsWith('Price ids not found')
        ? { ...plain, code: 'price_ids_not_found', kind: 'unknown_symbol' }
        : { ...plain, code: 'not_found' };
    case 429:
      return { ...plain, retryAfterMs: 60_000 };
    default:
      return plain;
  }
}
