import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { kindOfCode, plainRefusal, type CodeKinds } from '../shared/refusal.ts';
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
    const kind = kindOfCode(CODES, String(code)) ?? (NO_SYMBOL.test(message) ? 'unknown_symbol' : 'bad_request');
    return { code: String(code), message, retryAfterMs: null, kind };
  }
  const plain = { ...plainRefusal(status, body), message };
  if (status !== 403) return plain;
  if (/too frequent|rate limit/i.test(body)) return { ...plain, retryAfterMs: SHUT_OUT_MS, kind: 'rate_limited' };
  return /country|region/i.test(body) ? { ...plain, kind: 'blocked_region' } : plain;
}

/** A symbol that is not listed comes as 10001, "parameter error": `params error: Symbol Is Invalid`, `Not supported symbols`. */
const NO_SYMBOL = /not supported symbols|symbol (is )?(invalid|not exist)|invalid symbol/i;

const CODES: CodeKinds = {
  rate_limited: ['429', '10006', '10018', '10429', '20003', '170222'],
  banned: ['10009'],
  blocked_region: ['10024', '170209'],
  forbidden: ['10003', '10004', '10005', '10010', '33004', '-2015'],
  unknown_symbol: ['10029', '12810'],
  maintenance: ['10019'],
  unavailable: ['10000', '10016', '170007'],
};
