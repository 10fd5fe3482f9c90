import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Database } from '../../infra/duckdb/database.ts';
import { systemClock } from '../../infra/clock.ts';
import type { Clock } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import { createIdSource } from '../../kit/id.ts';
import type { Embedder } from '../retrieval/vector.ts';
import { openDuckDbStorage } from './duckdb-storage.ts';
import type { MemorySettings } from './parts.ts';
import { type MemoryVault, openMemoryVault } from './vault.ts';

/**
 * Opens a memory in a DuckDB file of its own, made when it is missing; dispose it when done. Throws Conflict when
 * another process has the file open.
 *
 * @example
 * ```ts
 * await using memory = await openMemoryFile({ path: 'data/memory.duckdb' });
 * const crew = shop.on({ memory });
 * ```
 */
export async function openMemoryFile(options: {
  readonly path: string;
  readonly embedder?: Embedder | undefined;
  readonly settings?: Partial<MemorySettings> | undefined;
  readonly clock?: Clock | undefined;
  /** Hears of consolidation and forgetting. */
  readonly events?: EventSink | undefined;
}): Promise<MemoryVault & AsyncDisposable> {
  const { clock = systemClock, embedder, settings, events } = options;
  const path = resolve(options.path);
  await mkdir(dirname(path), { recursive: true });
  const db = await Database.open({ path });
  const random = (): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
  const vault = openMemoryVault({
    storage: await openDuckDbStorage(db),
    clock,
    events,
    ids: createIdSource(() => clock.now(), random),
    embedder,
    settings,
  });
  return {
    tenant: (name) => vault.tenant(name),
    tenants: () => vault.tenants(),
    receipts: () => vault.receipts(),
    verifyReceipts: () => vault.verifyReceipts(),
    wasForgotten: (receipt, content) => vault.wasForgotten(receipt, content),
    [Symbol.asyncDispose]: () => db.close(),
  };
}
