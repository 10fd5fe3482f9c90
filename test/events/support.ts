import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBus, type EventBusOptions } from '../../src/events/bus.ts';
import { EventJournal, type JournalOptions } from '../../src/events/journal.ts';
import { systemClock } from '../../src/infra/clock.ts';
import type { Database } from '../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { createIdSource } from '../../src/kit/id.ts';
import { type Logger, silentLogger } from '../../src/kit/logger.ts';

export const folder = (): string => mkdtempSync(join(tmpdir(), 'crew-events-'));

/** A bus with a clock of its own; ids repeat from run to run. */
export function makeBus(options: Partial<EventBusOptions> = {}): EventBus {
  const clock = options.clock ?? new ManualClock();
  const newId = createIdSource(
    () => clock.now(),
    () => 0.5,
  );
  return new EventBus({ clock, newId, log: silentLogger, ...options });
}

/** A journal on the machine's clock that commits within milliseconds. */
export function openJournal(db: Database, options: Partial<JournalOptions> = {}): Promise<EventJournal> {
  return EventJournal.open(db, { clock: systemClock, log: silentLogger, batchMs: 5, ...options });
}

/** A log that can be read. */
export function recordingLogger(): Logger & {
  readonly entries: { readonly level: string; readonly event: string; readonly fields: unknown }[];
} {
  const entries: { level: string; event: string; fields: unknown }[] = [];
  const at =
    (level: string) =>
    (event: string, fields?: unknown): void =>
      void entries.push({ level, event, fields });
  const log = {
    entries,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return log;
}

/** Numbers in [0, 1) that repeat from run to run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
