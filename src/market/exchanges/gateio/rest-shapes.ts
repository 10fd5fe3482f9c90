import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { kindOfCode, plainRefusal, type CodeKinds } from '../shared/refusal.ts';
import { isObject, parseJson, type WireObject } from '../shared/values.ts';

/** Which call an answer belongs to, by its shape. A bar without its neighbours does not show its length. */
export function recogniseGate(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  const call = Array.isArray(value) ? recogniseRow(value[0], value.length) : recogniseBare(value);
  return call === undefined ? undefined : { call, args: {} };
}

function recogniseBare(value: unknown): RestCallName | undefined {
  if (!isObject(value)) return undefined;
  if (Array.isArray(value['bids']) && Array.isArray(value['asks'])) return 'book_snapshot';
  return value['server_time'] === undefined ? undefined : 'server_time';
}

function recogniseRow(row: unknown, count: number): RestCallName | undefined {
  if (Array.isArray(row)) return row.length === 8 && count > 1 ? 'candles' : undefined;
  if (!isObject(row)) return undefined;
  return recogniseObject(row, count);
}

function recogniseObject(row: WireObject, count: number): RestCallName | undefined {
  if (row['create_time'] !== undefined && row['price'] !== undefined) return 'trades';
  if (row['currency_pair'] !== undefined && row['last'] !== undefined) return 'ticker_24h';
  if (row['contract'] !== undefined && row['last'] !== undefined) return 'ticker_24h';
  if (row['quanto_multiplier'] !== undefined || row['trade_status'] !== undefined) return 'instruments';
  if (row['open_interest'] !== undefined && row['time'] !== undefined) return 'open_interest_history';
  if (row['t'] !== undefined && row['r'] !== undefined) return 'funding_rates';
  if (row['t'] !== undefined && row['sum'] !== undefined) return count > 1 ? 'candles' : undefined;
  return undefined;
}

/**
 * Errors are `{"label":"INVALID_CURRENCY","message":"…"}` with a status of HTTP. Documented there, not verified:
 * https://www.gate.com/docs/developers/apiv4/en/#error-handling
 */
export function gateRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const label = isObject(value) && typeof value['label'] === 'string' ? value['label'] : undefined;
  if (status >= 200 && status < 300 && value !== undefined && label === undefined) return undefined;
  const plain = plainRefusal(status, body);
  if (label === undefined) return plain;
  const message = isObject(value) && typeof value['message'] === 'string' ? value['message'] : plain.message;
  const isPlain = plain.kind !== 'bad_request' && !(status >= 200 && status < 300);
  return {
    code: label,
    message,
    retryAfterMs: null,
    kind: kindOfCode(CODES, label) ?? (isPlain ? plain.kind : 'bad_request'),
  };
}

const CODES: CodeKinds = {
  rate_limited: ['TOO_MANY_REQUESTS', 'TOO_FAST'],
  forbidden: ['FORBIDDEN', 'INVALID_KEY', 'INVALID_SIGNATURE', 'IP_FORBIDDEN', 'MISSING_REQUIRED_HEADER', 'READ_ONLY'],
  unknown_symbol: ['INVALID_CURRENCY', 'INVALID_CURRENCY_PAIR', 'CONTRACT_NOT_FOUND'],
  unavailable: ['INTERNAL', 'SERVER_ERROR', 'TOO_BUSY'],
};
