import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { Unavailable } from '../../../src/kit/errors.ts';
import type { MarketStore, StoreSnapshot } from '../../../src/market/store/contract.ts';
import { DAY, T0, open, temporaryFolder, trade } from './fixtures.ts';

const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' } as const;
const ROWS = 20_000;
/** Commits whose log is larger than what is folded in as a rule. */
const MORE = 12;

const many = (batch: number) =>
  Array.from({ length: ROWS }, (_, i) => trade(batch * ROWS + i, T0 + DAY + batch * ROWS + i));

async function filled(): Promise<MarketStore> {
  const { store } = await open(temporaryFolder());
  await store.ingest([trade('finished', T0)], { segment: 1, item: 1 });
  await store.compact({ now: T0 + DAY, minimumGain: 1 });
  await store.ingest(many(0), { segment: 1, item: 2 });
  return store;
}

/** Copies all of a snapshot into a folder of its own. */
async function copyAll(snapshot: StoreSnapshot, during: () => Promise<void>): Promise<string> {
  const target = temporaryFolder();
  const put = (name: string, source: string): void => {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    copyFileSync(source, join(target, name));
  };
  await snapshot.copyDatabase(async (path, check) => {
    await during();
    await check();
    put(snapshot.database.name, path);
  });
  for (const [name, source] of snapshot.files) put(name, source);
  return target;
}

async function contentOf(store: MarketStore): Promise<unknown> {
  const [rows] = await store.read(`SELECT count(*) AS n, bit_xor(hash(t))::VARCHAR AS h FROM trades t`);
  return { rows, position: await store.position(), stats: (await store.stats()).map(({ rows: n }) => n) };
}

it('holds one moment while commits go on, more than a log has as a rule, and compactions wait', {
  timeout: 60_000,
}, async () => {
  const store = await filled();
  await using _ = store;
  const before = await contentOf(store);
  const events: string[] = [];
  let compacted: Promise<unknown> | undefined;
  const snapshot = await store.snapshot('one');
  const target = await copyAll(snapshot, async () => {
    compacted = store
      .compact({ now: T0 + 2 * DAY, minimumGain: 1 })
      .then(({ days_written }) => events.push(`compacted ${days_written.length}`));
    for (let batch = 1; batch <= MORE; batch++) {
      await store.ingest(many(batch), { segment: 1, item: 2 + batch });
      events.push('committed');
    }
    events.push(`log ${statSync(`${snapshot.database.path}.wal`).size > 16 * 1024 * 1024}`);
  });
  events.push('copied');
  await compacted;
  expect(events).toEqual([...Array<string>(MORE).fill('committed'), 'log true', 'copied', 'compacted 1']);
  await snapshot[Symbol.asyncDispose]();
  expect(readdirSync(join(dirname(snapshot.database.path), 'compaction'))).toEqual([]);

  expect(await store.stats()).toMatchObject([{ rows: (MORE + 1) * ROWS + 1 }]);
  const { store: copy } = await open(target);
  await using __ = copy;
  expect(await contentOf(copy)).toEqual(before);
  await copy.ingest([trade('later', T0 + 3 * DAY)], { segment: 9, item: 9 });
  expect(await copy.stats()).toMatchObject([{ rows: ROWS + 2 }]);
});

it('folds the log in again as soon as the file is copied, and when nobody copied it', async () => {
  const store = await filled();
  await using _ = store;
  const threshold = async (): Promise<unknown> =>
    (await store.read("SELECT current_setting('checkpoint_threshold') AS t"))[0]?.['t'];
  const usual = await threshold();
  const snapshot = await store.snapshot('one');
  expect(await threshold()).not.toBe(usual);
  await copyAll(snapshot, () => Promise.resolve());
  expect(await threshold()).toBe(usual);
  await expect(snapshot.copyDatabase((_path, check) => check())).rejects.toThrow(/was copied already/);
  await snapshot[Symbol.asyncDispose]();

  const unused = await store.snapshot('two');
  expect(await threshold()).not.toBe(usual);
  await unused[Symbol.asyncDispose]();
  expect(await threshold()).toBe(usual);
});

it('refuses a copy of a file that was written anew meanwhile', async () => {
  const store = await filled();
  await using _ = store;
  await using snapshot = await store.snapshot('one');
  await expect(
    snapshot.copyDatabase(async () => {
      await store.ingest([trade('new', T0 + 2 * DAY)], null);
      await store.read('CHECKPOINT');
    }),
  ).rejects.toThrow(/was written anew while it was copied: make the backup again/);
});

it('ends with the store', async () => {
  const store = await filled();
  const snapshot = await store.snapshot('one');
  const copied = snapshot.copyDatabase(async (_path, check) => {
    await store.close();
    await check();
  });
  await expect(copied).rejects.toBeInstanceOf(Unavailable);
  await expect(copied).rejects.toThrow(/is being closed/);
  await snapshot[Symbol.asyncDispose]();
  await expect(store.series()).resolves.toEqual([series]);
});
