import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestErrorInfo } from '../contract.ts';
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

/** Errors are `{"code":-1121,"msg":"…"}`; 451 and 403 say where requests come from, 418 is a ban of the address. */
export function binanceRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const error = isObject(value) && typeof value['code'] === 'number' && value['msg'] !== undefined ? value : undefined;
  if (status >= 200 && status < 300 && error === undefined && value !== undefined) return undefined;
  const code = error === undefined ? String(status) : String(error['code']);
  const message = error === undefined ? body.slice(0, 200) : String(error['msg']);
  return { code, message, retryAfterMs: null, kind: errorKind(status, code) };
}

function errorKind(status: number, code: string): RestErrorInfo['kind'] {
  if (status === 418) return 'banned';
  if (status === 429 || code === '-1003') return 'rate_limited';
  if (status === 451) return 'blocked_region';
  if (status === 403) return 'forbidden';
  return status >= 500 || code === '-1001' || code === '-1016' || status < 300 ? 'unavailable' : 'bad_request';
}
