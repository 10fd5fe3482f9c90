import { Unavailable, InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import type { Instrument } from '../../../src/market/domain/instrument.ts';
import type { Market } from '../../../src/market/domain/records.ts';
import type { RestArgs } from '../../../src/market/domain/tape.ts';
import type { EndpointDesk } from '../../../src/market/exchanges/endpoint.ts';
import { withQuery } from '../../../src/market/exchanges/shared/query.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { createSimulatedMarkets } from '../../../src/market/simulator/model/market.ts';
import { marketOf } from './recorded/data.ts';

const MARKETS = createSimulatedMarkets({ seed: 3, symbols: ['BTCUSDT', 'ETHUSDT'] });

/** A venue's REST as its rows see it, answered by the simulator at `now`; nothing is collected. */
export function simulatedDesk(exchange: string, now: number): EndpointDesk {
  const asked = (market: Market, path: string): string => {
    const venue = simulators.flat().find((s) => s.exchange === exchange && s.market === market);
    const model = MARKETS.get(`${exchange}_${market}`);
    const url = new URL(path, 'http://127.0.0.1');
    const request = { path: url.pathname, query: url.searchParams, host: url.host };
    const answer = model === undefined ? undefined : venue?.rest(model, request, now);
    if (answer === undefined) throw new Unavailable(`${path} is not served`);
    const problem = marketOf(`${exchange}_${market}`).restError(answer.status, answer.body);
    if (problem !== undefined) throw new InvalidInput(`${problem.message} (code ${problem.code})`);
    return answer.body;
  };
  const instruments = (market: Market): Promise<readonly Instrument[]> => {
    const definition = marketOf(`${exchange}_${market}`);
    const call = definition.rest.instruments;
    let list: readonly Instrument[] = [];
    let args: RestArgs | undefined = {};
    while (args !== undefined && call !== undefined) {
      const body: string = asked(market, call.request(args, undefined).path);
      list = definition.parseInstruments(body, list);
      args = call.nextPage?.(args, body);
    }
    return Promise.resolve(list);
  };
  return {
    exchange,
    now: () => now,
    instruments,
    async instrument(market, name) {
      const list = await instruments(market);
      const found = list.find((i) => [i.symbol, i.venue_symbol, i.base].includes(name.toUpperCase()));
      if (found === undefined) throw new NotFound(`${exchange} ${market} lists no '${name}'`);
      return found;
    },
    ask: (market, request) => {
      const path = withQuery(request.path, request.query ?? {});
      return Promise.resolve({ body: JSON.parse(asked(market, path)), host: 'simulator', path, at: now });
    },
    live: {
      collected: () => [],
      book: () => undefined,
      newest: () => Promise.resolve(undefined),
      recent: () => Promise.resolve(undefined),
      stored: () => Promise.resolve(undefined),
    },
  };
}
