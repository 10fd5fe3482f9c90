import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ApprovalRequired,
  Conflict,
  DeadlineExceeded,
  NotFound,
  PermissionDenied,
  Unavailable,
} from '../../src/kit/errors.ts';
import type { Caller, PermissionGate, ToolCall, ToolFailure, ToolOutcome } from '../../src/kit/invoke.ts';
import { allowAll, deskOf, echoTool, effectTool, fresh, operator } from './tool-fakes.ts';

const call = (changes: Partial<ToolCall> = {}): ToolCall => ({
  tool: 'get_echo',
  args: { symbol: 'BTCUSDT' },
  caller: operator,
  ...changes,
});

const denyAll: PermissionGate = {
  decide: (caller, tool) => ({ ...allowAll.decide(caller, tool, ''), allowed: false, rule: 'nothing is allowed here' }),
};

function failure(outcome: ToolOutcome): ToolFailure['error'] {
  if (outcome.ok) throw new Error('expected a failure');
  return outcome.error;
}

describe('the tool pipeline', () => {
  it('answers with data, provenance, an audit row and an event', async () => {
    const desk = deskOf([echoTool({ summary: ({ echo }) => `It says ${echo}.` })]);
    const outcome = await desk.invoker.invoke(call({ runId: 'run_1', taskId: 'look', reason: 'to see' }));
    expect(outcome).toEqual({
      ok: true,
      call_id: 'call_1',
      tool: 'get_echo',
      data: { echo: 'BTCUSDT' },
      provenance: fresh,
      summary: 'It says BTCUSDT.',
      duration_ms: 0,
      replayed: false,
    });
    expect(desk.rows).toMatchObject([
      {
        call_id: 'call_1',
        caller: 'operator',
        tool: 'get_echo',
        args: { symbol: 'BTCUSDT', limit: 5 },
        decision: 'allowed',
        rule: 'everything is allowed here',
        outcome: 'success',
        error_code: null,
        run_id: 'run_1',
        task_id: 'look',
        reason: 'to see',
      },
    ]);
    expect(desk.events.of('tool.called')).toMatchObject([
      { tool: 'get_echo', ok: true, shadow: false, run_id: 'run_1', task_id: 'look' },
    ]);
  });

  it('finds a tool by its alias and calls it by its name', async () => {
    const desk = deskOf([echoTool({ aliases: ['echo_of_old'] })]);
    const outcome = await desk.invoker.invoke(call({ tool: 'echo_of_old' }));
    expect(outcome).toMatchObject({ ok: true, tool: 'get_echo' });
    expect(desk.invoker.find('echo_of_old')?.name).toBe('get_echo');
  });

  it('answers even when the event cannot be sent', async () => {
    const events = {
      emit: (): never => {
        throw new Error('the bus has stopped');
      },
    };
    const desk = deskOf([echoTool()], { events });
    expect((await desk.invoker.invoke(call())).ok).toBe(true);
    expect(desk.rows).toHaveLength(1);
    expect(desk.log.lines.map((l) => l.event)).toEqual(['tool.event_failed']);
  });

  it('refuses two tools with one name', () => {
    expect(() => deskOf([echoTool(), echoTool({ name: 'get_other', aliases: ['get_echo'] })])).toThrow(Conflict);
  });

  it('names the nearest tool of those the caller may use, and no other', async () => {
    const hidden = echoTool({ name: 'get_echoes' });
    const permission: PermissionGate = {
      decide: (caller, tool, name) => ({ ...allowAll.decide(caller, tool, name), allowed: tool?.name === 'get_echo' }),
    };
    const desk = deskOf([hidden, echoTool()], { permission });
    const error = failure(await desk.invoker.invoke(call({ tool: 'get_echoe' })));
    expect(error).toMatchObject({ code: 'not_found', retryable: false });
    expect(error.message).toContain('did you mean get_echo?');
    expect(desk.invoker.visible(operator).map((t) => t.name)).toEqual(['get_echo']);
    expect(desk.events.of('tool.refused')).toHaveLength(1);
  });

  it('tells a caller that may see nothing neither names nor whether a tool exists', async () => {
    const desk = deskOf([echoTool()], { permission: denyAll });
    const known = failure(await desk.invoker.invoke(call()));
    const unknown = failure(await desk.invoker.invoke(call({ tool: 'get_ech' })));
    expect(known.code).toBe('permission_denied');
    expect(unknown.code).toBe('permission_denied');
    expect(unknown.message).not.toContain('get_echo');
    expect(desk.rows.map((r) => [r.decision, r.outcome, r.rule])).toEqual([
      ['denied', 'refused', 'nothing is allowed here'],
      ['denied', 'refused', 'nothing is allowed here'],
    ]);
  });

  it('denies when the permission check itself throws', async () => {
    const permission: PermissionGate = {
      decide: () => {
        throw new Error('broken');
      },
    };
    const { invoker, log } = deskOf([echoTool()], { permission });
    expect(failure(await invoker.invoke(call())).code).toBe('permission_denied');
    expect(invoker.visible(operator)).toEqual([]);
    expect(log.lines[0]?.event).toBe('permission.check_failed');
  });

  it('denies before it looks at the input', async () => {
    const desk = deskOf([echoTool()], { permission: denyAll });
    expect(failure(await desk.invoker.invoke(call({ args: { nonsense: true } }))).code).toBe('permission_denied');
  });

  it('lists every fault of the input, with the nearest field', async () => {
    const desk = deskOf([echoTool()]);
    const error = failure(await desk.invoker.invoke(call({ args: { symbl: 'X', limit: 'many' } })));
    expect(error.code).toBe('invalid_input');
    expect(error.details).toEqual({
      issues: [
        { field: 'symbol', message: 'is required (string)' },
        { field: 'limit', message: 'expected number, got "many"' },
        { field: 'symbl', message: "unknown field 'symbl' (did you mean symbol?)" },
      ],
    });
    expect(error.message).toContain('limit: expected number, got "many"');
    expect(desk.rows[0]).toMatchObject({ decision: 'allowed', outcome: 'failure', error_code: 'invalid_input' });
    expect(failure(await desk.invoker.invoke(call({ args: 7 }))).code).toBe('invalid_input');
  });

  it('fills defaults of a call without arguments', async () => {
    const tool = echoTool({
      input: z.object({
        symbol: z.string().default('ETHUSDT').describe('Symbol'),
        limit: z.number().default(1).describe('n'),
      }) as never,
    });
    const outcome = await deskOf([tool]).invoker.invoke(call({ args: undefined }));
    expect(outcome).toMatchObject({ ok: true, data: { echo: 'ETHUSDT' } });
  });

  it('gives the tool its context and passes progress on', async () => {
    const seen: unknown[] = [];
    const tool = echoTool({
      run: ({ symbol }, context) => {
        context.progress(0.5, 'half');
        seen.push([context.callId, context.caller, context.agentId, context.runId, context.taskId]);
        return Promise.resolve({ data: { echo: symbol }, provenance: fresh });
      },
    });
    const caller: Caller = { id: 'agent:a', agentId: 'a', role: 'r', tools: ['get_echo'] };
    await deskOf([tool]).invoker.invoke(
      call({ caller, runId: 'run_1', taskId: 't', onProgress: (fraction, message) => seen.push([fraction, message]) }),
    );
    expect(seen).toEqual([
      [0.5, 'half'],
      ['call_1', 'agent:a', 'a', 'run_1', 't'],
    ]);
  });
});

