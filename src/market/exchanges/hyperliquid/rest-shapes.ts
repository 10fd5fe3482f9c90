import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { plainRefusal } from '../shared/refusal.ts';
import { isObject, parseJson } from '../shared/values.ts';

/** Which call an answer belongs to, by its shape. */
export function recogniseHyperliquid(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  const call = Array.isArray(value) ? recogniseList(value) : isObject(value) ? recogniseObject(value) : undefined;
  return call === undefined ? undefined : { call, args: {} };
}

function recogniseList(list: readonly unknown[]): RestCallName | undefined {
  const [first, second] = list;
  if (isObject(first) && Array.isArray(first['universe'])) return Array.isArray(second) ? 'ticker_24h' : undefined;
  if (!isObject(first)) return undefined;
  if (first['tid'] !== undefined && first['px'] !== undefined) return 'trades';
  if (first['fundingRate'] !== undefined && first['coin'] !== undefined) return 'funding_rates';
  return first['t'] !== undefined && first['T'] !== undefined && first['i'] !== undefined ? 'candles' : undefined;
}

function recogniseObject(value: Readonly<Record<string, unknown>>): RestCallName | undefined {
  if (value['coin'] !== undefined && value['levels'] !== undefined) return 'book_snapshot';
  return Array.isArray(value['universe']) ? 'instruments' : undefined;
}

/**
 * Errors are plain text with a status (422 for a body that is not understood); a coin that is not listed is answered
 * with `null`, mostly with status 500.
 */
export function hyperliquidRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  if (value === null && (status === 200 || status === 500)) {
    const message = 'the venue answers null: it lists no such coin';
    return { code: 'unknown_coin', message, retryAfterMs: null, kind: 'unknown_symbol' };
  }
  if (isObject(value) && value['status'] === 'err') {
    const { response } = value;
    const message = typeof response === 'string' ? response : 'no reason given';
    const kind = /too many/i.test(message) ? 'rate_limited' : 'bad_request';
    return { code: 'err', message, retryAfterMs: null, kind };
  }
  if (status >= 200 && status < 300 && value !== undefined) return undefined;
  const plain = plainRefusal(status, body);
  return status === 422 ? { ...plain, code: 'invalid_request' } : plain;
}
