import type { HttpClient, HttpResponse } from '../../infra/http.ts';
import { explainStatus, safeUrl } from '../../infra/http.ts';
import type { Ms } from '../../kit/clock.ts';
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
 * what to do; `details.code` is the venue's.
 */
export async function askVenue(
  http: VenueHttp,
  market: VenueMarket,
  addresses: Readonly<Record<string, string>>,
  request: RestTarget & {
    readonly timeoutMs: Ms;
    readonly credentials: Credentials;
    readonly signal?: AbortSignal | undefined;
    /** Told of a refusal for the rate of our requests, with how many came in a row. */
    readonly onLimited?: ((host: string, retryAfterMs: Ms, inARow: number) => void) | undefined;
  },
): Promise<HttpResponse & { readonly url: string }> {
  const { address, path, weight, body, timeoutMs, signal } = request;
  const url = `${addresses[address] ?? ''}${path}`;
  const host = new URL(url).host;
  http.limiter.configure(host, market.limits.restWeightPerMinute);
  const headers = credentialHeaders(market, url, request.credentials);
  const options = { weight, timeoutMs, signal, headers };
  const answer = await (body === undefined ? http.get(url, options) : http.post(url, body, options));
  const refusal = refusalOf(http, market, url, answer);
  if (refusal instanceof RateLimited) {
    request.onLimited?.(host, refusal.retryAfterMs, http.limiter.note(host, true));
  }
  if (refusal !== undefined) throw refusal;
  http.limiter.note(host, false);
  return { ...answer, url };
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
