import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openProposals, type StoredProposals } from '../../../src/crew/proposal/log.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { Conflict, InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import type { Caller } from '../../../src/kit/invoke.ts';
import { operator } from '../../kit/tool-fakes.ts';

const cleaner: Caller = { id: 'agent:cleaner', agentId: 'cleaner', role: 'cleaner', tools: null };

describe('the log of proposals', () => {
  let db: Database;
  let clock: ManualClock;
  let log: StoredProposals;
  beforeAll(async () => {
    db = await Database.open({ path: ':memory:' });
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    clock = new ManualClock();
    log = await openProposals({ db, clock });
  });
  afterEach(() => db.run('DROP TABLE proposed_actions'));

  const record = async (id: string, caller: Caller, tool: string, runId: string | null = 'run_1'): Promise<void> => {
    await log.record({
      id,
      call: { tool, args: {}, caller, runId, taskId: 'task_1', reason: 'a gap' },
      args: { table: 't' },
      wouldChange: { rows: 3 },
    });
    await clock.advance(1000);
  };

  it('keeps what would have been done, by whom and why', async () => {
    const time = clock.now();
    await record('prop_1', cleaner, 'fill_data_gaps');
    await record('prop_2', operator, 'vacuum_tables', null);
    expect(await log.list()).toEqual([
      expect.objectContaining({ id: 'prop_2', agent: 'operator', run_id: null }),
      {
        id: 'prop_1',
        time,
        run_id: 'run_1',
        task_id: 'task_1',
        agent: 'cleaner',
        tool: 'fill_data_gaps',
        args: { table: 't' },
        reason: 'a gap',
        would_change: { rows: 3 },
        scored_at: null,
        score: null,
        outcome: null,
      },
    ]);
    expect(await (await openProposals({ db, clock })).list()).toHaveLength(2);
  });

  it('finds by run, agent, tool, time and score', async () => {
    await record('prop_1', cleaner, 'fill_data_gaps');
    const since = clock.now();
    await record('prop_2', cleaner, 'normalize_data', 'run_2');
    await log.score('prop_1', 1, {});
    const ids = async (query: Parameters<StoredProposals['list']>[0]): Promise<readonly string[]> =>
      (await log.list(query)).map((p) => p.id);
    expect(await ids({ runId: 'run_2' })).toEqual(['prop_2']);
    expect(await ids({ agent: 'cleaner' })).toEqual(['prop_2', 'prop_1']);
    expect(await ids({ tool: 'fill_data_gaps' })).toEqual(['prop_1']);
    expect(await ids({ since })).toEqual(['prop_2']);
    expect(await ids({ scored: true })).toEqual(['prop_1']);
    expect(await ids({ scored: false })).toEqual(['prop_2']);
    expect(await ids({ limit: 1 })).toEqual(['prop_2']);
  });

  it('scores once, from 0 to 1', async () => {
    await record('prop_1', cleaner, 'fill_data_gaps');
    await expect(log.score('prop_1', 1.5, {})).rejects.toThrow(InvalidInput);
    await expect(log.score('prop_1', Number.NaN, {})).rejects.toThrow(InvalidInput);
    await log.score('prop_1', 0.5, { filled: 'by the venue' });
    expect(await log.list()).toMatchObject([
      { score: 0.5, outcome: { filled: 'by the venue' }, scored_at: clock.now() },
    ]);
    await expect(log.score('prop_1', 1, {})).rejects.toThrow(Conflict);
    await expect(log.score('prop_9', 1, {})).rejects.toThrow(NotFound);
  });

  it('asks the scorer about what is open and sums up by agent and tool', async () => {
    await record('prop_1', cleaner, 'fill_data_gaps');
    await record('prop_2', cleaner, 'fill_data_gaps');
    await record('prop_3', cleaner, 'fill_data_gaps');
    await record('prop_4', operator, 'vacuum_tables');
    const scorer = ({ id }: { id: string }): Promise<{ score: number; outcome: Record<string, unknown> } | null> =>
      Promise.resolve(id === 'prop_3' || id === 'prop_4' ? null : { score: id === 'prop_1' ? 1 : 0, outcome: { id } });
    expect(await log.scoreOpen(scorer)).toBe(2);
    expect(await log.scoreOpen(scorer)).toBe(0);
    const start = clock.now() - 4000;
    expect(await log.summary()).toEqual([
      { agent: 'cleaner', tool: 'fill_data_gaps', proposed: 3, scored: 2, mean_score: 0.5, last_time: start + 2000 },
      { agent: 'operator', tool: 'vacuum_tables', proposed: 1, scored: 0, mean_score: null, last_time: start + 3000 },
    ]);
  });
});
