import { explainStatus, safeUrl } from '../../infra/http.ts';
import type { Ms } from '../../kit/clock.ts';
import { AppError, InvalidInput, RateLimited, Unavailable, Unsupported } from '../../kit/errors.ts';
import type { Origin } from '../domain/records.ts';
import type { RestArgs, RestCallName } from '../domain/tape.ts';
import type { ConnectionPreparation, RestErrorInfo, RestTarget, VenueMarket } from '../exchanges/contract.ts';
import type { CollectEnvironment } from './environment.ts';

export interface RestRequest {
  readonly call: RestCallName;
  readonly args: RestArgs;
  /** Connection whose state the answer belongs to; default the market's `#rest`. */
  readonly connection?: string | undefined;
  readonly origin?: Origin | undefined;
  readonly signal?: AbortSignal | undefined;
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
    const body = await this.#fetch(target, request.signal);
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

  async #fetch(target: RestTarget, signal: AbortSignal = this.#environment.signal): Promise<string> {
    const { http, config } = this.#environment;
    const url = this.#urlOf(target);
    const host = new URL(url).host;
    http.limiter.configure(host, this.#market.limits.restWeightPerMinute);
    const options = { weight: target.weight, timeoutMs: config.request_timeout_ms, signal };
    const answer =
      target.body === undefined ? await http.get(url, options) : await http.post(url, target.body, options);
    const problem = this.#market.restError(answer.status, answer.body);
    if (problem !== undefined) throw this.#told(host, this.#refused(url, problem, answer.status, answer.retryAfterMs));
    if (answer.status < 200 || answer.status > 299) {
      if (answer.status === 418 || answer.status === 429) {
        const wait = http.limiter.blockedForMs(host);
        throw this.#told(host, new RateLimited(`${safeUrl(url)}: ${explainStatus(answer.status)}`, wait));
      }
      throw new Unavailable(`${safeUrl(url)}: ${explainStatus(answer.status)}`, { details: { status: answer.status } });
    }
    http.limiter.note(host, false);
    return answer.body;
  }

  /** Tells of a refusal for the rate of our requests, with how many came in a row; any other error passes. */
  #told(host: string, error: AppError): AppError {
    if (!(error instanceof RateLimited)) return error;
    const { events, http } = this.#environment;
    const { exchange, market } = this.#market;
    events.emit('streaming.rate_limited', {
      exchange,
      market,
      host,
      retry_after_ms: Math.round(error.retryAfterMs),
      refused_in_a_row: http.limiter.note(host, true),
      halved_until: http.limiter.status().find((s) => s.host === host)?.halved_until ?? null,
    });
    return error;
  }

  #refused(url: string, problem: RestErrorInfo, status: number, headerWait: number | null): AppError {
    const text = `${safeUrl(url)}: ${problem.message} (code ${problem.code})`;
    const details = { status, code: problem.code };
    switch (problem.kind) {
      case 'rate_limited':
      case 'banned': {
        const { limiter } = this.#environment.http;
        const host = new URL(url).host;
        const wait = problem.retryAfterMs ?? headerWait ?? (problem.kind === 'banned' ? 120_000 : 10_000);
        limiter.block(host, wait);
        return new RateLimited(text, wait, { details });
      }
      case 'bad_request':
        return new InvalidInput(text, { details });
      case 'blocked_region':
      case 'forbidden':
        return new Unavailable(`${text}; ${explainStatus(problem.kind === 'forbidden' ? 403 : 451)}`, { details });
      case 'unavailable':
        return new Unavailable(text, { details });
    }
  }
}
