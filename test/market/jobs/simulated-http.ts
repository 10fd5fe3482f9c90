import type { HttpRequest, HttpResponse } from '../../../src/infra/http.ts';
import { RateLimiter } from '../../../src/infra/rate-limit.ts';
import type { Clock } from '../../../src/kit/clock.ts';
import type { VenueHttp } from '../../../src/market/collect/venue-http.ts';
import { DEFAULT_SYMBOLS } from '../../../src/market/domain/instrument.ts';
import { marketKey } from '../../../src/market/domain/records.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { createSimulatedMarkets } from '../../../src/market/simulator/model/market.ts';

const markets = venues.flatMap((venue) => venue.markets);

/** By market key: its REST addresses, at a host that bears the market's name. */
export function simulatedAddresses(): Record<string, Record<string, string>> {
  return Object.fromEntries(
    markets.map((m) => [
      marketKey(m.exchange, m.market),
      Object.fromEntries(
        Object.entries(m.addresses)
          .filter(([, url]) => url.startsWith('http'))
          .map(([name, url]) => {
            const { pathname } = new URL(url);
            const host = marketKey(m.exchange, m.market).replaceAll('_', '-');
            return [name, `http://${host}.test${pathname === '/' ? '' : pathname}`];
          }),
      ),
    ]),
  );
}

/** The simulators' REST without sockets: two symbols, seed 7, at the clock's time. */
export function simulatedHttp(
  clock: Clock,
  symbols: readonly string[] = DEFAULT_SYMBOLS.slice(0, 2),
): VenueHttp & { asked: string[] } {
  const models = createSimulatedMarkets({ seed: 7, symbols, at: clock.now() });
  const asked: string[] = [];
  const send = (url: string, body: string | undefined): Promise<HttpResponse> => {
    const { host, pathname, searchParams } = new URL(url);
    asked.push(url);
    const key = host.replace('.test', '').replaceAll('-', '_');
    const venue = simulators.flat().find((s) => marketKey(s.exchange, s.market) === key);
    const model = models.get(key);
    const answer =
      venue === undefined || model === undefined
        ? undefined
        : venue.rest(model, { path: pathname, query: searchParams, body, host }, clock.now());
    return Promise.resolve({
      status: answer?.status ?? 404,
      body: answer?.body ?? '',
      headers: {},
      retryAfterMs: null,
    });
  };
  return {
    asked,
    limiter: new RateLimiter({ clock }),
    get: (url: string, _options: HttpRequest) => send(url, undefined),
    post: (url: string, json: string, _options: HttpRequest) => send(url, json),
  };
}
