import { describe, expect, it } from 'vitest';
import type { AnyEvent, EventName, EventPayload } from '../../../src/kit/event.ts';
import { type FinishedSpan, SpanMaker } from '../../../src/serve/telemetry/spans.ts';

/** Says events, a tenth of a second apart unless a time is given, and gives the spans that came of them. */
function heard(): {
  readonly say: <N extends EventName>(type: N, data: EventPayload<N>, run?: string) => void;
  readonly spans: FinishedSpan[];
  readonly maker: SpanMaker;
} {
  const spans: FinishedSpan[] = [];
  const maker = new SpanMaker((span) => spans.push(span));
  let seq = 0;
  return {
    spans,
    maker,
    say: (type, data, run = 'run_1') => {
      seq += 1;
      const event = {
        id: `evt_${seq}`,
        seq,
        type,
        time: seq * 100,
        source: 'crew',
        priority: 5,
        correlation_id: run,
        data,
      };
      maker.hear(event as unknown as AnyEvent);
    },
  };
}

const run = { run_id: 'run_1', crew: 'desk' };
const task = { ...run, task_id: 'look', agent_id: 'clerk' };
const called = { ...task, model: 'openai:gpt-5-mini', input_tokens: 7, output_tokens: 3, duration_ms: 40 };
const tool = { call_id: 'call_1', tool: 'stock', caller: 'agent:clerk', run_id: 'run_1', task_id: 'look' };
const ran = { ok: true, error_code: null, duration_ms: 20, shadow: false };

/** Names from the root down to a span. */
function line(spans: readonly FinishedSpan[], name: string): string {
  const span = spans.find((s) => s.name === name);
  const above = spans.find((s) => s.spanId === span?.parentSpanId);
  return above === undefined ? name : `${line(spans, above.name)} > ${name}`;
}

describe('spans of a run', () => {
  it('lie in each other as run, task, step and call, by the GenAI conventions', () => {
    const { say, spans, maker } = heard();
    say('run.started', { ...run, mode: 'active', trigger: 'manual' });
    say('task.started', task);
    say('model.called', { ...called, cached_tokens: 2, cost_usd: 0.5 });
    say('tool.called', { ...tool, ...ran });
    say('tool.called', { ...tool, call_id: 'call_2', tool: 'price', ...ran, ok: false, error_code: 'stale' });
    say('model.called', called);
    say('model.called', { ...called, purpose: 'judge_answer', model: 'anthropic:judge' });
    say('task.completed', { ...task, duration_ms: 1, tool_calls: 2 });
    say('run.completed', { ...run, duration_ms: 1 });
    expect(spans.map((s) => s.name)).toEqual([
      'chat gpt-5-mini',
      'execute_tool stock',
      'execute_tool price',
      'step 1',
      'chat gpt-5-mini',
      'chat judge',
      'step 2',
      'invoke_agent clerk',
      'invoke_workflow desk',
    ]);
    expect(line(spans, 'execute_tool stock')).toBe(
      'invoke_workflow desk > invoke_agent clerk > step 1 > execute_tool stock',
    );
    expect(line(spans, 'chat judge')).toBe('invoke_workflow desk > invoke_agent clerk > chat judge');
    expect(new Set(spans.map((s) => s.traceId)).size).toBe(1);
    expect(new Set(spans.map((s) => s.spanId)).size).toBe(spans.length);
    expect(spans[0]).toMatchObject({ kind: 'client', start: 260, end: 300, error: null });
    expect(spans[0]?.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5-mini',
      'gen_ai.agent.id': 'clerk',
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 3,
      'gen_ai.usage.cache_read.input_tokens': 2,
      'crew.cost_usd': 0.5,
      'crew.run.id': 'run_1',
      'crew.task.id': 'look',
    });
    expect(spans[2]).toMatchObject({ error: 'stale', attributes: { 'crew.tool.outcome': 'failure' } });
    // The first step lasts from its model call to the next one.
    expect(spans[3]).toMatchObject({ start: 260, end: 560 });
    expect(spans.at(-1)).toMatchObject({ parentSpanId: null, start: 100, end: 900 });
    expect(maker.open).toBe(0);
  });

  it('hold no text of errors, and say what was not finished', () => {
    const { say, spans, maker } = heard();
    say('run.started', { ...run, mode: 'shadow', trigger: 'manual' });
    say('task.started', task);
    say('model.failed', { ...task, model: 'm', error: 'the secret prompt', attempt: 1 });
    say('tool.refused', { ...tool, reason: 'the secret reason' });
    say('tool.proposed', { ...tool, call_id: 'call_2', proposal_id: 'p' });
    say('run.failed', { ...run, error: 'the secret error' });
    expect(JSON.stringify(spans)).not.toContain('secret');
    expect(spans.map((s) => [s.name, s.error])).toEqual([
      ['chat m', 'model_failed'],
      ['execute_tool stock', 'refused'],
      ['execute_tool stock', null],
      ['invoke_agent clerk', null],
      ['invoke_workflow desk', 'run_failed'],
    ]);
    expect(spans[3]?.attributes['crew.unfinished']).toBe(true);
    expect(maker.open).toBe(0);
  });

  it('go on in the same trace after a wait, in another process too', () => {
    const before = heard();
    before.say('run.started', { ...run, mode: 'active', trigger: 'manual' });
    before.say('run.waiting', { ...run, reason: 'a person' });
    const after = heard();
    after.say('run.resumed', { ...run, from: 'look' });
    after.say('run.completed', { ...run, duration_ms: 1 });
    const [first] = before.spans;
    const [second] = after.spans;
    expect(second?.traceId).toBe(first?.traceId);
    expect(second?.parentSpanId).toBe(first?.spanId);
    expect(second?.spanId).not.toBe(first?.spanId);
  });

  it('lie in the method of the flow that started them', () => {
    const { say, spans } = heard();
    const sub = { run_id: 'run_1/ask#1.0', crew: 'desk' };
    const method = { flow: 'morning', run_id: 'run_1', method: 'ask', execution: 1 };
    say('flow.started', { flow: 'morning', run_id: 'run_1', trigger: 'cron', state_id: 's' });
    say('method.started', { ...method, trigger: 'start' });
    say('run.started', { ...sub, mode: 'active', trigger: 'flow morning' }, sub.run_id);
    say('run.completed', { ...sub, duration_ms: 1 }, sub.run_id);
    say('method.completed', { ...method, duration_ms: 1, route: null });
    say('flow.completed', { flow: 'morning', run_id: 'run_1', duration_ms: 1, output: 'secret' });
    expect(line(spans, 'invoke_workflow desk')).toBe('invoke_workflow morning > method ask > invoke_workflow desk');
    expect(new Set(spans.map((s) => s.traceId)).size).toBe(1);
  });

  it('are bounded, whatever never ends', () => {
    const { say, maker } = heard();
    for (let n = 0; n < 10_100; n++)
      say('run.started', { run_id: `run_${n}`, crew: 'desk', mode: 'active', trigger: 'x' }, `run_${n}`);
    expect(maker.open).toBe(10_000);
  });
});
