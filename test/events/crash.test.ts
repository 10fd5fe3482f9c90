import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createOpsStore, EventJournal, openOpsDatabase, queryEvents } from '../../src/events/index.ts';
import { DuckDBSaver } from '../../src/crew/checkpoint/saver.ts';
import { systemClock } from '../../src/infra/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { folder } from './support.ts';

const loader = fileURLToPath(new URL('./transpile.mjs', import.meta.url));
const child = fileURLToPath(new URL('./crash-child.mjs', import.meta.url));

interface Seen {
  readonly begun: number;
  readonly event: number;
  readonly rows: ReadonlySet<number>;
  readonly checkpoints: ReadonlySet<string>;
  readonly handled: readonly number[];
}

/** Runs the child until `after` acknowledged batches, kills it without warning, and gives what it had said by then. */
function runAndKill(dataDir: string, round: number, after: number): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, ['--import', loader, child, dataDir, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const seen = {
      begun: -1,
      event: 0,
      rows: new Set<number>(),
      checkpoints: new Set<string>(),
      handled: [] as number[],
    };
    let batches = 0;
    createInterface({ input: running.stdout }).on('line', (line) => {
      const [what = '', value = ''] = line.split(' ');
      if (what === 'begun') seen.begun = Number(value);
      if (what === 'row') seen.rows.add(Number(value));
      if (what === 'checkpoint') seen.checkpoints.add(value);
      if (what === 'handled') seen.handled.push(Number(value));
      if (what !== 'event') return;
      seen.event = Number(value);
      if (++batches === after) running.kill('SIGKILL');
    });
    running.on('error', reject);
    running.on('close', (code) =>
      code === null ? resolve(seen) : reject(new Error(`the child ended with code ${code} before it was killed`)),
    );
  });
}

describe('kill -9 while writing', () => {
  it('loses nothing acknowledged, leaves no hole, and repeats no number', { timeout: 120_000 }, async () => {
    const dataDir = folder();
    const events: number[] = [];
    const rows = new Set<number>();
    const checkpoints = new Set<string>();
    let handled = 0;
    for (const [round, after] of [5, 30].entries()) {
      const seen = await runAndKill(dataDir, round, after);
      expect(seen.begun).toBeGreaterThanOrEqual(events.at(-1) ?? 0);
      events.push(seen.event);
      for (const row of seen.rows) {
        expect(rows.has(row), `id ${row} was given twice`).toBe(false);
        rows.add(row);
      }
      for (const id of seen.checkpoints) checkpoints.add(id);
      // At least once and in order: it goes on at or before the number after the last one handled.
      expect(seen.handled[0] ?? 1).toBeLessThanOrEqual(handled + 1);
      expect(seen.handled).toEqual(seen.handled.map((_, i) => (seen.handled[0] ?? 0) + i));
      handled = seen.handled.at(-1) ?? handled;
    }
    const parts = { clock: systemClock, log: silentLogger };
    const ops = await openOpsDatabase({ dataDir, ...parts });
    await using db = ops.db;
    expect(ops.recovered).toBeNull();
    const stored = await queryEvents(db, { limit: 100_000 });
    expect(stored.length).toBeGreaterThanOrEqual(events.at(-1) ?? 0);
    expect(stored.map((e) => e.seq)).toEqual(stored.map((_, i) => i + 1));
    expect(new Set(stored.map((e) => e.id)).size).toBe(stored.length);
    expect((await EventJournal.open(db, parts)).lastSeq).toBe(stored.length);

    const kept = await createOpsStore(db, systemClock).select('agent_metrics', { limit: 100_000 });
    const ids = new Set(kept.map((row) => row.id));
    expect(ids.size).toBe(kept.length);
    expect([...rows].filter((id) => !ids.has(id))).toEqual([]);

    await using saver = await DuckDBSaver.open(db, { clock: systemClock, journal: join(dataDir, 'checkpoints') });
    const found = new Set<string>();
    for await (const tuple of saver.list({ configurable: { thread_id: 't' } })) found.add(tuple.checkpoint.id);
    expect([...checkpoints].filter((id) => !found.has(id))).toEqual([]);
    expect(checkpoints.size).toBeGreaterThan(30);
  });
});
