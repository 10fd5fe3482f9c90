import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventEmitter } from 'eventemitter3';
import { EventBus, EventJournal, openOpsDatabase } from '../../src/events/index.ts';
import { systemClock } from '../../src/infra/clock.ts';
import { createIdSource } from '../../src/kit/id.ts';
import { silentLogger } from '../../src/kit/logger.ts';

const parts = { clock: systemClock, log: silentLogger };
/** What a batch of rows tells; the other measurement of the bus emits it too. */
export const PAYLOAD = {
  stream: 'trades',
  table: 'btcusdt_binance_futures_trades',
  rows: 120,
  first_event_time_us: 1_767_225_600_000_000,
  last_event_time_us: 1_767_225_605_000_000,
  duplicates: 0,
};
const EMITS = 100_000;

/** Events a second, one round of each: the bare emitter, our bus (checked and numbered), and our bus with its journal on disk. */
export async function busRound(): Promise<Readonly<Record<'bare' | 'bus' | 'journal', number>>> {
  const newId = createIdSource(() => systemClock.now(), Math.random);
  const heard = { calls: 0 };
  const listen = (): void => {
    heard.calls++;
  };
  const bare = new EventEmitter();
  bare.on('data.received', listen);
  const bus = new EventBus({ ...parts, newId });
  bus.on('data.received', listen);
  const folder = mkdtempSync(join(tmpdir(), 'crew-peers-bus-'));
  const ops = await openOpsDatabase({ dataDir: folder, ...parts });
  try {
    const rates = {
      bare: rate(EMITS * 20, () => bare.emit('data.received', PAYLOAD)),
      bus: rate(EMITS, () => bus.emit('data.received', PAYLOAD)),
      journal: await journaled(ops.db, newId),
    };
    if (heard.calls !== EMITS * 21) throw new Error(`${heard.calls} events were heard`);
    return rates;
  } finally {
    await ops.db.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function rate(count: number, emit: () => unknown): number {
  const began = performance.now();
  for (let i = 0; i < count; i++) emit();
  return (count / (performance.now() - began)) * 1000;
}

/** Until the last event is durable. */
async function journaled(
  db: Awaited<ReturnType<typeof openOpsDatabase>>['db'],
  newId: (prefix: string) => string,
): Promise<number> {
  const bus = new EventBus({ ...parts, newId, journal: await EventJournal.open(db, { ...parts, maxPending: EMITS }) });
  const began = performance.now();
  for (let i = 0; i < EMITS; i++) {
    bus.emit('data.received', PAYLOAD);
    if (i % 2000 === 1999) await new Promise((resolve) => setImmediate(resolve));
  }
  await bus.flush();
  const perSecond = (EMITS / (performance.now() - began)) * 1000;
  await bus.close();
  return perSecond;
}