describe('the tool pipeline in shadow mode', () => {
  it('runs what reads and proposes what has effects', async () => {
    const { tool, times } = effectTool();
    const ops = echoTool({ name: 'note_echo', effects: 'ops' });
    const desk = deskOf([echoTool(), tool, ops]);
    expect(await desk.invoker.invoke(call({ shadow: true }))).toMatchObject({ ok: true, replayed: false });
    expect(await desk.invoker.invoke(call({ tool: 'note_echo', shadow: true }))).toMatchObject({ replayed: false });
    const outcome = await desk.invoker.invoke(call({ tool: 'change_echo', shadow: true, reason: 'why not' }));
    expect(outcome).toMatchObject({ ok: true, proposed: true, would_change: { row: 'BTCUSDT' } });
    expect(times()).toBe(0);
    expect(desk.proposals).toMatchObject([
      {
        call: { tool: 'change_echo', reason: 'why not' },
        args: { symbol: 'BTCUSDT', limit: 5 },
        wouldChange: { row: 'BTCUSDT' },
      },
    ]);
    expect(desk.events.of('tool.proposed')).toHaveLength(1);
    expect(desk.rows.at(-1)?.outcome).toBe('proposed');
    expect(desk.ledger.size).toBe(0);
  });

  it('checks permission and input first', async () => {
    const { tool } = effectTool();
    const shadow = { tool: 'change_echo', shadow: true };
    expect(failure(await deskOf([tool], { permission: denyAll }).invoker.invoke(call(shadow))).code).toBe(
      'permission_denied',
    );
    expect(failure(await deskOf([tool]).invoker.invoke(call({ ...shadow, args: {} }))).code).toBe('invalid_input');
  });
});

