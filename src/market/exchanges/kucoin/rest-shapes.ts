import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { kindOfCode, plainRefusal, type CodeKinds } from '../shared/refusal.ts';
import { isObject, parseJson, type WireObject } from '../shared/values.ts';
import { OK } from './wire.ts';

/** Which call an answer belongs to, by its shape; candles of one row do not show their length. */
export function recogniseKucoin(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  if (!isObject(value) || value['code'] !== OK) return undefined;
  const { data } = value;
  if (typeof data === 'number') return { call: 'server_time', args: {} };
  const row: unknown = Array.isArray(data) ? data[0] : data;
  if (!isObject(row)) return undefined;
  const call = recogniseRow(row, Array.isArray(data));
  return call === undefined ? undefined : { call, args: {} };
}

function recogniseRow(row: WireObject, list: boolean): RestCallName | undefined {
  if (row['multiplier'] !== undefined && row['tickSize'] !== undefined) return 'ticker_24h';
  if (row['bestBidPrice'] !== undefined && row['symbol'] !== undefined) return 'ticker_24h';
  if (list && row['baseIncrement'] !== undefined) return 'instruments';
  if (list && row['timepoint'] !== undefined) return 'funding_rates';
  if (list && row['sequence'] !== undefined && row['side'] !== undefined) return 'trades';
  if (list) return undefined;
  if (Array.isArray(row['bids']) && Array.isArray(row['asks'])) return 'book_snapshot';
  if (row['bestBid'] !== undefined || Array.isArray(row['ticker'])) return 'ticker_24h';
  return row['volValue'] !== undefined && row['last'] !== undefined ? 'ticker_24h' : undefined;
}

/** Errors have a `code` of six digits, mostly inside HTTP 200. Not verified: https://www.kucoin.com/docs-new/error-code */
export function kucoinRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const code = isObject(value) && typeof value['code'] === 'string' ? value['code'] : undefined;
  if (code === OK && status >= 200 && status < 300) return undefined;
  if (code === undefined || code === OK) return plainRefusal(status, body);
  const message = isObject(value) && typeof value['msg'] === 'string' ? value['msg'] : 'no reason given';
  return { code, message, retryAfterMs: null, kind: kindOf(code, message) };
}

/**
 * A pair that is not listed comes as 400100 or 400000, "bad request", with words: `Unsupported trading pair.`; a contract
 * as 200003 `Invalid symbol.`, 404000 (which a wrong path has too) or 415000 `mark price is not supported`.
 */
const NO_SYMBOL =
  /unsupported trading pair|invalid symbol|(symbol|contract) (not|does not) exists?|contract information .* does not exist|(mark price|funding rate) is not supported/i;

function kindOf(code: string, message: string): RestErrorInfo['kind'] {
  const listed = kindOfCode(CODES, code);
  if (listed !== undefined) return listed;
  if (NO_SYMBOL.test(message)) return 'unknown_symbol';
  if (/maintenance/i.test(message)) return 'maintenance';
  return code.startsWith('5') ? 'unavailable' : 'bad_request';
}

const CODES: CodeKinds = {
  rate_limited: ['429000', '1015', '200002', '429'],
  blocked_region: ['400302', '400500'],
  forbidden: ['400001', '400002', '400003', '400004', '400005', '400006', '400007', '411100'],
  unknown_symbol: ['400600', '900001'],
};
