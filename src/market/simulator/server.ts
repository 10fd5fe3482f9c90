import type { Clock, Ms, Timer } from '../../kit/clock.ts';
import { errorMessage, InvalidInput } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { DEFAULT_SYMBOLS } from '../domain/instrument.ts';
import { marketKey } from '../domain/records.ts';
import { venues } from '../exchanges/catalogue.generated.ts';
import { simulators } from './catalogue.generated.ts';
import { type AppliedFault, FaultDesk } from './fault-desk.ts';
import { parseFaults } from './faults.ts';
import { MarketServer } from './market-server.ts';
import { createSimulatedMarkets, type ModelMarket } from './model/market.ts';

export interface SimulatorOptions {
  readonly seed: number;
  /** Simulated seconds per second; 1 keeps UTC. */
  readonly speed: number;
  /** Each a list in the grammar of `parseFaults`. */
  readonly faults: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly symbols?: readonly string[] | undefined;
  /** Keys of the markets to serve (`binance_futures`); all when absent. */
  readonly markets?: readonly string[] | undefined;
  /** Port of the first market, the others follow; 0 (the default) takes free ones. */
  readonly port?: number | undefined;
}

export interface Simulator extends AsyncDisposable {
  /** By market key: replacements for the addresses of the venue's markets. */
  readonly addresses: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The served markets by market key: what is true, whatever the faults make of it. */
  readonly markets: ReadonlyMap<string, ModelMarket>;
  /** Runs with the simulated market: at speed 60, a minute of its time is a second. Whole ms. */
  readonly clock: Clock;
  /** Simulated UTC ms: `clock.now()`. */
  now(): Ms;
  /** Faults that happened so far, oldest first. */
  faults(): readonly AppliedFault[];
  /** Adds faults; their offsets count from now. Throws InvalidInput. */
  injectFault(text: string): void;
  /** Cuts all connections and stops listening. Idempotent. */
  stop(): Promise<void>;
}

/** Real time between two sendings: the market changes every 100 simulated ms. */
const PUMP_MS = 50;
/** After a longer pause of the process connections are cut, as a venue would have done, ms of real time. */
const LONGEST_PAUSE_MS = 30_000;

/**
 * Starts the simulated markets on loopback ports, each with WebSocket and REST. The market itself depends on seed
 * and UTC time alone, so that a restart continues it. Throws InvalidInput for faults that cannot be read, Unavailable
 * when a port is taken.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const specs = options.faults.flatMap((text) => parseFaults(text));
  const time = createSimulatedClock(options.clock, options.speed);
  const symbols = options.symbols ?? [...DEFAULT_SYMBOLS];
  const markets = createSimulatedMarkets({ seed: options.seed, symbols, at: time.now(), markets: options.markets });
  const applied: AppliedFault[] = [];
  const report = (fault: AppliedFault): void => {
    applied.push(fault);
    options.log.info('simulator.fault', { name: fault.name, market: fault.market, at: fault.at });
  };
  const servers: MarketServer[] = [];
  try {
    for (const venue of simulators.flat()) {
      const key = marketKey(venue.exchange, venue.market);
      const market = markets.get(key);
      if (market === undefined) continue;
      const port = options.port === undefined || options.port === 0 ? 0 : options.port + servers.length;
      const desk = new FaultDesk(options.seed, key, specs, report);
      servers.push(
        await MarketServer.listen({
          venue,
          definition: definitionOf(key) ?? {},
          market,
          desk,
          port,
          log: options.log.child({ simulator: key }),
          clock: options.clock,
          now: () => time.now(),
          mostBehindMs: LONGEST_PAUSE_MS * options.speed,
          onFirstConnection: (at) => {
            for (const server of servers) server.desk.start(at);
          },
        }),
      );
    }
  } catch (error) {
    await Promise.all(servers.map((server) => server.close()));
    throw error;
  }
  const stopPump = startPump(options, servers, () => time.now());
  const stop = async (): Promise<void> => {
    stopPump();
    await Promise.all(servers.map((server) => server.close()));
  };
  return {
    addresses: Object.fromEntries(servers.map((server) => [server.key, addressesOf(server)])),
    markets,
    clock: time,
    now: () => time.now(),
    faults: () => applied,
    injectFault(text) {
      const at = time.now();
      for (const spec of parseFaults(text)) for (const server of servers) server.desk.inject(spec, at);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/**
 * The clock `speed` times as fast, in whole ms. At speed 1 the calendar follows the clock's, jumps and all. Throws
 * InvalidInput for a speed at which time would not go on.
 */
export function createSimulatedClock(clock: Clock, speed: number): Clock {
  if (!(speed > 0)) throw new InvalidInput(`simulator.speed is ${speed}: it must be more than 0, 1 is the real speed`);
  const startedAt = Math.floor(clock.now());
  const origin = clock.monotonicMs();
  const passed = (): Ms => (clock.monotonicMs() - origin) * speed;
  return {
    now: () => Math.floor(speed === 1 ? clock.now() : startedAt + passed()),
    monotonicMs: passed,
    schedule: (delayMs, callback, options) => clock.schedule(delayMs / speed, callback, options),
  };
}

function startPump(options: SimulatorOptions, servers: readonly MarketServer[], time: () => Ms): () => void {
  let timer: Timer | undefined;
  let stopped = false;
  let last = options.clock.monotonicMs();
  const pump = (): void => {
    if (stopped) return;
    const now = options.clock.monotonicMs();
    const paused = now - last > LONGEST_PAUSE_MS;
    last = now;
    for (const server of servers) {
      try {
        if (paused) server.dropAll('paused');
        else server.pump(time());
      } catch (error) {
        options.log.error('simulator.pump_failed', { market: server.key, error: errorMessage(error) });
        server.dropAll('failed');
      }
    }
    timer = options.clock.schedule(PUMP_MS, pump);
  };
  timer = options.clock.schedule(PUMP_MS, pump);
  return () => {
    stopped = true;
    timer?.cancel();
  };
}

/** The venue's own addresses with scheme, host and port of the loopback server; paths stay. */
function addressesOf(server: MarketServer): Readonly<Record<string, string>> {
  const entries = Object.entries(definitionOf(server.key)?.addresses ?? {}).map(([name, address]) => {
    const { protocol, pathname } = new URL(address);
    const scheme = protocol.startsWith('ws') ? 'ws' : 'http';
    return [name, `${scheme}://127.0.0.1:${server.port}${pathname === '/' ? '' : pathname}`] as const;
  });
  return Object.fromEntries(entries);
}

function definitionOf(key: string) {
  return venues.flatMap((venue) => venue.markets).find((m) => marketKey(m.exchange, m.market) === key);
}
