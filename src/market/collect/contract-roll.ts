import type { Ms } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import type { Instrument } from '../domain/instrument.ts';
import { marketKey, msToUs } from '../domain/records.ts';
import type { VenueMarket } from '../exchanges/contract.ts';
import type { CollectEnvironment } from './environment.ts';
import { nearestContracts } from './expiring.ts';
import type { RestClient } from './rest-client.ts';

/** What a look at the contracts that run out changes. */
export interface RollChange {
  readonly begin: readonly Instrument[];
  /** Symbols that are not collected any more. */
  readonly end: readonly string[];
}

/** Longest time that a look takes. */
const LOOK_MS = 60_000;
/** Time to the next look after one at which a price could not be had. */
const AGAIN_MS = 10_000;

/** Keeps the choice of dated futures and options of one market, where it has such (`VenueMarket.expiring`). */
export class ContractRoll {
  readonly #environment: CollectEnvironment;
  readonly #market: VenueMarket;
  readonly #rest: RestClient;
  #symbols: readonly string[] = [];
  /** Chosen symbols of each asked symbol. */
  readonly #held = new Map<string, ReadonlySet<string>>();
  #dueAt: Ms = Number.POSITIVE_INFINITY;

  constructor(environment: CollectEnvironment, market: VenueMarket, rest: RestClient) {
    this.#environment = environment;
    this.#market = market;
    this.#rest = rest;
  }

  /** Whether an asked symbol is one on which this market has such contracts. */
  brings(symbol: string, instruments: readonly Instrument[]): boolean {
    return (this.#market.expiring?.on(symbol, instruments).length ?? 0) > 0;
  }

  /** The first choice, for the symbols asked. */
  first(symbols: readonly string[], instruments: readonly Instrument[]): Promise<RollChange> {
    this.#symbols = symbols;
    return this.next(instruments);
  }

  /** True when it is time for the next look; then not for a while, in which that look is made or has failed. */
  isDue(): boolean {
    const now = this.#environment.clock.now();
    if (now < this.#dueAt) return false;
    this.#dueAt = now + LOOK_MS;
    return true;
  }

  /** Whether the instrument list should be asked for before the next look: a chosen contract expired. */
  wantsList(instruments: readonly Instrument[]): boolean {
    const now = msToUs(this.#environment.clock.now());
    const held = new Set([...this.#held.values()].flatMap((symbols) => [...symbols]));
    return instruments.some((i) => held.has(i.symbol) && (i.expiry_time ?? Infinity) <= now);
  }

  /** Chooses anew. A price that cannot be had leaves the choice of its underlying as it was. */
  async next(instruments: readonly Instrument[]): Promise<RollChange> {
    const { expiring } = this.#market;
    if (expiring === undefined) return { begin: [], end: [] };
    const { clock, config, log } = this.#environment;
    const begin: Instrument[] = [];
    const end: string[] = [];
    let wait = config.expiring.review_seconds * 1000;
    for (const symbol of this.#symbols) {
      const contracts = expiring.on(symbol, instruments);
      const held = this.#held.get(symbol) ?? new Set<string>();
      if (contracts.length === 0 && held.size === 0) continue;
      try {
        const moment = { now: msToUs(clock.now()), price: await this.#priceOf(contracts) };
        const chosen = nearestContracts(contracts, moment, config.expiring, held);
        const names = new Set(chosen.map((i) => i.symbol));
        begin.push(...chosen.filter((i) => !held.has(i.symbol)));
        end.push(...[...held].filter((name) => !names.has(name)));
        this.#held.set(symbol, names);
      } catch (error) {
        this.#environment.signal.throwIfAborted();
        const market = marketKey(this.#market.exchange, this.#market.market);
        log.warn('collect.underlying_price_failed', { market, symbol, error: errorMessage(error) });
        wait = Math.min(wait, AGAIN_MS);
      }
    }
    this.#dueAt = clock.now() + wait;
    if (begin.length + end.length > 0) {
      const market = marketKey(this.#market.exchange, this.#market.market);
      log.info('collect.contracts_chosen', { market, begun: begin.length, ended: end.length });
    }
    return { begin, end };
  }

  async #priceOf(contracts: readonly Instrument[]): Promise<number | null> {
    const source = this.#market.expiring?.price;
    const [first] = contracts;
    return source === undefined || first === undefined ? null : this.#rest.value(source.request(first), source.read);
  }
}
