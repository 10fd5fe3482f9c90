import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedFrame, SimulatedMarket } from '../contract.ts';

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

/** The instrument that the venue calls so. */
export function byVenueSymbol(market: SimulatedMarket, venueSymbol: unknown): Instrument | undefined {
  return market.instruments.find((i) => i.venue_symbol === venueSymbol);
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
