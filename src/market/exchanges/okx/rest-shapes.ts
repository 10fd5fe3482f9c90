import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { kindOfCode, plainRefusal, type CodeKinds } from '../shared/refusal.ts';
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
  if (row['markVol'] !== undefined) return 'ticker_24h';
  if (row['oi'] !== undefined && row['instId'] !== undefined) return 'open_interest';
  if (row['realizedRate'] !== undefined) return 'funding_rates';
  if (row['markPx'] !== undefined) return 'mark_prices';
  if (row['tickSz'] !== undefined || row['nextFundingTime'] !== undefined) return 'instruments';
  return Object.keys(row).length === 1 && row['ts'] !== undefined ? 'server_time' : undefined;
}

/** How long an address waits that asked too often: limits count over 2 s. */
const WINDOW_MS = 2000;

/**
 * Errors are `{"code":"50011","msg":"…","data":[]}`, mostly inside HTTP 200 or 4xx; with code 1 or 2 the reason is that of
 * the first row, `sCode` and `sMsg`. Compared 2026-11: https://www.okx.com/docs-v5/en/#error-code-rest-api
 */
export function okxRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const told = isObject(value) && typeof value['code'] === 'string' ? value : undefined;
  if (status >= 200 && status < 300 && told?.['code'] === '0') return undefined;
  if (told === undefined || told['code'] === '0') return plainRefusal(status, body);
  const { code, message } = reasonOf(told);
  const kind = kindOfCode(CODES, code) ?? 'bad_request';
  return { code, message, retryAfterMs: kind === 'rate_limited' ? WINDOW_MS : null, kind };
}

function reasonOf(told: WireObject): { readonly code: string; readonly message: string } {
  const { code, msg, data } = told;
  const row: unknown = Array.isArray(data) ? data[0] : undefined;
  const isOfRow = (code === '1' || code === '2') && isObject(row) && typeof row['sCode'] === 'string';
  const [reason, text] = isOfRow ? [row['sCode'], row['sMsg']] : [code, msg];
  return { code: String(reason), message: typeof text === 'string' ? text : 'no reason given' };
}

const CODES: CodeKinds = {
  rate_limited: ['50011', '50040', '50061', '60014'],
  blocked_region: ['50051', '50052', '50121', '51155', '51773'],
  forbidden: ['50030', '50035', '50103', '50104', '50105', '50110', '50111', '50113', '50114', '50119', '50120'],
  unknown_symbol: ['51001', '51002', '51012', '51014', '51015', '51026'],
  maintenance: ['50001', '51767'],
  unavailable: ['50004', '50005', '50013', '50026', '50046', '50062'],
};
