import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { kindOfCode, plainRefusal, type CodeKinds } from '../shared/refusal.ts';
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
  if (row['creation_timestamp'] !== undefined && row['estimated_delivery_price'] !== undefined) return 'ticker_24h';
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
  if (!isObject(error)) return plainRefusal(status, body);
  const code = String(error['code']);
  const reason = reasonOf(error['data']);
  const message = [error['message'], reason].filter((text) => typeof text === 'string').join(': ');
  const kind = kindOfCode(CODES, code) ?? (NO_INSTRUMENT.test(message) ? 'unknown_symbol' : 'bad_request');
  return { code, message, retryAfterMs: kind === 'rate_limited' ? WINDOW_MS : null, kind };
}

function reasonOf(data: unknown): string | undefined {
  if (!isObject(data) || typeof data['reason'] !== 'string') return undefined;
  return typeof data['param'] === 'string' ? `${data['param']}: ${data['reason']}` : data['reason'];
}

/** An instrument that is not listed comes as 13020, or as -32602, "Invalid params", of instrument_name. */
const NO_INSTRUMENT = /instrument_name: |instrument.*not[ _]found/i;

const CODES: CodeKinds = {
  rate_limited: ['10028', '10047'],
  forbidden: ['9999', '13004', '13009', '13021'],
  unknown_symbol: ['13020'],
  maintenance: ['10041', '11051'],
  unavailable: ['10035', '10040', '13888', '11094'],
};
