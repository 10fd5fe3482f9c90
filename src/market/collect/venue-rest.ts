import { setMaxListeners } from 'node:events';
import type { Clock, Ms } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import { NotFound, Unavailable, Unsupported } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { MarketConfig } from '../config.ts';
import type { Instrument } from '../domain/instrument.ts';
import { marketKey, type Market } from '../domain/records.ts';
import type { RestArgs } from '../domain/tape.ts';
import type { RestTarget, Venue, VenueMarket } from '../exchanges/contract.ts';
import type { Credentials } from '../exchanges/credential.ts';
import { addressesOf, type Addresses } from './markets.ts';
import { askVenue, type VenueHttp } from './venue-http.ts';

/** An answer that is data, and where it came from. */
export interface VenueAnswer {
  readonly body: string;
  readonly host: string;
  /** Without query. */
  readonly path: string;
  /** UTC ms. */
  readonly at: Ms;
}

/**
 * The REST interfaces of all venues, collected or not, for questions whose answers are not kept: through the limiter
 * that the collectors use, at the addresses that they use.
 */
export interface VenueRest {
  /** Throws NotFound for a market that no venue has, Unsupported when the source is a tape, and the venue's refusals. */
  ask(exchange: string, market: Market, target: RestTarget, signal: AbortSignal): Promise<VenueAnswer>;
  /** All instruments that the market lists, asked for at most once an hour. Throws as `ask`. */
  instruments(exchange: string, market: Market, signal: AbortSignal): Promise<readonly Instrument[]>;
  /** What so many percent of the documented limits of a venue's hosts are. Throws NotFound. */
  limits(exchange: string, percent: number): readonly HostLimit[];
  /** Uses so many percent of them from now on, whoever asks. Throws NotFound. */
  scaleLimits(exchange: string, percent: number): void;
}

/** A host's REST budget. Where several markets share a host, the smallest holds. */
export interface HostLimit {
  readonly host: string;
  readonly weight_per_minute: number;
}

const KEEP_MS = 3_600_000;
const MOST_PAGES = 50;

export function createVenueRest(options: {
  readonly venues: readonly Venue[];
  readonly config: MarketConfig;
  /** Replace addresses of the venues and of the configuration: the simulator's. */
  readonly addresses?: Addresses | undefined;
  readonly http: VenueHttp;
  /** Secrets of the venues that want one; default none. */
  readonly credentials?: Credentials | undefined;
  readonly events: EventSink;
  readonly clock: Clock;
}): VenueRest {
  const { venues, config, http, clock, events } = options;
  const markets = new Map(venues.flatMap((v) => v.markets).map((m) => [marketKey(m.exchange, m.market), m]));
  const lists = new Map<string, { readonly at: number; readonly list: Promise<readonly Instrument[]> }>();

  const find = (exchange: string, market: Market): VenueMarket => {
    const key = marketKey(exchange, market);
    const found = markets.get(key);
    if (found === undefined) throw new NotFound(`there is no market '${key}'${didYouMean(key, markets.keys())}`);
    if (config.source.startsWith('tape:')) {
      throw new Unsupported(`the desk replays a tape (${config.source}): no venue is asked; start it on live or sim`);
    }
    if (config.source === 'sim' && options.addresses?.[key] === undefined) {
      throw new Unavailable(`the simulator does not serve ${key}; start the desk on source live to ask the venue`);
    }
    return found;
  };
  const ask = async (definition: VenueMarket, target: RestTarget, signal?: AbortSignal): Promise<VenueAnswer> => {
    const addresses = addressesOf(definition, config.addresses, options.addresses ?? {});
    const timeoutMs = config.collect.request_timeout_ms;
    const { body, url } = await askVenue(http, definition, addresses, {
      ...target,
      timeoutMs,
      patienceMs: timeoutMs,
      signal,
      events,
      credentials: options.credentials ?? (() => undefined),
    });
    const { host, pathname } = new URL(url);
    return { body, host, path: pathname, at: clock.now() };
  };
  const load = async (definition: VenueMarket): Promise<readonly Instrument[]> => {
    const call = definition.rest.instruments;
    if (call === undefined) {
      throw new Unsupported(`${marketKey(definition.exchange, definition.market)} has no instrument list`);
    }
    let args: RestArgs | undefined = {};
    let list: readonly Instrument[] = [];
    for (let page = 0; args !== undefined && page < MOST_PAGES; page++) {
      const { body } = await ask(definition, call.request(args, undefined));
      list = definition.parseInstruments(body, list);
      args = call.nextPage?.(args, body);
    }
    return list;
  };
  const limits = (exchange: string, percent: number): readonly HostLimit[] => {
    const own = [...markets.values()].filter((m) => m.exchange === exchange);
    const names = new Set([...markets.values()].map((m) => m.exchange));
    if (own.length === 0) throw new NotFound(`there is no venue '${exchange}'${didYouMean(exchange, names)}`);
    const hosts = new Map<string, number>();
    for (const definition of own) {
      const addresses = addressesOf(definition, config.addresses, options.addresses ?? {});
      for (const url of Object.values(addresses).filter((address) => address.startsWith('http'))) {
        const { host } = new URL(url);
        const weight = definition.limits.restWeightPerMinute;
        hosts.set(host, Math.min(hosts.get(host) ?? weight, weight));
      }
    }
    return [...hosts].map(([host, weight]) => ({ host, weight_per_minute: (weight * percent) / 100 }));
  };
  return {
    limits,
    scaleLimits: (exchange, percent) => {
      for (const { host } of limits(exchange, percent)) http.limiter.scale(host, percent / 100);
    },
    ask: async (exchange, market, target, signal) => ask(find(exchange, market), target, signal),
    instruments: async (exchange, market, signal) => {
      const definition = find(exchange, market);
      const key = marketKey(exchange, market);
      const held = lists.get(key);
      if (held !== undefined && clock.monotonicMs() - held.at < KEEP_MS) return orAborted(held.list, signal);
      // Not bound to this caller's signal: others wait for the same list.
      const list = load(definition);
      lists.set(key, { at: clock.monotonicMs(), list });
      // A list that could not be had is asked for again by the next caller.
      list.catch(() => lists.delete(key));
      return orAborted(list, signal);
    },
  };
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return onAbort();
    // One question asks many markets with its one signal: that is no leak to warn of.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
