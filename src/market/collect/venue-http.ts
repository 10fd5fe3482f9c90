import type { HttpClient, HttpResponse } from '../../infra/http.ts';
import { explainStatus, safeUrl } from '../../infra/http.ts';
import type { Ms } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import { quoteOutside } from '../../kit/outside.ts';
import { type AppError, InvalidInput, NotFound, RateLimited, Refused, Unavailable } from '../../kit/errors.ts';
import { credentialHeaders, type Credentials } from '../exchanges/credential.ts';
import type { RestErrorInfo, RestTarget, VenueMarket } from '../exchanges/contract.ts';

/** What is needed of `HttpClient`. */
export type VenueHttp = Pick<HttpClient, 'get' | 'post' | 'limiter'>;

/**
 * Asks a market's REST interface within its host's limit, which all callers share. Throws RateLimited, NotFound for a
 * symbol that the venue does not list, InvalidInput when it refuses the arguments, Refused for an address or a region that
 * it does not serve, Unavailable for everything else that may pass and for a secret that is wanted and missing. Each says
 * what to do; `details.code` is the venue's. A refusal for the rate of our requests is counted and told as an event.
 */
export async function askVenue(
  http: VenueHttp,
  market: VenueMarket,
  addresses: Readonly<Record<string, string>>,
  request: RestTarget & {
    readonly timeoutMs: Ms;
    readonly credentials: Credentials;
    readonly signal?: AbortSignal | undefined;
    readonly events: EventSink;
    /** Throws RateLimited at once where the host is left alone for longer; default: waits for it. */
    readonly patienceMs?: Ms | undefined;
  },
): Promise<HttpResponse & { readonly url: string }> {
  const { address, path, weight, body, timeoutMs, signal } = request;
  const url = `${addresses[address] ?? ''}${path}`;
  const host = new URL(url).host;
  http.limiter.configure(host, market.limits.restWeightPerMinute, market.limits.restBurst);
  refuseWhileBlocked(http, host, request.patienceMs);
  const headers = credentialHeaders(market, url, request.credentials);
  const options = { weight, timeoutMs, signal, headers };
  const answer = await (body === undefined ? http.get(url, options) : http.post(url, body, options));
  const refusal = refusalOf(http, market, url, answer);
  if (refusal instanceof RateLimited) {
    request.events.emit('streaming.rate_limited', {
      exchange: market.exchange,
      market: market.market,
      host,
      retry_after_ms: Math.round(refusal.retryAfterMs),
      refused_in_a_row: http.limiter.note(host, true),
      halved_until: http.limiter.status().find((s) => s.host === host)?.halved_until ?? null,
    });
  } else http.limiter.note(host, false);
  if (refusal !== undefined) throw refusal;
  return { ...answer, url };
}

/** Nobody waits for minutes without a word: whoever asks meanwhile is told how long the host is left alone. */
function refuseWhileBlocked(http: VenueHttp, host: string, patienceMs: Ms = Number.POSITIVE_INFINITY): void {
  const wait = http.limiter.blockedForMs(host);
  if (wait <= patienceMs) return;
  const seconds = Math.ceil(wait / 1000);
  throw new RateLimited(
    `${host} refused our requests for their rate: nothing is asked of it for ${seconds} s; try again then, with fewer symbols or calls`,
    wait,
    { details: { code: 'left_alone', refusal: 'rate_limited' } },
  );
}

function refusalOf(http: VenueHttp, market: VenueMarket, url: string, answer: HttpResponse): AppError | undefined {
  const problem = market.restError(answer.status, answer.body);
  if (problem !== undefined) return refusalFor(http, url, problem, answer);
  if (answer.status >= 200 && answer.status <= 299) return undefined;
  const text = `${safeUrl(url)}: ${explainStatus(answer.status)}`;
  if (answer.status === 418 || answer.status === 429) {
    return new RateLimited(text, http.limiter.blockedForMs(new URL(url).host));
  }
  return new Unavailable(text, { details: { status: answer.status } });
}

function refusalFor(http: VenueHttp, url: string, problem: RestErrorInfo, answer: HttpResponse): AppError {
  const said = `${safeUrl(url)}: ${quoteOutside(problem.message)} (code ${codeOf(problem)})`;
  const details = { status: answer.status, code: problem.code, refusal: problem.kind };
  switch (problem.kind) {
    case 'rate_limited':
    case 'banned': {
      const host = new URL(url).host;
      const wait = problem.retryAfterMs ?? answer.retryAfterMs ?? (problem.kind === 'banned' ? 120_000 : 10_000);
      http.limiter.block(host, wait);
      const next = `nothing is asked of ${host} for ${Math.ceil(wait / 1000)} s; try again then, with fewer symbols or calls`;
      return new RateLimited(`${said}; ${next}`, wait, { details });
    }
    case 'unknown_symbol':
      return new NotFound(`${said}; choose a symbol that the venue lists, see its tool for instruments`, { details });
    case 'bad_request':
      return new InvalidInput(`${said}; the venue does not take these arguments: change them`, { details });
    case 'blocked_region':
      return new Refused(`${said}; ${explainStatus(451)}`, { details });
    case 'forbidden':
      return new Refused(answer.status === 403 ? `${said}; ${explainStatus(403)}` : said, { details });
    case 'maintenance':
      return new Unavailable(`${said}; the venue is under maintenance: try again in some minutes`, { details });
    case 'unavailable':
      return new Unavailable(`${said}; the venue cannot answer now: try again shortly`, { details });
  }
}

/** A code is a number or a short word; anything else that a venue puts in its place is its words too. */
function codeOf({ code }: RestErrorInfo): string {
  return /^[\w.:-]{1,40}$/.test(code) ? code : quoteOutside(code);
}
