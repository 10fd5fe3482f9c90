import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedFrame, SimulatedMarket } from '../simulator-contract.ts';

/** Helpers of the venues' simulator halves. */

export const SECOND = 1000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

/** No simulated history before this. */
export const LISTED_AT: Ms = Date.UTC(2020, 0, 1);

/** The multiples of `step` in [from, to), ms. */
export function ticks(from: Ms, to: Ms, step: Ms, offset: Ms = 0): readonly Ms[] {
  const times: Ms[] = [];
  for (let at = Math.ceil((from - offset) / step) * step + offset; at < to; at += step) times.push(at);
  return times;
}

const BY_NAME = new WeakMap<readonly Instrument[], ReadonlyMap<unknown, Instrument>>();

/** The instrument that the venue calls so. */
export function byVenueSymbol({ instruments }: SimulatedMarket, venueSymbol: unknown): Instrument | undefined {
  let names = BY_NAME.get(instruments);
  if (names === undefined) {
    names = new Map(instruments.map((i) => [i.venue_symbol, i] as const));
    BY_NAME.set(instruments, names);
  }
  return names.get(venueSymbol);
}

/** Plain decimals, without an exponent or trailing zeros. */
export function plain(value: number, most = 12): string {
  const text = value.toFixed(most);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Digits after the point of a step. */
export function digitsOf(step: number): number {
  const text = plain(step);
  return text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
}

/** A quantity in base units as the wire counts it: contracts where the instrument has them. */
export function contractsText(instrument: Instrument, quantity: number): string {
  const size = instrument.contract_size ?? 1;
  return (quantity / size).toFixed(digitsOf((instrument.lot_size ?? 1) / size));
}

/** The same frame with the price in each of these fields (`"name":"12.5"`) doubled; undefined when it has none. */
export function spiked(frame: SimulatedFrame, fields: readonly string[]): SimulatedFrame | undefined {
  const pattern = new RegExp(`"(${fields.join('|')})":"([\\d.]+)"`, 'g');
  const text = frame.text.replace(pattern, (_all, name: string, value: string) => `"${name}":"${doubled(value)}"`);
  return text === frame.text ? undefined : { ...frame, text };
}

function doubled(value: string): string {
  return times(value, 2);
}

/** `value` × `factor` with the same digits after the point. */
export function times(value: string, factor: number): string {
  const point = value.indexOf('.');
  return (Number(value) * factor).toFixed(point < 0 ? 0 : value.length - point - 1);
}

/** A row of numbers from a query, bounded; undefined when it is no whole number above zero. */
export function limitOf(query: URLSearchParams, name: string, usual: number, most: number): number | undefined {
  const given = query.get(name);
  if (given === null) return usual;
  const limit = Number(given);
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, most) : undefined;
}

export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name);
  return given === null || given === '' || !Number.isFinite(Number(given)) ? undefined : Number(given);
}

/** Minutes that one answer adds up: longer bars come in smaller numbers, so that an answer takes a moment only. */
const MOST_MINUTES = 3000;

/** A bar of several minutes. */
export interface SimulatedBar {
  readonly openTime: Ms;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly quoteVolume: number;
  readonly takerBuyVolume: number;
  /** Trades. */
  readonly count: number;
  readonly closed: boolean;
}

/** The newest bars of `step` ms, oldest first, up to `limit` and to what an answer may add up; the last one may run. */
export function barsOf(
  market: SimulatedMarket,
  symbol: string,
  now: Ms,
  step: Ms,
  limit: number,
): readonly SimulatedBar[] {
  const count = Math.max(1, Math.min(limit, Math.floor((MOST_MINUTES * MINUTE) / step)));
  const last = Math.floor(now / step) * step;
  return ticks(last - (count - 1) * step, last + 1, step).flatMap((at) => barAt(market, symbol, now, step, at) ?? []);
}

function barAt(market: SimulatedMarket, symbol: string, now: Ms, step: Ms, openTime: Ms): SimulatedBar | undefined {
  const end = Math.min(now, openTime + step);
  const minutes = ticks(openTime, end, MINUTE).flatMap(
    (at) => market.candle(symbol, at, Math.min(end, at + MINUTE)) ?? [],
  );
  const [first, last] = [minutes[0], minutes.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const d = market.decimals(symbol);
  const total = (of: (candle: (typeof minutes)[number]) => number, digits: number): number =>
    Number(minutes.reduce((sum, candle) => sum + of(candle), 0).toFixed(digits));
  return {
    openTime,
    open: first.open,
    high: Math.max(...minutes.map((c) => c.high)),
    low: Math.min(...minutes.map((c) => c.low)),
    close: last.close,
    volume: total((c) => c.volume, d.quantity),
    quoteVolume: total((c) => c.quoteVolume, d.price + d.quantity),
    takerBuyVolume: total((c) => c.takerBuyVolume, d.quantity),
    count: total((c) => c.count, 0),
    closed: now >= openTime + step,
  };
}

/** Accounts that are long over those that are short: the crowd leans against the last move. */
export function crowdRatio(market: SimulatedMarket, symbol: string, at: Ms, step: Ms): number {
  const move = Math.log(market.mark(symbol, at).index / market.mark(symbol, at - step).index);
  return Number(Math.max(0.4, Math.min(3, 1.15 - 12 * move)).toFixed(4));
}

const LENGTHS: Readonly<Record<string, Ms>> = { s: SECOND, m: MINUTE, h: HOUR, d: 24 * HOUR, w: 168 * HOUR };

/** The length of a bar as venues write it (`5m`, `1H`, `1D`, `1Dutc`), ms; undefined when it is none, or a month. */
export function barLength(text: string): Ms | undefined {
  const match = /^(\d{1,2})([smhdwHDW])(?:utc)?$/.exec(text);
  const unit = LENGTHS[match?.[2]?.toLowerCase() ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
