import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedListing, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import { stepsAt } from '../shared/simulated-steps.ts';

/** What the simulators of both markets need. */

export const SECOND = 1000;
export const MINUTE = 60_000;

/** Decimals of a step, negative for steps above one: 0.001 is 3, 100 is −2. */
export function precisionOf(step: number): number {
  return -Math.round(Math.log10(step));
}

/** Lists every USDT symbol of the universe against USD. */
export function dollarListings(
  steps: Readonly<Record<string, readonly [tick: string, lot: string]>>,
  nameOf: (base: string) => string,
  futures: boolean,
): (symbol: string, price: number) => readonly SimulatedListing[] {
  return (symbol, price) => {
    if (!symbol.endsWith('USDT')) return [];
    const base = symbol.slice(0, -4);
    const [tick, lot] = steps[base] ?? stepsAt(price);
    const own = { symbol: `${base}USD`, venue_symbol: nameOf(base), base, quote: 'USD' };
    return [{ tick, lot, instrument: futures ? { ...own, funding_interval_hours: 1 } : own }];
  };
}

/** `ticker:BTCUSD` is how a subscription is remembered: its channel and the canonical symbol. */
export function channelOf(channel: string): { readonly name: string; readonly symbol: string } {
  const colon = channel.indexOf(':');
  return { name: channel.slice(0, colon), symbol: channel.slice(colon + 1) };
}

/** Canonical symbols by the names on the wire. */
export function symbolsOf(market: SimulatedMarket): ReadonlyMap<string, string> {
  return new Map(market.instruments.map((i) => [i.venue_symbol, i.symbol]));
}

export function venueName(market: SimulatedMarket, symbol: string): string {
  return market.instruments.find((i) => i.symbol === symbol)?.venue_symbol ?? symbol;
}

/** Times of [from, to) at a regular distance. */
export function every(stepMs: Ms, from: Ms, to: Ms): readonly Ms[] {
  const times: Ms[] = [];
  for (let at = Math.ceil(from / stepMs) * stepMs; at < to; at += stepMs) times.push(at);
  return times;
}

/** Numbers named so in a JSON text, doubled. */
export function doubled(text: string, names: readonly string[]): string {
  return text.replace(new RegExp(`"(${names.join('|')})":([\\d.]+)`, 'g'), (_all, name: string, value: string) => {
    const point = value.indexOf('.');
    return `"${name}":${(Number(value) * 2).toFixed(point < 0 ? 0 : value.length - point - 1)}`;
  });
}

export const PLAIN: Pick<VenueSimulator, 'envelope' | 'channelsOfPath' | 'connectionLifetimeMs' | 'candlesTellTakers'> =
  {
    envelope: (_path, frame) => frame.text,
    channelsOfPath: () => [],
    connectionLifetimeMs: Number.POSITIVE_INFINITY,
    candlesTellTakers: false,
  };
