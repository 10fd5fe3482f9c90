import { safeUrl } from '../../infra/http.ts';
import type { Ms } from '../../kit/clock.ts';
import { Unavailable, Unsupported } from '../../kit/errors.ts';
import type { Origin } from '../domain/records.ts';
import type { RestArgs, RestCallName } from '../domain/tape.ts';
import type { ConnectionPreparation, RestTarget, VenueMarket } from '../exchanges/contract.ts';
import type { CollectEnvironment } from './environment.ts';
import { askVenue } from './venue-http.ts';

export interface RestRequest {
  readonly call: RestCallName;
  readonly args: RestArgs;
  /** Connection whose state the answer belongs to; default the market's `#rest`. */
  readonly connection?: string | undefined;
  readonly origin?: Origin | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Throws RateLimited at once where the host is left alone for longer; default: waits for it. */
  readonly patienceMs?: Ms | undefined;
}

/** Asks one market's REST interface. Every answer that is data goes on the tape and through the pipeline. */
export class RestClient {
  readonly #environment: CollectEnvironment;
  readonly #market: VenueMarket;
  readonly #addresses: Readonly<Record<string, string>>;
  readonly #key: string;
  /** Host that each call went to last. */
  readonly #hosts = new Map<RestCallName, string>();

  constructor(environment: CollectEnvironment, market: VenueMarket, addresses: Readonly<Record<string, string>>) {
    this.#environment = environment;
    this.#market = market;
    this.#addresses = addresses;
    this.#key = `${market.exchange}_${market.market}`;
  }

  /** Whether the host of the call refused us lately, so that who polls it asks half as often. */
  isHalved(call: RestCallName): boolean {
    const host = this.#hosts.get(call);
    return host !== undefined && this.#environment.http.limiter.isHalved(host);
  }

  supports(call: RestCallName): boolean {
    return this.#market.rest[call] !== undefined;
  }

  /**
   * Gives the body. Throws Unsupported when the venue has no such call, RateLimited, InvalidInput when the venue
   * refuses the arguments, Unavailable for everything else that may pass.
   */
  async ask(request: RestRequest): Promise<string> {
    const call = this.#market.rest[request.call];
    if (call === undefined) throw new Unsupported(`${this.#key} has no REST call '${request.call}'`);
    const { pipeline, intake } = this.#environment;
    const { exchange, market } = this.#market;
    const instrument = pipeline.instruments(exchange, market).find((i) => i.symbol === request.args.symbol);
    const target = call.request(request.args, instrument);
    this.#hosts.set(request.call, new URL(this.#urlOf(target)).host);
    const body = await this.#fetch(target, request.signal, request.patienceMs);
    intake.push({
      kind: 'rest',
      recv_time: intake.recvTime(),
      connection: request.connection ?? `${this.#key}#${request.origin === 'backfill' ? 'backfill' : 'rest'}`,
      exchange,
      market,
      call: request.call,
      args: request.args,
      body,
      ...(request.origin === 'backfill' ? { origin: 'backfill' as const } : {}),
    });
    return body;
  }

  /** Asks for one value that only the collector itself needs: the answer is not kept. Throws as `ask`. */
  async value<T>(target: RestTarget, read: (body: string) => T | undefined): Promise<T> {
    const value = read(await this.#fetch(target));
    if (value === undefined) throw new Unavailable(`${safeUrl(this.#urlOf(target))} does not say what was asked`);
    return value;
  }

  /** Asks where to connect, as the venue's preparation says. The answer holds a token and is not kept. Throws as `ask`. */
  async prepare(preparation: ConnectionPreparation): Promise<{ readonly url: string; readonly pingMs: Ms | null }> {
    const target = preparation.request();
    const way = preparation.read(await this.#fetch(target));
    const rest = this.#addresses[target.address] ?? '';
    if (way === undefined) throw new Unavailable(`${safeUrl(`${rest}${target.path}`)} names no endpoint to connect to`);
    const { protocol } = new URL(way.url);
    if (protocol !== 'wss:' && !(protocol === 'ws:' && rest.startsWith('http:'))) {
      throw new Unavailable(`${safeUrl(`${rest}${target.path}`)} names ${safeUrl(way.url)}, which is not encrypted`);
    }
    return way;
  }

  #urlOf({ address, path }: RestTarget): string {
    return `${this.#addresses[address] ?? ''}${path}`;
  }

  async #fetch(target: RestTarget, signal: AbortSignal = this.#environment.signal, patienceMs?: Ms): Promise<string> {
    const { http, config, events, credentials } = this.#environment;
    const { body } = await askVenue(http, this.#market, this.#addresses, {
      ...target,
      timeoutMs: config.request_timeout_ms,
      credentials,
      signal,
      events,
      patienceMs,
    });
    return body;
  }
}
