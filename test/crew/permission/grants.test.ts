import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { agentCaller, createPermissionGate } from '../../../src/crew/permission/gate.ts';
import { openGrants, type GrantStore } from '../../../src/crew/permission/grants.ts';
import type { OverrideSpec } from '../../../src/crew/spec.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { Corrupt, InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import { echoTool } from '../../kit/tool-fakes.ts';

const spec: OverrideSpec = {
  agent: 'cleaner',
  tool: 'get_echo',
  level: 'READ_ONLY',
  expires_at: null,
  granted_by: 'ada',
  reason: 'a trial',
};

describe('grants', () => {
  let db: Database;
  let id = 0;
  const clock = new ManualClock();
  beforeAll(async () => {
    db = await Database.open({ path: ':memory:' });
  });
  afterAll(() => db.close());
  afterEach(() => db.run('DROP TABLE IF EXISTS permission_overrides'));
  const open = (): Promise<GrantStore> => openGrants({ db, clock, ids: (prefix) => `${prefix}_${++id}` });

  it('decide at once, and again after a restart, until revoked', async () => {
    const store = await open();
    const agent = { id: 'cleaner', permission_role: 'none', tools: ['get_echo'] };
    const allowed = (from: GrantStore): boolean =>
      createPermissionGate({
        roles: [{ id: 'none', grants: {} }],
        agents: [agent],
        overrides: () => from.current(),
        clock,
      }).decide(agentCaller(agent), echoTool(), 'get_echo').allowed;
    expect(allowed(store)).toBe(false);
    const grant = await store.grant({ ...spec, expires_at: clock.now() + 60_000 });
    expect(allowed(store)).toBe(true);
    const again = await open();
    expect(again.current()).toEqual([grant]);
    expect(allowed(again)).toBe(true);
    await again.revoke(grant.id, 'bob');
    expect(allowed(again)).toBe(false);
    expect((await open()).current()).toEqual([]);
    expect(await db.all('SELECT id, granted_by, revoked_by FROM permission_overrides')).toEqual([
      { id: grant.id, granted_by: 'ada', revoked_by: 'bob' },
    ]);
    await expect(again.revoke(grant.id, 'bob')).rejects.toThrow(NotFound);
  });

  it('refuse a level that does not exist and an end in the past', async () => {
    const store = await open();
    await expect(store.grant({ ...spec, level: 'ROOT' as never })).rejects.toThrow(InvalidInput);
    await expect(store.grant({ ...spec, expires_at: clock.now() })).rejects.toThrow(InvalidInput);
    expect(store.current()).toEqual([]);
  });

  it('are not read back when damaged', async () => {
    await (await open()).grant(spec);
    await db.run("UPDATE permission_overrides SET level = 'ROOT'");
    await expect(open()).rejects.toThrow(Corrupt);
  });

  it('fail on the safe side when the disk does not take them', async () => {
    const store = await open();
    const gives = await store.grant(spec);
    const takes = await store.grant({ ...spec, level: 'NONE' });
    await db.run('DROP TABLE permission_overrides');
    await expect(store.grant({ ...spec, level: 'ADMIN' })).rejects.toThrow();
    await expect(store.revoke(gives.id, 'bob')).rejects.toThrow();
    await expect(store.revoke(takes.id, 'bob')).rejects.toThrow();
    expect(store.current()).toEqual([takes]);
  });
});
