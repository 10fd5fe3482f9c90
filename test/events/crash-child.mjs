// @ts-check
/** Writes events, rows and checkpoints as fast as it can and prints what was acknowledged, until it is killed. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBSaver } from '../../src/crew/checkpoint/saver.ts';
import { EventBus, EventJournal, createOpsStore, openOpsDatabase } from '../../src/events/index.ts';
import { systemClock } from '../../src/infra/clock.ts';
import { createIdSource } from '../../src/kit/id.ts';
import { silentLogger } from '../../src/kit/logger.ts';

const dataDir = process.argv[2] ?? '';
const round = Number(process.argv[3]);
const parts = { clock: systemClock, log: silentLogger };
const ops = await openOpsDatabase({ dataDir, ...parts });
const journal = await EventJournal.open(ops.db, { ...parts, batchMs: 5 });
const newId = createIdSource(
  () => systemClock.now(),
  () => round / 1000,
);
const bus = new EventBus({ ...parts, newId, journal });
const store = createOpsStore(ops.db, systemClock);
const saver = await DuckDBSaver.open(ops.db, { clock: systemClock, journal: join(dataDir, 'checkpoints') });
/** @param {string} line */
const say = (line) => void writeSync(1, `${line}\n`);

bus.durable('reader', { types: ['custom'] }, (event) => say(`handled ${event.seq}`), { cursorEvery: 10 });
say(`begun ${journal.lastSeq}`);
for (let i = 0; ; i++) {
  for (let j = 0; j < 20; j++) bus.emit('custom', { kind: `r${round}`, details: { i, j } });
  const upTo = journal.lastSeq;
  const id = `${String(round).padStart(4, '0')}-${String(i).padStart(6, '0')}`;
  await Promise.all([
    journal.acknowledged(upTo).then(() => say(`event ${upTo}`)),
    store
      .insert('agent_metrics', { timestamp: 0, agent_id: id, metric_name: 'm', metric_value: i, dimensions: null })
      .then((row) => say(`row ${row}`)),
    saver
      .put(
        { configurable: { thread_id: 't', checkpoint_ns: '' } },
        {
          v: 4,
          id,
          ts: '2026-01-01T00:00:00.000Z',
          channel_values: { x: i },
          channel_versions: { x: i },
          versions_seen: {},
        },
        { source: 'loop', step: i, parents: {} },
        { x: i },
      )
      .then(() => say(`checkpoint ${id}`)),
  ]);
}
