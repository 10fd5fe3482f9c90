import { join } from 'node:path';
import { HttpClient } from '../../infra/http.ts';
import { closeAll } from '../../kit/close.ts';
import type { Clock } from '../../kit/clock.ts';
import { SourceUnreachable, Unavailable, Unsupported } from '../../kit/errors.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import type { OpsStore } from '../../kit/ops.ts';
import { createCollector } from '../../market/collect/collector.ts';
import type { Collector } from '../../market/collect/contract.ts';
import { marketsOf } from '../../market/collect/markets.ts';
import { createVenueRest } from '../../market/collect/venue-rest.ts';
import type { MarketConfig } from '../../market/config.ts';
import { DEFAULT_SYMBOLS } from '../../market/domain/instrument.ts';
import { marketKey } from '../../market/domain/records.ts';
import { DeskSettings } from '../../market/jobs/desk-settings.ts';
import { StreamForecasts } from '../../market/jobs/forecasts/stream-forecasts.ts';
import { checkOwnFees } from '../../market/jobs/fees.ts';
import type { EscalationChannel } from '../../market/jobs/contract.ts';
import type { HostLeftAlone } from './left-alone.ts';
import { credentialsOf, simulatedCredentials } from '../../market/exchanges/credential.ts';
import { venues } from '../../market/exchanges/catalogue.generated.ts';
import type { MarketServices } from '../../market/services.ts';
import { openMarketStore } from '../../market/store/open.ts';
import type { MarketStore } from '../../market/store/contract.ts';
import type { Simulator } from '../../market/simulator/server.ts';

/** The market half of a desk: store, collectors and, on the embedded source, the simulated venues. */
export interface MarketHalf extends AsyncDisposable {
  readonly store: MarketStore;
  readonly collector: Collector;
  readonly simulator: Simulator | null;
  readonly services: MarketServices;
}

/**
 * Opens the market database (a damaged one is set aside and rebuilt from the tape when collecting starts) and makes
 * the collectors; nothing is connected yet. With source `sim` the loopback venues are started here.
 */
export async function openMarket(options: {
  readonly dataDir: string;
  readonly config: MarketConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  /** Hosts that refused us before this start, and until when they wanted to be left alone. */
  readonly leftAlone?: readonly HostLeftAlone[] | undefined;
  readonly ops: OpsStore;
  readonly random: () => number;
  readonly channels: readonly EscalationChannel[];
  /** The process environment, for secrets of venues. */
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<MarketHalf> {
  const { dataDir, clock, log, events, ops } = options;
  const settings = await DeskSettings.open(ops, options.config);
  const asked = settings.inForce(options.config);
  const config = asked.source === 'sim' ? withPatience(asked) : asked;
  checkOwnFees(venues, config.fees);
  const { store } = await openMarketStore({ dataDir, config: config.storage, clock, log, events });
  const simulator = config.source === 'sim' ? await startSimulator(config, clock, log) : null;
  const addresses = { ...config.addresses, ...(simulator?.addresses ?? {}) };
  const http = new HttpClient({ clock: simulator?.clock ?? clock, log });
  // The simulator's addresses are new with each start: who answered there before is somebody else.
  if (simulator === null) for (const { host, forMs } of options.leftAlone ?? []) http.limiter.block(host, forMs);
  const credentials = simulator === null ? credentialsOf(options.env) : simulatedCredentials;
  const rest = createVenueRest({ venues, config, addresses: simulator?.addresses, http, credentials, events, clock });
  for (const [venue, percent] of Object.entries(settings.settings.rate_limits)) rest.scaleLimits(venue, percent);
  const collector = createCollector({
    config,
    disabled: settings.settings.disabled_markets,
    venues,
    addresses,
    http,
    credentials,
    store,
    tapeDir: join(dataDir, 'tape'),
    events,
    clock: simulator?.clock ?? clock,
    log,
    random: options.random,
    requireConnection: { timeoutMs: config.collect.connect_timeout_ms + config.collect.request_timeout_ms },
  });
  let closed: Promise<void> | undefined;
  const forecasts = new StreamForecasts({ store, collector, events, log, config }, simulator?.clock ?? clock);
  const close = (): Promise<void> =>
    closeAll(
      () => forecasts.stop(),
      () => collector.stop(),
      () => http[Symbol.asyncDispose](),
      () => simulator?.stop(),
      () => store[Symbol.asyncDispose](),
    );
  return {
    store,
    collector,
    simulator,
    services: {
      collector,
      rest,
      store,
      ops,
      events,
      clock,
      log,
      venues,
      config,
      settings,
      forecasts,
      channels: options.channels,
    },
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

/**
 * The same with times that are waited for an answer told in the simulator's, which is `simulator.speed` times as fast:
 * a request on this machine takes as long as it takes, however fast the market goes.
 */
export function withPatience(config: MarketConfig): MarketConfig {
  const times = Math.max(1, config.simulator.speed);
  if (times === 1) return config;
  const collect = (): MarketConfig['collect'] => ({
    ...config.collect,
    connect_timeout_ms: config.collect.connect_timeout_ms * times,
    request_timeout_ms: config.collect.request_timeout_ms * times,
  });
  // What is in force is read anew each time: getters stay getters.
  const own = Object.getOwnPropertyDescriptors(config);
  return Object.freeze(
    Object.defineProperties({} as MarketConfig, { ...own, collect: { enumerable: true, get: collect } }),
  );
}

async function startSimulator(config: MarketConfig, clock: Clock, log: Logger): Promise<Simulator> {
  const simulator = await import('../../market/simulator/server.ts');
  const { seed, speed, faults } = config.simulator;
  const symbols = [...new Set([...DEFAULT_SYMBOLS, ...config.collect.symbols])];
  const markets = marketsOf(venues, config.collect.exchanges).map((m) => marketKey(m.exchange, m.market));
  const started = await simulator.startSimulator({ seed, speed, faults, clock, log, symbols, markets });
  const missing = markets.filter((key) => started.addresses[key] === undefined);
  if (missing.length > 0) {
    await started.stop();
    // Its own address would be the live venue's: what is asked of the simulator never leaves this machine.
    throw new Unsupported(`the simulator does not serve ${missing.join(', ')}; leave it out, or use source live`);
  }
  return started;
}

/** Collecting runs, and tape and store take what comes. */
export function collectorsOk(market: Pick<MarketHalf, 'collector'>): boolean {
  const status = market.collector.status();
  return status.running && status.tape.error === null && status.store_error === null;
}

/** Starts the collectors; a source that cannot be reached is an error of its own, with its own exit code. */
export async function startCollecting(
  market: Pick<MarketHalf, 'collector' | 'services'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await market.collector.start();
    signal?.throwIfAborted();
    // Of a tape that is replayed, nothing is in the future.
    if (market.collector.status().source !== 'tape') market.services.forecasts.start();
  } catch (error) {
    if (error instanceof Unavailable) throw new SourceUnreachable(error.message, { cause: error });
    throw error;
  }
}
