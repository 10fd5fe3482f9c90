import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { isObject, parseJson, type WireObject } from '../shared/values.ts';

/** Which call an answer belongs to, by its shape. A single candle does not show its length. */
export function recogniseBybit(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  if (!isObject(value) || value['retCode'] !== 0 || !isObject(value['result'])) return undefined;
  const call = recogniseResult(value['result']);
  return call === undefined ? undefined : { call, args: {} };
}

function recogniseResult(result: WireObject): RestCallName | undefined {
  if (result['b'] !== undefined && result['a'] !== undefined && result['u'] !== undefined) return 'book_snapshot';
  if (result['timeNano'] !== undefined) return 'server_time';
  if (!Array.isArray(result['list'])) return undefined;
  const rows: readonly unknown[] = result['list'];
  const row = rows[0];
  if (Array.isArray(row))
    return row.length === 5 ? 'mark_prices' : row.length >= 7 && rows.length > 1 ? 'candles' : undefined;
  if (!isObject(row)) return undefined;
  if (row['fundingRateTimestamp'] !== undefined) return 'funding_rates';
  if (row['execId'] !== undefined) return 'trades';
  if (row['lastPrice'] !== undefined) return 'ticker_24h';
  if (row['openInterest'] !== undefined && row['timestamp'] !== undefined) return 'open_interest_history';
  return row['lotSizeFilter'] === undefined ? undefined : 'instruments';
}

/** How long an address that asked too often is shut out by 403. */
const SHUT_OUT_MS = 600_000;

/**
 * Errors come as `retCode` other than 0, mostly inside HTTP 200. 403 is either the address asking too often or a country
 * that is not served. Read 2026-11-20: https://bybit-exchange.github.io/docs/v5/error
 */
export function bybitRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const code = isObject(value) && typeof value['retCode'] === 'number' ? value['retCode'] : undefined;
  if (status >= 200 && status < 300 && code === 0) return undefined;
  const message = isObject(value) && typeof value['retMsg'] === 'string' ? value['retMsg'] : body.slice(0, 200);
  if (code !== undefined && code !== 0) {
    return { code: String(code), message, retryAfterMs: null, kind: kindOfCode(code) };
  }
  const tooOften = /too frequent|rate limit/i.test(body);
  const country = /country|region/i.test(body);
  return {
    code: String(status),
    message,
    retryAfterMs: status === 403 && tooOften ? SHUT_OUT_MS : null,
    kind: kindOfStatus(status, tooOften, country),
  };
}

function kindOfCode(code: number): RestErrorInfo['kind'] {
  switch (code) {
    case 10006:
    case 10018:
    case 10429:
      return 'rate_limited';
    case 10009:
      return 'banned';
    case 10024:
      return 'blocked_region';
    case 10003:
    case 10004:
    case 10005:
    case 10010:
    case 33004:
      return 'forbidden';
    case 10000:
    case 10016:
    case 10019:
      return 'unavailable';
    default:
      return 'bad_request';
  }
}

function kindOfStatus(status: number, tooOften: boolean, country: boolean): RestErrorInfo['kind'] {
  if (status === 429) return 'rate_limited';
  if (status === 418) return 'banned';
  if (status === 451) return 'blocked_region';
  if (status === 403) return tooOften ? 'rate_limited' : country ? 'blocked_region' : 'forbidden';
  return status >= 500 || status < 300 ? 'unavailable' : 'bad_request';
}