describe('approval and limits in the pipeline', () => {
  it('turns a missing approval into a failure with its id, before the effect', async () => {
    const { tool, times } = effectTool();
    const hashes: string[] = [];
    const approvals = {
      check: ({ argsHash }: { argsHash: string }) => {
        hashes.push(argsHash);
        return Promise.reject(new ApprovalRequired('ask first', 'app_1'));
      },
    };
    const desk = deskOf([tool], { approvals });
    const error = failure(await desk.invoker.invoke(call({ tool: 'change_echo' })));
    await desk.invoker.invoke(call({ tool: 'change_echo', args: { limit: 5, symbol: 'BTCUSDT' } }));
    await desk.invoker.invoke(call({ tool: 'change_echo', args: { limit: 6, symbol: 'BTCUSDT' } }));
    expect(error).toMatchObject({ code: 'approval_required', approval_id: 'app_1' });
    expect(times()).toBe(0);
    expect(desk.events.of('tool.refused')).toHaveLength(3);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });

  it('limits by key over all tools that share it', async () => {
    const rateLimit = { key: 'venue', perSecond: 1, burst: 2 };
    const desk = deskOf([echoTool({ rateLimit }), echoTool({ name: 'get_other', rateLimit })]);
    const outcomes = await Promise.all(
      ['get_echo', 'get_other', 'get_echo', 'get_other'].map((tool) => desk.invoker.invoke(call({ tool }))),
    );
    expect(outcomes.map((o) => o.ok)).toEqual([true, true, false, false]);
    expect(failure(outcomes[2] as ToolOutcome)).toMatchObject({
      code: 'rate_limited',
      retryable: true,
      retry_after_ms: 1000,
    });
    expect(desk.rows.map((row) => row.outcome).sort()).toEqual(['refused', 'refused', 'success', 'success']);
    await desk.clock.advance(1000);
    expect((await desk.invoker.invoke(call())).ok).toBe(true);
  });

  it('limits an agent over all its tools, and people not at all', async () => {
    const desk = deskOf([echoTool()], { agentCallsPerMinute: 2 });
    const caller: Caller = { id: 'agent:a', agentId: 'a', role: 'r', tools: null };
    const oks: boolean[] = [];
    for (let i = 0; i < 3; i++) oks.push((await desk.invoker.invoke(call({ caller }))).ok);
    expect(oks).toEqual([true, true, false]);
    for (let i = 0; i < 3; i++) expect((await desk.invoker.invoke(call())).ok).toBe(true);
  });
});

describe('deadline and abort in the pipeline', () => {
  const hangs = (): Promise<never> => new Promise(() => undefined);

  it('does not wait beyond the deadline for a tool that ignores its signal', async () => {
    let signal: AbortSignal | undefined;
    const desk = deskOf([echoTool({ timeoutMs: 50, run: (_, context) => ((signal = context.signal), hangs()) })]);
    const pending = desk.invoker.invoke(call());
    await desk.clock.advance(0);
    await desk.clock.advance(49);
    expect(signal?.aborted).toBe(false);
    await desk.clock.advance(1);
    const error = failure(await pending);
    expect(error).toMatchObject({ code: 'deadline_exceeded', retryable: true });
    expect(error.message).toContain('50 ms');
    expect(signal?.reason).toBeInstanceOf(DeadlineExceeded);
    expect(desk.clock.pending).toBe(0);
  });

  it('rejects with the caller’s own reason when aborted, and audits it', async () => {
    const controller = new AbortController();
    const desk = deskOf([echoTool({ run: hangs })]);
    const pending = desk.invoker.invoke(call({ signal: controller.signal }));
    const reason = new DOMException('enough', 'AbortError');
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    expect(desk.rows).toMatchObject([{ outcome: 'failure', error_code: 'cancelled' }]);
    await expect(desk.invoker.invoke(call({ signal: controller.signal }))).rejects.toBe(reason);
    expect(desk.clock.pending).toBe(0);
  });

  it('lets many calls share a signal without a warning', async () => {
    const warnings: string[] = [];
    const warned = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', warned);
    const controller = new AbortController();
    const desk = deskOf([echoTool({ run: hangs })]);
    const pending = Array.from({ length: 20 }, () => desk.invoker.invoke(call({ signal: controller.signal })));
    await desk.clock.advance(0);
    controller.abort(new DOMException('enough', 'AbortError'));
    const settled = await Promise.allSettled(pending);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warned);
    expect(settled.every((s) => s.status === 'rejected')).toBe(true);
    expect(warnings).toEqual([]);
  });

  it('leaves no timer behind', async () => {
    const desk = deskOf([echoTool()]);
    await desk.invoker.invoke(call({ signal: new AbortController().signal }));
    expect(desk.clock.pending).toBe(0);
  });
});

