import { join } from 'node:path';
import { systemClock } from '../../../src/infra/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { createCollector, type CollectorOptions } from '../../../src/market/collect/collector.ts';
import type { Collector } from '../../../src/market/collect/contract.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { MemoryStore, RecordingSink } from './support.ts';
import { SYMBOLS, toyVenue, type ToyServer } from './toy-venue.ts';

/** A collector of the toy venue with what it writes to. */
export interface Desk extends AsyncDisposable {
  readonly collector: Collector;
  readonly store: MemoryStore;
  readonly events: RecordingSink;
  readonly server: ToyServer;
  readonly tapeDir: string;
}

export interface DeskOptions {
  readonly server: ToyServer;
  readonly folder: string;
  readonly store?: MemoryStore;
  readonly venue?: Parameters<typeof toyVenue>[0];
  readonly collect?: Record<string, unknown>;
  readonly source?: string;
  readonly start?: boolean;
  readonly more?: Partial<CollectorOptions>;
}

/** Opens, and unless told otherwise starts, the collector in front of the server. */
export async function openDesk(options: DeskOptions): Promise<Desk> {
  const { server, folder, store = new MemoryStore() } = options;
  const events = new RecordingSink(systemClock);
  const tapeDir = join(folder, 'tape');
  const collector = createCollector({
    config: marketConfigSchema.parse({
      source: options.source ?? 'live',
      collect: {
        exchanges: ['toy'],
        symbols: [...SYMBOLS],
        flush_interval_ms: 50,
        tape_flush_ms: 5,
        reconnect_min_ms: 10,
        reconnect_max_ms: 40,
        connect_timeout_ms: 1000,
        ...options.collect,
      },
    }),
    venues: [toyVenue(options.venue)],
    addresses: server.addresses,
    store: store.asStore(),
    tapeDir,
    events,
    clock: systemClock,
    log: silentLogger,
    random: () => 0.5,
    ...options.more,
  });
  if (options.start !== false) await collector.start();
  return { collector, store, events, server, tapeDir, [Symbol.asyncDispose]: () => collector.stop() };
}
