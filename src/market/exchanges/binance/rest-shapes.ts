import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
import { kindOfCode, plainRefusal, type CodeKinds } from '../shared/refusal.ts';
import { isObject, numberOf, parseJson, type WireObject } from '../shared/values.ts';

const DAY = 86_400_000;

/** Which call a body answers, by its shape. */
export function recogniseBinance(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  const row: unknown = Array.isArray(value) ? value[0] : value;
  const call = Array.isArray(row) ? recogniseCandle(row) : isObject(row) ? recogniseObject(row) : undefined;
  if (call === undefined) return undefined;
  // Coin-margined books name their symbol; those of the other markets do not.
  const symbol = call === 'book_snapshot' && isObject(row) ? row['symbol'] : undefined;
  return { call, args: typeof symbol === 'string' ? { symbol } : {} };
}

/** Candles of mark and index prices look alike but have no volume, while they count their samples as trades. */
function recogniseCandle(row: readonly unknown[]): RestCallName | undefined {
  if (row.length < 11 || typeof row[0] !== 'number' || typeof row[6] !== 'number') return undefined;
  return numberOf(row[5]) === 0 && numberOf(row[8]) > 0 ? undefined : 'candles';
}

/** Other tickers have the same fields over another window; futures begin theirs at a whole minute. */
function isDay(row: WireObject): boolean {
  const length = numberOf(row['closeTime']) - numberOf(row['openTime']);
  return length >= DAY && length < DAY + 60_000;
}

function recogniseObject(row: WireObject): RestCallName | undefined {
  if (row['lastUpdateId'] !== undefined && row['bids'] !== undefined) return 'book_snapshot';
  if (row['sumOpenInterest'] !== undefined) return row['symbol'] === undefined ? undefined : 'open_interest_history';
  if (row['openInterest'] !== undefined) return 'open_interest';
  if (row['fundingRate'] !== undefined && row['fundingTime'] !== undefined) return 'funding_rates';
  if (row['lastFundingRate'] !== undefined) return 'ticker_24h';
  if (row['bidPrice'] !== undefined && row['askPrice'] !== undefined) return 'ticker_24h';
  if (row['lastPrice'] !== undefined && isDay(row)) return 'ticker_24h';
  if (row['a'] !== undefined && row['p'] !== undefined && row['m'] !== undefined && row['e'] === undefined) {
    return 'trades';
  }
  if (row['isBuyerMaker'] !== undefined && row['qty'] !== undefined) return 'trades';
  if (Array.isArray(row['symbols']) && row['serverTime'] !== undefined) return 'instruments';
  if (row['fundingIntervalHours'] !== undefined) return 'instruments';
  return row['serverTime'] === undefined ? undefined : 'server_time';
}

/**
 * Errors are `{"code":-1121,"msg":"…"}`; 451 and 403 say where requests come from, 418 is a ban of the address.
 * https://developers.binance.com/docs/binance-spot-api-docs/errors (read 2026-11-29), of futures likewise.
 */
export function binanceRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const error = isObject(value) && typeof value['code'] === 'number' && value['msg'] !== undefined ? value : undefined;
  if (status >= 200 && status < 300 && error === undefined && value !== undefined) return undefined;
  const plain = plainRefusal(status, body);
  if (error === undefined) return plain;
  const code = String(error['code']);
  // What the status says of where a request comes from holds whatever code is beside it.
  const isPlain = plain.kind !== 'bad_request' && plain.kind !== 'unavailable';
  const kind = isPlain ? plain.kind : (kindOfCode(CODES, code) ?? (status >= 500 ? 'unavailable' : 'bad_request'));
  return { code, message: String(error['msg']), retryAfterMs: null, kind };
}

const CODES: CodeKinds = {
  rate_limited: ['-1003', '-1034'],
  forbidden: ['-1002', '-1011', '-2014', '-2015'],
  unknown_symbol: ['-1121', '-1122', '-4144'],
  maintenance: ['-1016'],
  unavailable: ['-1000', '-1001', '-1004', '-1006', '-1007', '-1008'],
};