describe('errors of tools in the pipeline', () => {
  it('gives expected errors to the caller as they are', async () => {
    const run = (): Promise<never> => Promise.reject(new NotFound('no such table', { details: { table: 't' } }));
    const desk = deskOf([echoTool({ run })]);
    expect(failure(await desk.invoker.invoke(call()))).toEqual({
      code: 'not_found',
      message: 'no such table',
      retryable: false,
      details: { table: 't' },
    });
    expect(desk.events.of('tool.called')).toMatchObject([{ ok: false, error_code: 'not_found' }]);
    const denied = (): Promise<never> => Promise.reject(new PermissionDenied('the file is closed to SQL'));
    const other = deskOf([echoTool({ run: denied })]);
    await other.invoker.invoke(call());
    expect(other.rows[0]).toMatchObject({ decision: 'allowed', outcome: 'failure' });
  });

  it.each([
    ['a rejection', (): Promise<never> => Promise.reject(new TypeError('secret path /home'))],
    [
      'a throw',
      (): never => {
        throw new TypeError('secret path /home');
      },
    ],
    ['junk data', (): Promise<never> => Promise.resolve({ data: { echo: 7 }, provenance: fresh } as never)],
    [
      'unknown provenance',
      (): Promise<never> => Promise.resolve({ data: { echo: 'x' }, provenance: { ...fresh, colour: 'blue' } } as never),
    ],
    ['no provenance', (): Promise<never> => Promise.resolve({ data: { echo: 'x' } } as never)],
    ['nothing', (): Promise<never> => Promise.resolve(undefined as never)],
  ])('hides %s behind an id', async (_, run) => {
    const desk = deskOf([echoTool({ run })]);
    const error = failure(await desk.invoker.invoke(call()));
    expect(error.code).toBe('internal');
    expect(error.message).toContain('call_1');
    expect(error.message).not.toContain('secret');
    expect(desk.log.lines).toMatchObject([{ event: 'tool.internal_error', fields: { call_id: 'call_1' } }]);
  });

  it('keeps each place that a result was read from', async () => {
    const source = {
      via: 'rest',
      exchange: 'okx',
      market: 'spot',
      host: 'h',
      path: '/p',
      as_of: 't',
      stale_ms: 3,
    } as const;
    const provenance = { ...fresh, notes: ['two of three'], origin: 'foreign', sources: [source, source] } as const;
    const run = () => Promise.resolve({ data: { echo: 'x' }, provenance });
    expect(await deskOf([echoTool({ run })]).invoker.invoke(call())).toMatchObject({ ok: true, provenance });
  });

  it('calls an abort that the tool made itself a cancellation', async () => {
    const run = (): Promise<never> => Promise.reject(new DOMException('stopped', 'AbortError'));
    expect(failure(await deskOf([echoTool({ run })]).invoker.invoke(call())).code).toBe('cancelled');
  });
});

