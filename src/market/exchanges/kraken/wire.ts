import { crc32 } from 'node:zlib';
import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval } from '../../domain/records.ts';
import type { NamedFacts } from '../shared/symbols.ts';

/**
 * Names of Kraken's wires. Spot is WebSocket v2 (`{"channel":"trade","type":"update","data":[…]}`), with the array
 * frames of v1 read as well; futures are `{"feed":"trade","product_id":"PF_XBTUSD",…}`. Documented there, not verified:
 * https://docs.kraken.com/api/docs/websocket-v2/book (and ticker, trade, ohlc), https://docs.kraken.com/api/docs/guides/spot-ws-book-v2
 * https://docs.kraken.com/api/docs/futures-api/websocket/ticker (and book, trade)
 */

/** Coins that Kraken's older interfaces write otherwise. */
const COINS: Readonly<Record<string, string>> = { XBT: 'BTC', XDG: 'DOGE' };
const OLD_NAMES: Readonly<Record<string, string>> = { BTC: 'XBT', DOGE: 'XDG' };

/** XBT for BTC, XDG for DOGE: how REST and the futures' names write it. */
export function oldCoin(name: string): string {
  return OLD_NAMES[name] ?? name;
}

/** BTC for XBT, DOGE for XDG. */
export function coinOf(name: string): string {
  return COINS[name] ?? name;
}

/** BTC/USD as WebSocket v2 writes it: from the v1 name XBT/USD. */
export function pairOf(wsname: string): string {
  return wsname.split('/').map(coinOf).join('/');
}

/** XBTUSD: how REST takes the pair BTC/USD. */
export function restPair(pair: string): string {
  return pair.split('/').map(oldCoin).join('');
}

/** Spot pairs in any of their spellings: BTC/USD, XBT/USD, XXBTZUSD, XBTUSDT. */
export function spotName(name: string): NamedFacts {
  return { inverse: false, contractSize: 1, symbol: spotSymbol(name) };
}

function spotSymbol(name: string): string {
  if (name.includes('/')) return pairOf(name).replace('/', '');
  const long = /^[XZ]([A-Z0-9]{3,4})[XZ]([A-Z]{3})$/.exec(name);
  if (long !== null) return `${coinOf(long[1] ?? '')}${coinOf(long[2] ?? '')}`;
  return name.replace(/^(XBT|XDG)/, coinOf).replace(/(XBT|XDG)$/, coinOf);
}

/**
 * PF_XBTUSD is the linear perpetual BTCUSD, sized in base units; PI_XBTUSD the inverse one, BTCUSD_PI, in contracts of
 * 1 USD. FF_ and FI_ are their dated siblings (BTCUSD_260327, BTCUSD_FI_260327). PV_ and FV_ are sized in base units.
 */
export function futuresName(name: string): NamedFacts | undefined {
  const parts = /^([PF][FIV])_([A-Z0-9]+?)(USD|EUR|XBT)(?:_(\d{6}))?$/.exec(name);
  if (parts === null) return undefined;
  const [, type = '', base = '', quote = '', date] = parts;
  const kind = type.endsWith('F') ? '' : `_${type}`;
  const symbol = `${coinOf(base)}${coinOf(quote)}${kind}${date === undefined ? '' : `_${date}`}`;
  return { inverse: type.endsWith('I'), contractSize: 1, symbol };
}

/** ISO text, up to ns, as UTC µs; NaN when it is none. */
export function isoTimeOf(value: unknown): Us {
  if (typeof value !== 'string') return NaN;
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(value);
  if (parts === null) return NaN;
  const seconds = Date.parse(`${parts[1] ?? ''}Z`);
  const us = seconds * 1000 + Number((parts[2] ?? '').padEnd(6, '0').slice(0, 6));
  return us > 0 && us <= LATEST ? us : NaN;
}

const LATEST: Us = 7_258_118_400_000_000;

/** Seconds with a fraction (v1 and REST), as text or number, as UTC µs; NaN when they are no time. */
export function secondsOf(value: unknown): Us {
  const text = typeof value === 'number' ? value.toFixed(6) : value;
  if (typeof text !== 'string') return NaN;
  const parts = /^(\d{1,11})(?:\.(\d+))?$/.exec(text);
  if (parts === null) return NaN;
  const us = Number(parts[1]) * 1e6 + Number((parts[2] ?? '').padEnd(6, '0').slice(0, 6));
  return us > 0 && us <= LATEST ? us : NaN;
}

const INTERVALS: Readonly<Record<number, CandleInterval>> = {
  1: '1m',
  5: '5m',
  15: '15m',
  30: '30m',
  60: '1h',
  240: '4h',
  1440: '1d',
  10080: '1w',
};

export const MINUTE_US: Us = 60_000_000;

/** Candle length from minutes; undefined for lengths that are not of ours (15 days). */
export function intervalOf(minutes: unknown): CandleInterval | undefined {
  return typeof minutes === 'number' ? INTERVALS[minutes] : undefined;
}

/** Levels that the checksum covers on each side. */
export const CHECKSUM_DEPTH = 10;

/**
 * What the checksum reads of a level: the digits of price and quantity as sent, without point and leading zeros.
 * `["0.05005","0.00000500"]` is `5005500`.
 */
export function levelDigits(price: string, quantity: string): string {
  return digits(price) + digits(quantity);
}

function digits(text: string): string {
  const point = text.indexOf('.');
  const plain = point < 0 ? text : text.slice(0, point) + text.slice(point + 1);
  let zeros = 0;
  while (plain.charCodeAt(zeros) === 48) zeros++;
  return zeros === 0 ? plain : plain.slice(zeros);
}

/** CRC32 over the digits of the ten best asks, then bids. */
export function krakenChecksum(bids: readonly string[], asks: readonly string[]): number {
  return crc32(asks.join('') + bids.join(''));
}
