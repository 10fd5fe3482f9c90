import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { isObject, parseJson, type WireObject } from '../shared/values.ts';

/** Which call an answer belongs to, by its shape. Candles and funding do not name their instrument. */
export function recogniseDeribit(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  if (!isObject(value) || value['result'] === undefined) return undefined;
  const { result } = value;
  const call = Array.isArray(result) ? recogniseList(result) : isObject(result) ? recogniseObject(result) : undefined;
  if (call !== undefined) return { call, args: {} };
  return typeof result === 'number' ? { call: 'server_time', args: {} } : undefined;
}

function recogniseList(rows: readonly unknown[]): RestCallName | undefined {
  const [row] = rows;
  if (!isObject(row)) return undefined;
  if (row['interest_8h'] !== undefined) return 'funding_rates';
  return row['min_trade_amount'] !== undefined ? 'instruments' : undefined;
}

function recogniseObject(result: WireObject): RestCallName | undefined {
  if (Array.isArray(result['trades'])) return 'trades';
  if (Array.isArray(result['ticks'])) return 'candles';
  if (Array.isArray(result['bids']) && result['change_id'] !== undefined) return 'book_snapshot';
  return result['stats'] !== undefined && result['instrument_name'] !== undefined ? 'ticker_24h' : undefined;
}

/** Credits come back within a second or two. */
const WINDOW_MS = 2000;

/**
 * Errors are `{"error":{"code":10028,"message":"too_many_requests"}}`, with HTTP 400 or 429. Page, not
 * read anew: https://docs.deribit.com (RPC error codes)
 */
export function deribitRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const error = isObject(value) ? value['error'] : undefined;
  if (status >= 200 && status < 300 && isObject(value) && error === undefined && value['result'] !== undefined) {
    return undefined;
  }
  if (isObject(error)) {
    const code = String(error['code']);
    const kind = kindOfCode(code);
    const message = [error['message'], reasonOf(error['data'])].filter((text) => typeof text === 'string').join(': ');
    return { code, message, retryAfterMs: kind === 'rate_limited' ? WINDOW_MS : null, kind };
  }
  return { code: String(status), message: body.slice(0, 200), retryAfterMs: null, kind: kindOfStatus(status) };
}

function reasonOf(data: unknown): string | undefined {
  return isObject(data) && typeof data['reason'] === 'string' ? data['reason'] : undefined;
}

function kindOfCode(code: string): RestErrorInfo['kind'] {
  switch (code) {
    case '10028':
    case '10047':
      return 'rate_limited';
    case '10035':
    case '10040':
    case '10041':
    case '11051':
    case '13888':
      return 'unavailable';
    case '13009':
    case '13021':
      return 'forbidden';
    default:
      return 'bad_request';
  }
}

function kindOfStatus(status: number): RestErrorInfo['kind'] {
  if (status === 429) return 'rate_limited';
  if (status === 418) return 'banned';
  if (status === 451) return 'blocked_region';
  if (status === 403) return 'forbidden';
  return status >= 500 || status < 300 ? 'unavailable' : 'bad_request';
}
