import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/kit/errors.ts';
import { askVenue, type VenueHttp } from '../../../src/market/collect/venue-http.ts';
import type { RestErrorInfo, VenueMarket } from '../../../src/market/exchanges/contract.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { RecordedEvents } from '../jobs/bench.ts';
import { fixtureRefusals } from './fixtures.ts';

/** What each kind becomes for the caller: its code, whether the same call may do later, and what the message advises. */
const ADVICE: Readonly<
  Record<RestErrorInfo['kind'], { readonly code: string; readonly retryable: boolean; readonly says: RegExp }>
> = {
  rate_limited: { code: 'rate_limited', retryable: true, says: /nothing is asked of .+ for \d+ s; try again then/ },
  banned: { code: 'rate_limited', retryable: true, says: /nothing is asked of .+ for \d+ s; try again then/ },
  blocked_region: { code: 'unavailable', retryable: false, says: /does not serve this region.*HTTPS_PROXY/ },
  forbidden: { code: 'unavailable', retryable: false, says: /./ },
  unknown_symbol: { code: 'not_found', retryable: false, says: /choose a symbol that the venue lists/ },
  bad_request: { code: 'invalid_input', retryable: false, says: /does not take these arguments/ },
  maintenance: { code: 'unavailable', retryable: true, says: /under maintenance: try again in some minutes/ },
  unavailable: { code: 'unavailable', retryable: true, says: /cannot answer now: try again shortly/ },
};

/** An HTTP client that always answers the same. */
function answering(status: number, body: string): VenueHttp & { readonly blocked: number[] } {
  const blocked: number[] = [];
  const answer = async () => ({ status, body, headers: {}, retryAfterMs: null });
  const limiter = {
    configure: () => undefined,
    block: (_host: string, ms: number) => blocked.push(ms),
    note: () => 1,
    blockedForMs: () => 0,
    status: () => [],
  };
  return { get: answer, post: answer, limiter, blocked } as unknown as VenueHttp & { readonly blocked: number[] };
}

async function refusalOf(market: VenueMarket, http: VenueHttp): Promise<unknown> {
  const events = new RecordedEvents();
  const address = Object.keys(market.addresses).find((name) => name.startsWith('rest')) ?? 'rest';
  const request = { address, path: '/x', weight: 1, timeoutMs: 1000, credentials: () => 'key', events };
  return askVenue(http, market, market.addresses, request as never).then(
    () => undefined,
    (error: unknown) => error,
  );
}

const markets = venues.flatMap((venue) => venue.markets);

describe.each(markets.map((m) => [`${m.exchange} ${m.market}`, m] as const))('%s', (_name, market) => {
  const cases = fixtureRefusals(market.exchange, market.market).map(({ status, body, kind, code }) => ({
    ...{ status, kind, code },
    text: typeof body === 'string' ? body : JSON.stringify(body),
  }));

  it('has its refusals written down: limits, regions or keys, symbols, and being down', () => {
    const kinds = new Set(cases.map(({ kind }) => kind));
    for (const kind of ['rate_limited', 'unknown_symbol', 'bad_request', 'unavailable'] as const)
      expect(kinds).toContain(kind);
    expect(kinds.has('forbidden') || kinds.has('blocked_region')).toBe(true);
  });

  it.each(cases)('HTTP $status $text is $kind', async ({ status, text, kind, code }) => {
    expect(market.restError(status, text)).toMatchObject({ kind, code });
    const http = answering(status, text);
    const error = await refusalOf(market, http);
    if (!(error instanceof AppError)) throw new Error('no typed error');
    const { code: wanted, retryable, says } = ADVICE[kind];
    expect([error.code, error.retryable]).toEqual([wanted, retryable]);
    expect(error.message).toMatch(says);
    expect(error.details).toMatchObject({ code, status, refusal: kind });
    // A host that asks for patience gets it from every caller.
    expect(http.blocked.length).toBe(wanted === 'rate_limited' ? 1 : 0);
  });
});
