import { EnvHttpProxyAgent, request } from 'undici';
import type { Clock, Ms } from '../kit/clock.ts';
import { AppError, DeadlineExceeded, Unavailable, errorMessage } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';
import { abortAfter } from './clock.ts';
import { throughProxy } from './proxy.ts';
import { RateLimiter } from './rate-limit.ts';

export interface HttpRequest {
  /** Cost in the host's weight units; default 1. */
  readonly weight?: number | undefined;
  /** Time allowed from sending to the last byte, not counting the wait for the rate limit, ms. */
  readonly timeoutMs: Ms;
  /** Larger bodies are refused. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An answer of whatever status; `retryAfterMs` from the Retry-After header, null without one. */
export interface HttpResponse {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly retryAfterMs: Ms | null;
}

/** Without a Retry-After header: how long a host is left alone after 429 and after 418 (an address ban), ms. */
const DEFAULT_BLOCK_MS = { 418: 120_000, 429: 10_000 } as const;

/**
 * GET and POST over one connection pool and one rate limiter for all callers. A 418 or 429 blocks its host for everyone until
 * the time it names. Proxies by HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Queries are never logged.
 */
export class HttpClient implements AsyncDisposable {
  readonly limiter: RateLimiter;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #agent: EnvHttpProxyAgent;

  constructor(options: { readonly clock: Clock; readonly log: Logger; readonly limiter?: RateLimiter | undefined }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.limiter = options.limiter ?? new RateLimiter({ clock: options.clock });
    this.#agent = new EnvHttpProxyAgent({ connections: 8, keepAliveTimeout: 10_000 });
  }

  /**
   * Throws Unavailable for network errors and bodies over `maxBytes`, DeadlineExceeded after `timeoutMs`, the
   * signal's reason when aborted. Statuses are answers, not errors.
   */
  get(url: string, options: HttpRequest): Promise<HttpResponse> {
    return this.#ask(url, undefined, options);
  }

  /** The same with a JSON text as the body of a POST. */
  post(url: string, json: string, options: HttpRequest): Promise<HttpResponse> {
    return this.#ask(url, json, options);
  }

  async #ask(url: string, json: string | undefined, options: HttpRequest): Promise<HttpResponse> {
    const host = new URL(url).host;
    await this.limiter.acquire(host, options.weight ?? 1, options.signal);
    // Linked by hand: AbortSignal.any would leave a reference on a long-lived signal for every request.
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(options.signal?.reason);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const timer = this.#clock.schedule(
      options.timeoutMs,
      () => stop.abort(new DeadlineExceeded(`${safeUrl(url)} did not answer within ${options.timeoutMs} ms`)),
      { keepAlive: true },
    );
    try {
      const answer = await this.#request(url, json, options, stop.signal);
      if (answer.status === 418 || answer.status === 429) {
        const wait = answer.retryAfterMs ?? DEFAULT_BLOCK_MS[answer.status];
        this.limiter.block(host, wait);
        this.#log.warn('http.rate_limited', { host, status: answer.status, wait_ms: wait });
      }
      return answer;
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason;
      if (error instanceof AppError) throw error;
      throw new Unavailable(`${safeUrl(url)}${throughProxy(url, process.env)}: ${causeText(error)}`, { cause: error });
    } finally {
      timer.cancel();
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  async #request(
    url: string,
    json: string | undefined,
    options: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const response = await request(url, {
      dispatcher: this.#agent,
      signal,
      ...(json === undefined ? {} : { method: 'POST' as const, body: json }),
      headers: {
        accept: 'application/json',
        'user-agent': 'orderflow-crew',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
    });
    const limit = options.maxBytes ?? 64 * 1024 * 1024;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response.body) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      size += bytes.length;
      if (size > limit) throw new Unavailable(`${safeUrl(url)}: the body is larger than ${limit} bytes`);
      chunks.push(bytes);
    }
    return {
      status: response.statusCode,
      body: Buffer.concat(chunks).toString('utf8'),
      headers: response.headers,
      retryAfterMs: retryAfterMs(response.headers['retry-after'], this.#clock.now()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.limiter.close();
    await this.#agent.destroy();
  }
}

/** Milliseconds to wait by a Retry-After header (seconds or an HTTP date); null when absent or unreadable. */
export function retryAfterMs(header: string | readonly string[] | undefined, now: Ms): Ms | null {
  const text = typeof header === 'string' ? header.trim() : header?.[0]?.trim();
  if (text === undefined || text === '') return null;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** What an HTTP status means to whoever tries to reach a venue, with the remedy where there is one. */
export function explainStatus(status: number): string {
  if (status === 451) {
    return 'HTTP 451, the venue does not serve this region; set another address in market.addresses or use HTTPS_PROXY';
  }
  if (status === 403) {
    return 'HTTP 403, forbidden: the venue or its firewall blocks this address; set another address or use HTTPS_PROXY';
  }
  if (status === 418) return 'HTTP 418, this address is banned for a while after too many requests';
  if (status === 429) return 'HTTP 429, too many requests';
  return `HTTP ${status}`;
}

/** The address without user, password and query, fit for messages and logs. */
export function safeUrl(url: string): string {
  const parsed = new URL(url);
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

function causeText(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(errorMessage).join('; ');
  return errorMessage(error);
}

/**
 * Sends a JSON text by POST. Throws Unavailable for a connection that fails and for any answer but 2xx. Proxies as for
 * `HttpClient`; the address is never part of a message, because a webhook's address is its secret.
 */
export async function postJson(
  url: string,
  body: string,
  options: { readonly timeoutMs: Ms; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  using deadline = abortAfter(options.timeoutMs, options.signal);
  const agent = new EnvHttpProxyAgent();
  try {
    const response = await request(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
      dispatcher: agent,
      signal: deadline.signal,
    });
    await response.body.dump();
    if (response.statusCode < 200 || response.statusCode > 299)
      throw new Unavailable(`the address answered ${explainStatus(response.statusCode)}`);
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    options.signal?.throwIfAborted();
    throw new Unavailable(`the address does not answer: ${causeText(error)}`, { cause: error });
  } finally {
    await agent.close();
  }
}