describe('the effect ledger in the pipeline', () => {
  const effect = (changes: Partial<ToolCall> = {}): ToolCall =>
    call({ tool: 'change_echo', runId: 'run_1', path: 'clean/1', ...changes });

  it('carries an intent out once and answers the second time from the ledger', async () => {
    const { tool, times } = effectTool();
    const desk = deskOf([tool]);
    expect(await desk.invoker.invoke(effect())).toMatchObject({ ok: true, replayed: false });
    const again = await desk.invoker.invoke(effect({ args: { limit: 5, symbol: 'BTCUSDT' } }));
    expect(again).toMatchObject({ ok: true, replayed: true, data: { echo: 'BTCUSDT' } });
    expect(times()).toBe(1);
    expect(desk.rows.at(-1)?.outcome).toBe('replayed');
    await desk.invoker.invoke(effect({ path: 'clean/2' }));
    await desk.invoker.invoke(effect({ runId: 'run_2' }));
    await desk.invoker.invoke(effect({ args: { symbol: 'ETHUSDT' } }));
    expect(times()).toBe(4);
  });

  it('makes every call outside a run an intent of its own', async () => {
    const { tool, times } = effectTool();
    const desk = deskOf([tool]);
    await desk.invoker.invoke(call({ tool: 'change_echo' }));
    await desk.invoker.invoke(call({ tool: 'change_echo' }));
    expect(times()).toBe(2);
  });

  it('takes a caller’s own word for an intent outside a run', async () => {
    const { tool, times } = effectTool();
    const desk = deskOf([tool]);
    const intent = { tool: 'change_echo', path: 'my request 1' };
    await desk.invoker.invoke(call(intent));
    expect(await desk.invoker.invoke(call(intent))).toMatchObject({ replayed: true });
    await desk.invoker.invoke(call({ ...intent, caller: { ...operator, id: 'mcp' } }));
    await desk.invoker.invoke(call({ ...intent, path: 'my request 2' }));
    expect(times()).toBe(3);
  });

  it('asks a person when the outcome of an earlier attempt is unknown', async () => {
    let attempts = 0;
    const { tool } = effectTool({
      run: () => {
        attempts++;
        throw new TypeError('bug half way');
      },
    });
    const desk = deskOf([tool]);
    expect(failure(await desk.invoker.invoke(effect())).code).toBe('internal');
    const error = failure(await desk.invoker.invoke(effect()));
    expect(error).toMatchObject({ code: 'conflict', retryable: false });
    expect(error.message).toContain('a person must check');
    expect(attempts).toBe(1);
  });

  it('lets a failure that says that nothing happened be tried again', async () => {
    let attempts = 0;
    const { tool } = effectTool({
      run: ({ symbol }) =>
        ++attempts === 1
          ? Promise.reject(new Unavailable('the venue does not answer'))
          : Promise.resolve({ data: { echo: symbol }, provenance: fresh }),
    });
    const desk = deskOf([tool]);
    expect(failure(await desk.invoker.invoke(effect()))).toMatchObject({ code: 'unavailable', retryable: true });
    expect((await desk.invoker.invoke(effect())).ok).toBe(true);
  });

  it('writes down a result that comes after the deadline', async () => {
    let finish: (() => void) | undefined;
    const { tool } = effectTool({
      timeoutMs: 10,
      run: ({ symbol }) =>
        new Promise((resolve) => (finish = () => resolve({ data: { echo: symbol }, provenance: fresh }))),
    });
    const desk = deskOf([tool]);
    const pending = desk.invoker.invoke(effect());
    await desk.clock.advance(0);
    await desk.clock.advance(10);
    expect(failure(await pending).code).toBe('deadline_exceeded');
    expect(failure(await desk.invoker.invoke(effect())).code).toBe('conflict');
    finish?.();
    await desk.clock.advance(0);
    expect(await desk.invoker.invoke(effect())).toMatchObject({ ok: true, replayed: true });
  });

  it('still answers when the result cannot be written, and says so in the log', async () => {
    const { tool } = effectTool();
    const desk = deskOf([tool], {
      ledger: {
        begin: () => Promise.resolve({ state: 'new' }),
        finish: () => Promise.reject(new Unavailable('disk full')),
        leave: () => undefined,
      },
    });
    expect((await desk.invoker.invoke(effect())).ok).toBe(true);
    expect(desk.log.lines.map((l) => l.event)).toEqual(['tool.result_not_recorded']);
  });

  it('does not run when the intent cannot be written', async () => {
    const { tool, times } = effectTool();
    const desk = deskOf([tool], {
      ledger: {
        begin: () => Promise.reject(new Unavailable('disk full')),
        finish: () => Promise.resolve(),
        leave: () => undefined,
      },
    });
    expect(failure(await desk.invoker.invoke(effect())).code).toBe('unavailable');
    expect(times()).toBe(0);
  });
});
