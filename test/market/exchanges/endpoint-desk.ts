import { ManualClock, type Ms } from '../../../src/kit/clock.ts';
import { NotFound } from '../../../src/kit/errors.ts';
import { createVenueRest } from '../../../src/market/collect/venue-rest.ts';
import type { VenueHttp } from '../../../src/market/collect/venue-http.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import type { Instrument } from '../../../src/market/domain/instrument.ts';
import { marketKey } from '../../../src/market/domain/records.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { endpointTables } from '../../../src/market/exchanges/endpoint-catalogue.generated.ts';
import type { EndpointDesk, EndpointTool } from '../../../src/market/exchanges/endpoint.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { endpointDesk } from '../../../src/market/tools/shared/exchange/tool.ts';
import { RecordedEvents, ScriptedCollector } from '../jobs/bench.ts';
import { simulatedAddresses, simulatedHttp } from '../jobs/simulated-http.ts';

const NOW: Ms = Date.UTC(2026, 4, 5, 11, 58, 12, 350);
const clock = new ManualClock(NOW);
const simulated = simulatedHttp(clock);
export const deskNow = (): Ms => clock.now();

/** What is answered in place of the simulator's answer to everything but the instrument lists. */
export type Instead = (answer: { readonly status: number; readonly body: string }, key: string) => typeof answer;

/** The desk that tools have, over the simulator's REST at one moment; nothing is collected. */
export function simulatedDesk(exchange: string, instead?: Instead): EndpointDesk {
  return endpointDesk(exchange, {
    signal: new AbortController().signal,
    clock,
    services: {
      venues,
      rest: {
        ask: (...args) => restOver(instead).ask(...args),
        limits: (...args) => undisturbed.limits(...args),
        scaleLimits: (...args) => undisturbed.scaleLimits(...args),
        // Lists are read as they are, so that what is replaced is the answer to the tool's own question.
        instruments: (...args) => undisturbed.instruments(...args),
      },
      collector: new ScriptedCollector(),
      store: {
        series: () => Promise.resolve([]),
        seriesRows: () => Promise.resolve([]),
        coverage: () => Promise.reject(new NotFound('nothing is stored here')),
      },
    },
  });
}

const undisturbed = restOver();

function restOver(instead?: Instead) {
  const changed = async (asked: ReturnType<VenueHttp['get']>, url: string) => {
    const answer = await asked;
    const key = new URL(url).host.replace('.test', '').replaceAll('-', '_');
    return instead === undefined ? answer : { ...answer, ...instead(answer, key) };
  };
  const http: VenueHttp = {
    // A limiter of its own: refusals that are tried here block nobody else, and nothing waits.
    limiter: simulatedHttp(clock, []).limiter,
    get: (url, options) =>
      changed(
        answered(url, () => simulated.get(url, options)),
        url,
      ),
    post: (url, json, options) =>
      changed(
        answered(`${url} ${json}`, () => simulated.post(url, json, options)),
        url,
      ),
  };
  const config = marketConfigSchema.parse({});
  return createVenueRest({
    venues,
    config,
    addresses: simulatedAddresses(),
    http,
    clock,
    events: new RecordedEvents(),
  });
}

/** The simulator answers alike at one moment, and long bars take it a while. */
const answers = new Map<string, ReturnType<VenueHttp['get']>>();

function answered(request: string, ask: () => ReturnType<VenueHttp['get']>): ReturnType<VenueHttp['get']> {
  const answer = answers.get(request) ?? ask();
  answers.set(request, answer);
  return answer;
}

/** How the simulated market says that there were too many requests. */
export function refusalOf(key: string): { readonly status: number; readonly body: string } {
  const venue = simulators.flat().find((s) => marketKey(s.exchange, s.market) === key);
  if (venue === undefined) throw new Error(`no simulator of ${key}`);
  return venue.limit.refuse(429, 5);
}

export function endpointTool(name: string): EndpointTool {
  const found = endpointTables.flatMap(({ tools }) => tools).find((tool) => tool.name === name);
  if (found === undefined) throw new Error(`no tool ${name}`);
  return found;
}

/** The checked data of a tool of `exchange` over the simulator. */
export async function endpointData(
  exchange: string,
  name: string,
  input: Readonly<Record<string, unknown>> = {},
): Promise<any> {
  const tool = endpointTool(name);
  return tool.output.parse((await tool.run(input, simulatedDesk(exchange))).data);
}

/** A desk whose venue answers everything with one body, as at a recording; the first instrument is the one asked for. */
export function recordedDesk(exchange: string, body: unknown, list: readonly Instrument[]): EndpointDesk {
  const [first] = list;
  const at = 1_770_531_600_000;
  return {
    exchange,
    now: () => at,
    ask: (_market, request) => Promise.resolve({ body, host: 'recorded', path: request.path, at }),
    instruments: () => Promise.resolve(list),
    instrument: () => (first === undefined ? Promise.reject(new NotFound('no instrument')) : Promise.resolve(first)),
    live: {
      collected: () => [],
      book: () => undefined,
      newest: () => Promise.resolve(undefined),
      recent: () => Promise.resolve(undefined),
      stored: () => Promise.resolve(undefined),
    },
  };
}

/** The checked data that a tool reads out of a recorded body. */
export async function recordedData(
  exchange: string,
  name: string,
  input: Readonly<Record<string, unknown>>,
  recording: { readonly body: unknown; readonly list: readonly Instrument[] },
): Promise<any> {
  const tool = endpointTool(name);
  return tool.output.parse((await tool.run(input, recordedDesk(exchange, recording.body, recording.list))).data);
}
