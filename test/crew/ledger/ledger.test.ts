import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openLedger } from '../../../src/crew/ledger/ledger.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { Conflict, NotFound } from '../../../src/kit/errors.ts';

const call = { tool: 'vacuum_tables', argsHash: 'abc', runId: 'run_1' };
const result = {
  data: { bytes: 7 },
  provenance: { as_of: null, source: 'x', complete: true, stale_ms: 5, notes: ['n'] },
};

describe('the effect ledger', () => {
  let db: Database;
  let clock: ManualClock;
  beforeAll(async () => {
    db = await Database.open({ path: ':memory:' });
  });
  afterAll(() => db.close());
  beforeEach(() => {
    clock = new ManualClock();
  });
  afterEach(() => db.run('DROP TABLE IF EXISTS effect_ledger'));

  it('has the intent on disk before the effect and the result after', async () => {
    const ledger = await openLedger({ db, clock });
    expect(await ledger.begin('k', call)).toEqual({ state: 'new' });
    expect(await db.all('SELECT key, tool, args_hash, run_id, state FROM effect_ledger')).toEqual([
      { key: 'k', tool: 'vacuum_tables', args_hash: 'abc', run_id: 'run_1', state: 'begun' },
    ]);
    await ledger.finish('k', result);
    expect(await ledger.begin('k', call)).toEqual({ state: 'done', result });
    expect(await (await openLedger({ db, clock })).begin('k', call)).toEqual({ state: 'done', result });
  });

  it('says that an effect is at work', async () => {
    const ledger = await openLedger({ db, clock });
    const entries = await Promise.all([ledger.begin('k', call), ledger.begin('k', call), ledger.begin('other', call)]);
    expect(entries.map((e) => e.state)).toEqual(['new', 'running', 'new']);
    expect(await ledger.unknown()).toEqual([]);
    await expect(ledger.settle('k', 'void', 'ada')).rejects.toThrow(Conflict);
  });

  it('lets an intent that came to nothing be tried again', async () => {
    const ledger = await openLedger({ db, clock });
    await ledger.begin('k', call);
    await ledger.finish('k', null);
    expect(await ledger.begin('k', call)).toEqual({ state: 'new' });
  });

  it('does not know what an earlier process did, until a person says it', async () => {
    const dead = await openLedger({ db, clock });
    await dead.begin('k', call);
    await dead.begin('m', call);
    const ledger = await openLedger({ db, clock });
    expect(await ledger.begin('k', call)).toEqual({ state: 'unknown' });
    expect(await ledger.begin('k', call)).toEqual({ state: 'unknown' });
    expect(await ledger.unknown()).toEqual(
      ['k', 'm'].map((key) => ({
        key,
        tool: 'vacuum_tables',
        args_hash: 'abc',
        run_id: 'run_1',
        begun_at: clock.now(),
      })),
    );
    await ledger.settle('k', 'done', 'ada');
    expect(await ledger.begin('k', call)).toMatchObject({
      state: 'done',
      result: { data: null, provenance: { source: 'settled by ada: it had taken effect', complete: false } },
    });
    await ledger.settle('m', 'void', 'ada');
    expect(await ledger.begin('m', call)).toEqual({ state: 'new' });
    await expect(ledger.settle('k', 'void', 'ada')).rejects.toThrow(NotFound);
    await expect(ledger.settle('nowhere', 'void', 'ada')).rejects.toThrow(NotFound);
  });

  it('forgets old results and never an unknown effect', async () => {
    const dead = await openLedger({ db, clock });
    await dead.begin('unknown', call);
    const ledger = await openLedger({ db, clock });
    await ledger.begin('old', call);
    await ledger.finish('old', result);
    await clock.advance(1000);
    await ledger.begin('new', call);
    await ledger.finish('new', result);
    expect(await ledger.prune(clock.now())).toBe(1);
    expect(await ledger.begin('old', call)).toEqual({ state: 'new' });
    expect(await ledger.begin('new', call)).toMatchObject({ state: 'done' });
    expect(await ledger.begin('unknown', call)).toEqual({ state: 'unknown' });
  });
});
