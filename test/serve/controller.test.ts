import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  Conflict,
  ConfigInvalid,
  InvalidInput,
  NotFound,
  SourceUnreachable,
  Unavailable,
} from '../../src/kit/errors.ts';
import type { StreamItem } from '../../src/kit/stream-item.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { openProposals } from '../../src/crew/proposal/log.ts';
import { openOpsDatabase } from '../../src/events/index.ts';
import { CrewController } from '../../src/serve/controller.ts';
import { openDesk } from '../../src/serve/open.ts';
import type { ControllerOptions } from '../../src/serve/options.ts';
import { runCrew } from '../../src/serve/session.ts';
import { ScriptedModel } from '../../src/testing/index.ts';

const small = (over: Partial<ControllerOptions> = {}): ControllerOptions => ({
  config: '.',
  dataDir: mkdtempSync(join(tmpdir(), 'crew-controller-')),
  source: 'sim',
  exchanges: ['binance_futures'],
  symbols: ['BTCUSDT'],
  log: silentLogger,
  env: {},
  ...over,
});

describe('CrewController', { timeout: 60_000 }, () => {
  it('goes through its states, works, pauses, stops and starts again', async () => {
    await using controller = new CrewController(small());
    expect(controller.state).toBe('uninitialized');
    const order: string[] = [];
    const earlier = (): void => void order.push('first');
    controller.on('system.started', () => void order.push('second'), { dependsOn: [earlier] });
    controller.on('system.started', earlier);
    expect(controller.getHealth().healthy).toBe(false);
    const first = await controller.initialize();
    expect(first).toMatchObject({ status: 'initialized', state: 'ready', crews_initialized: 2 });
    expect(first.tools_registered).toBeGreaterThan(40);
    expect(first.agents_loaded).toBeGreaterThanOrEqual(5);
    expect((await controller.initialize()).status).toBe('already_initialized');

    const events: string[] = [];
    controller.on('*', (event) => events.push(event.type));
    const status = await controller.start({ shadow: true, autonomous: false });
    expect(status).toMatchObject({ state: 'running', mode: 'shadow', source: 'sim', model: 'playbook' });
    expect(order).toEqual(['first', 'second']);
    expect(controller.getHealth()).toMatchObject({ healthy: true });
    await expect(controller.start()).rejects.toBeInstanceOf(Conflict);

    await controller.pause();
    const waiting = controller.kickoff('operations');
    const early = await Promise.race([
      waiting.then(() => 'done'),
      new Promise((resolve) => setTimeout(() => resolve('held'), 300)),
    ]);
    expect(early).toBe('held');
    await controller.resume();
    const document = await waiting;
    expect(document).toMatchObject({ crew: 'operations', mode: 'shadow', source: 'sim', status: 'completed' });
    expect(document.tasks[0]?.tool_calls.length).toBeGreaterThan(0);
    expect(events).toContain('run.completed');
    const { run_id: run, tasks } = document;
    expect((await controller.desk.runSteps(run))[0]?.done).toContain(tasks[0]?.id);
    const from = tasks[0]?.id;
    expect(await controller.desk.forkRun({ run, from, shadow: false })).toMatchObject({
      status: 'completed',
      // A desk in shadow mode makes no effects, whoever asks.
      mode: 'shadow',
      trigger: `replay of ${run} from ${from}`,
    });
    await expect(controller.desk.forkRun({ run, from, at: 'x' })).rejects.toBeInstanceOf(InvalidInput);

    expect(await controller.stop()).toMatchObject({ status: 'stopped' });
    expect(await controller.stop()).toMatchObject({ status: 'not_running' });
    await controller.start({ autonomous: false });
    expect(controller.isRunning).toBe(true);
    expect(controller.shadow).toBe(false);
    expect((await controller.desk.runs()).map((run) => run.crew)).toContain('operations');
  });

  it('streams a run to its end, and everything after a number over a restart', async () => {
    await using controller = new CrewController(small());
    await controller.start({ shadow: true, autonomous: false, collect: false });
    const run = await controller.streamRun('operations', {}, { channels: ['task', 'run'] });
    const items: StreamItem[] = [];
    for await (const item of run) items.push(item);
    expect(items.map((item) => item.type)).toEqual(expect.arrayContaining(['task.started', 'task.completed']));
    expect(items[0]).toMatchObject({ type: 'run.started', path: run.runId, parent: null });
    expect(items.at(-1)?.type).toBe('run.completed');
    expect(await run.done).toMatchObject({ run_id: run.runId, status: 'completed' });
    const last = items.at(-1)?.seq ?? 0;
    await controller.restart({ autonomous: false, collect: false });
    const seen: number[] = [];
    for await (const { seq, type } of controller.stream({ after: last })) {
      seen.push(seq);
      if (type === 'system.started') break;
    }
    expect(seen).toEqual(seen.map((_, i) => last + 1 + i));
  });

  it('lists effects of unknown outcome and lets a person settle them; a stopped one still names its folder', async () => {
    const options = small();
    await using controller = new CrewController(options);
    await controller.initialize();
    await controller.runtime.operations.db.run(
      "INSERT INTO effect_ledger VALUES ('k1', 'vacuum_tables', 'h', 'run_1', 'begun', TIMESTAMP '2026-01-01', NULL, NULL, NULL)",
    );
    const { desk } = controller;
    const begun_at = '2026-01-01T00:00:00.000Z';
    expect(await desk.unknownEffects()).toEqual([
      { id: 'k1', key: 'k1', tool: 'vacuum_tables', run_id: 'run_1', begun_at },
    ]);
    expect(await desk.settleEffect({ key: 'k1', outcome: 'void', by: 'me' })).toEqual({
      key: 'k1',
      outcome: 'void',
      settled_by: 'me',
      resumed_run: null,
    });
    expect(await desk.unknownEffects()).toEqual([]);
    await expect(desk.settleEffect({ key: 'k1', outcome: 'done', by: 'me' })).rejects.toThrow(NotFound);
    expect((await controller.getStatus()).trading_signals).toMatchObject({ state: 'active' });
    await controller.stop();
    expect(await controller.getStatus()).toMatchObject({ state: 'stopped', data_dir: options.dataDir });
  });

  it('takes up the run that waited for a settled effect, and tells when it cannot go on', async () => {
    await using controller = new CrewController(small());
    await controller.initialize();
    const { operations, crews } = controller.runtime;
    const begin = (key: string, run: string) =>
      operations.db.transaction([
        {
          sql: "INSERT INTO effect_ledger VALUES (?, 'vacuum_tables', 'h', ?, 'begun', TIMESTAMP '2026-01-01', NULL, NULL, NULL)",
          params: [key, run],
        },
        {
          sql: "INSERT INTO runs VALUES (?, 'gone', 'active', 'waiting', 'manual', NULL, 'h', '{}', NULL, TIMESTAMP '2026-01-01', NULL, NULL, '[]', NULL, NULL, NULL)",
          params: [run],
        },
      ]);
    await begin('k1', 'run_1');
    const settled = await controller.desk.settleEffect({ key: 'k1', outcome: 'done', by: 'me' });
    expect(settled).toMatchObject({ outcome: 'done', resumed_run: 'run_1' });
    await expect.poll(async () => (await controller.desk.runs())[0]).toMatchObject({ id: 'run_1', status: 'failed' });
    expect((await controller.desk.run('run_1')).error).toContain("'gone'");

    await begin('k2', 'run_2');
    vi.spyOn(crews.runner, 'resume').mockRejectedValue(new Unavailable('the disk is full'));
    await controller.desk.settleEffect({ key: 'k2', outcome: 'void', by: 'me' });
    expect(await controller.getStatus()).toMatchObject({ error_count: 1, last_error: 'the disk is full' });
  });

  it('gives every stream of a market rows within ten seconds, and one document of a shadow run', async () => {
    await using controller = new CrewController(small());
    await controller.start({ shadow: true, autonomous: false });
    await expect
      .poll(async () => (await controller.getStatus()).streams.filter((s) => s.rows === 0).map((s) => s.table), {
        timeout: 10_000,
        interval: 500,
      })
      .toEqual([]);
    const before = await controller.desk
      .query({ sql: 'SELECT count(*) AS n FROM quarantine', maxRows: 1, timeoutMs: 5000 })
      .catch(() => undefined);
    const document = await controller.kickoff('data-ops');
    expect(document.status).toBe('completed');
    expect(document.mode).toBe('shadow');
    expect(Object.keys(document)).toEqual(
      expect.arrayContaining([
        'run_id',
        'crew',
        'mode',
        'source',
        'model',
        'status',
        'started_at',
        'finished_at',
        'tasks',
        'streams',
        'events',
        'quality_issues',
        'proposed_actions',
        'effects',
        'health_score',
        'usage',
      ]),
    );
    expect(document.tasks).toHaveLength(13);
    expect(document.effects).toEqual([]);
    expect(document.proposed_actions.length).toBeGreaterThan(0);
    expect(document.usage.tool_calls).toBeGreaterThan(5);
    for (const table of ['btcusdt_binance_futures_trades', 'btcusdt_binance_futures_orderbooks']) {
      const [stream] = document.streams.filter((s) => (s as { table: string }).table === table) as {
        rows: number;
        state: string;
      }[];
      expect(stream?.rows, table).toBeGreaterThan(0);
    }
    const after = await controller.desk
      .query({ sql: 'SELECT count(*) AS n FROM quarantine', maxRows: 1, timeoutMs: 5000 })
      .catch(() => undefined);
    expect(after?.rows).toEqual(before?.rows);
  });

  it('lets two controllers with their own folders run in one process, and refuses a second on the same folder', async () => {
    const options = small();
    await using one = new CrewController(options);
    await using two = new CrewController(small({ symbols: ['ETHUSDT'] }));
    await Promise.all([one.start({ autonomous: false }), two.start({ autonomous: false })]);
    await using third = new CrewController(options);
    await expect(third.start()).rejects.toBeInstanceOf(Conflict);
    expect(third.state).toBe('error');
    expect((await one.getStatus()).streams.every((s) => s.table.startsWith('btcusdt'))).toBe(true);
    expect((await two.getStatus()).streams.every((s) => s.table.startsWith('ethusdt'))).toBe(true);
  });

  it('serves other processes while it runs, and leaves the files readable afterwards', async () => {
    const options = small();
    const controller = new CrewController(options);
    await controller.start({ autonomous: false });
    const remote = await openDesk(options, 'inspect');
    expect(remote.kind).toBe('remote');
    expect(await remote.crews()).toEqual(await controller.desk.crews());
    const { metrics } = await remote.status();
    expect(metrics['memory_resident_bytes']).toBeGreaterThan(metrics['memory_heap_bytes'] ?? Number.POSITIVE_INFINITY);
    const outcome = await remote.callTool({ name: 'get_stream_status', args: {}, agent: 'collector' });
    expect(outcome).toMatchObject({ ok: true });
    expect(await remote.callTool({ name: 'vacuum_tables', args: {}, agent: 'cleaner' })).toMatchObject({
      ok: false,
      error: { code: 'permission_denied' },
    });
    await expect(remote.callTool({ name: 'get_stream_status', args: {}, agent: 'nobody' })).rejects.toBeInstanceOf(
      NotFound,
    );
    const asked = await remote.callTool({ name: 'optimize_schema', args: {} });
    expect(asked).toMatchObject({ ok: false, error: { code: 'approval_required' } });
    const [pending] = await remote.approvals({ state: 'pending' });
    expect(pending).toMatchObject({ tool: 'optimize_schema', state: 'pending' });
    await remote.decide({ id: pending?.id ?? '', decision: 'approve', by: 'tester' });
    expect(await remote.callTool({ name: 'optimize_schema', args: {} })).toMatchObject({ ok: true });
    await controller.stop();
    expect(existsSync(join(options.dataDir ?? '', 'controller.json'))).toBe(false);

    await using files = await openDesk(options, 'inspect');
    expect(files.kind).toBe('files');
    expect((await files.status()).streams.length).toBeGreaterThan(0);
    expect((await files.events({ types: ['system.stopped'] })).length).toBe(1);
    expect((await files.approvals({ state: 'used' }))[0]).toMatchObject({ tool: 'optimize_schema' });
    expect(
      (
        await files.query({
          sql: 'SELECT count(*) AS n FROM btcusdt_binance_futures_trades',
          maxRows: 1,
          timeoutMs: 5000,
        })
      ).rows,
    ).toHaveLength(1);
  });

  it('collects nothing for a crew that has no market tool, alone or within a desk that collects', async () => {
    const config = mkdtempSync(join(tmpdir(), 'crew-plain-'));
    writeFileSync(join(config, 'agents.yaml'), 'writer: { role: Writer, goal: Write, backstory: Wrote before }\n');
    writeFileSync(
      join(config, 'tasks.yaml'),
      'write: { description: Write a line, expected_output: A line, agent: writer }\n',
    );
    writeFileSync(join(config, 'crews.yaml'), 'plain: { tasks: [write] }\n');
    const options = small({ config, model: new ScriptedModel([{ text: 'one' }, { text: 'two' }]).named('script') });
    const progress: string[] = [];
    const document = await runCrew({
      options,
      crew: 'plain',
      inputs: {},
      shadow: undefined,
      durationMs: undefined,
      signal: new AbortController().signal,
      onProgress: (text) => progress.push(text),
    });
    const plain = { status: 'completed', source: null, streams: [], quality_issues: [], health_score: null };
    expect(document).toMatchObject({ ...plain, output: 'one' });
    expect(document.events.by_type).toHaveProperty('run.completed', 1);
    expect(document.events.by_type).not.toHaveProperty('streaming.started');

    await using controller = new CrewController(options);
    await controller.start({ autonomous: false, collect: false });
    expect(controller.getHealth().healthy).toBe(true);
    expect((await controller.getStatus()).streams).toEqual([]);
    await controller.restart({ autonomous: false });
    expect((await controller.getStatus()).streams).not.toEqual([]);
    expect(await controller.kickoff('plain')).toMatchObject({ ...plain, output: 'two' });
  });

  it('judges what was proposed in shadow mode as a run of it ends', async () => {
    const options = small();
    const clock = new ManualClock(Date.now() - 60_000);
    const dataDir = String(options.dataDir);
    const { db } = await openOpsDatabase({ dataDir, clock, log: silentLogger });
    const caller = { kind: 'agent', id: 'a', agentId: 'cleaner', role: 'cleaner', tools: [] } as const;
    await (await openProposals({ db, clock })).record({
      id: 'prop_old',
      call: { caller, tool: 'clean_data_anomalies', reason: 'r', runId: null, taskId: null } as never,
      args: {},
      wouldChange: { quarantine: [] },
    });
    await db.close();
    const signal = new AbortController().signal;
    const session = { options, crew: 'operations', inputs: {}, shadow: true, durationMs: undefined, signal };
    expect(await runCrew({ ...session, onProgress: () => undefined })).toMatchObject({ mode: 'shadow' });
    await using desk = await openDesk(options, 'inspect');
    expect((await desk.shadowReport()).proposals).toMatchObject([
      { id: 'prop_old', verdict: 'wrong', outcome: { because: 'there was nothing to clean' } },
    ]);
  });

  it('is not healthy while the disk is full, and says so; healthy again once there is room', async () => {
    await using controller = new CrewController(small());
    await controller.start({ autonomous: false });
    const { store, collector } = controller.runtime.market;
    const full = vi.spyOn(store, 'ingest').mockRejectedValue(new Unavailable('IO Error: No space left on device'));
    const health = () => controller.getHealth();
    await expect.poll(() => health().checks.collectors_ok, { timeout: 20_000 }).toBe(false);
    expect(health().healthy).toBe(false);
    expect(collector.status().store_error).toContain('No space left on device');
    full.mockRestore();
    await expect.poll(() => health().healthy, { timeout: 20_000 }).toBe(true);
  });

  it('stops on a full disk: says what could not be written, and closes all the rest', async () => {
    const options = small();
    const controller = new CrewController(options);
    await controller.start({ autonomous: false });
    const { store, collector } = controller.runtime.market;
    await expect.poll(() => collector.status().frames_total, { timeout: 20_000 }).toBeGreaterThan(0);
    vi.spyOn(store, 'ingest').mockRejectedValue(new Unavailable('IO Error: No space left on device'));
    const report = await controller.stop();
    expect(report.status).toBe('stopped');
    expect(report.failures).toEqual([expect.stringContaining('No space left on device')]);
    // Opened again in this process, which the store and its thread would refuse if they had stayed open.
    await using again = new CrewController(options);
    await again.start({ autonomous: false });
    expect(again.getHealth().healthy).toBe(true);
    expect((await again.stop()).failures).toEqual([]);
  });

  it('says what is wrong before anything starts', async () => {
    await expect(
      new CrewController(small({ config: mkdtempSync(join(tmpdir(), 'crew-empty-')) })).start(),
    ).rejects.toBeInstanceOf(ConfigInvalid);
    await expect(new CrewController(small({ exchanges: ['binanse'] })).start()).rejects.toThrow(/did you mean binance/);
    await expect(new CrewController(small({ source: 'moon' })).start()).rejects.toBeInstanceOf(InvalidInput);
    const controller = new CrewController(small());
    expect(() => controller.runtime).toThrow(Conflict);
  });

  it('ends with what was tried when no venue can be reached', async () => {
    const env = {
      CREW_MARKET__ADDRESSES:
        '{binance_futures: {rest: "http://127.0.0.1:9", public: "ws://127.0.0.1:9", market: "ws://127.0.0.1:9"}}',
      CREW_MARKET__COLLECT__CONNECT_TIMEOUT_MS: '500',
      CREW_MARKET__COLLECT__REQUEST_TIMEOUT_MS: '500',
    };
    const controller = new CrewController(small({ source: 'live', env }));
    const error: unknown = await controller.start().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SourceUnreachable);
    expect(String(error)).toContain('127.0.0.1:9');
    expect(controller.state).toBe('error');
  });
});
