import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { isObject, parseJson, type WireObject } from '../shared/values.ts';

/** Which call an answer belongs to, by its shape. A bar without its neighbours does not show its length. */
export function recogniseOkx(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  if (!isObject(value) || value['code'] !== '0' || !Array.isArray(value['data'])) return undefined;
  const rows: readonly unknown[] = value['data'];
  const call = recogniseRow(rows[0], rows.length);
  return call === undefined ? undefined : { call, args: {} };
}

function recogniseRow(row: unknown, count: number): RestCallName | undefined {
  if (Array.isArray(row)) {
    if (row.length === 9) return count > 1 ? 'candles' : undefined;
    return undefined;
  }
  if (!isObject(row)) return undefined;
  return recogniseObject(row);
}

function recogniseObject(row: WireObject): RestCallName | undefined {
  if (row['bids'] !== undefined && row['asks'] !== undefined) return 'book_snapshot';
  if (row['tradeId'] !== undefined && row['px'] !== undefined) return 'trades';
  if (row['last'] !== undefined && row['open24h'] !== undefined) return 'ticker_24h';
  if (row['oi'] !== undefined && row['instId'] !== undefined) return 'open_interest';
  if (row['realizedRate'] !== undefined) return 'funding_rates';
  if (row['markPx'] !== undefined) return 'mark_prices';
  if (row['tickSz'] !== undefined || row['nextFundingTime'] !== undefined) return 'instruments';
  return Object.keys(row).length === 1 && row['ts'] !== undefined ? 'server_time' : undefined;
}

/** How long an address waits that asked too often: limits count over 2 s. */
const WINDOW_MS = 2000;

/**
 * Errors are `{"code":"50011","msg":"…","data":[]}`, mostly inside HTTP 200 or 4xx. Documented there, not verified:
 * https://www.okx.com/docs-v5/en/#error-code-rest-api
 */
export function okxRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const code = isObject(value) && typeof value['code'] === 'string' ? value['code'] : undefined;
  if (status >= 200 && status < 300 && code === '0') return undefined;
  const message = isObject(value) && typeof value['msg'] === 'string' ? value['msg'] : body.slice(0, 200);
  if (code !== undefined && code !== '0') {
    const kind = kindOfCode(code);
    return { code, message, retryAfterMs: kind === 'rate_limited' ? WINDOW_MS : null, kind };
  }
  return { code: String(status), message, retryAfterMs: null, kind: kindOfStatus(status) };
}

function kindOfCode(code: string): RestErrorInfo['kind'] {
  switch (code) {
    case '50011':
    case '50061':
      return 'rate_limited';
    case '50024':
    case '50110':
      return 'forbidden';
    case '50001':
    case '50004':
    case '50005':
    case '50013':
    case '50026':
      return 'unavailable';
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
