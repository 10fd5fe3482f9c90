import { hash } from 'node:crypto';
import type { AnyEvent, EventEnvelope } from '../../kit/event.ts';
import { itemOf } from '../../kit/stream-item.ts';

export type SpanKind = 'internal' | 'client';

/** A span that has ended. Times are UTC ms. */
export interface FinishedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: SpanKind;
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Kind of error; null when it went well. The text of errors stays in the log. */
  readonly error: string | null;
}

interface OpenSpan {
  readonly id: string;
  readonly run: string;
  readonly parent: string | null;
  readonly name: string;
  readonly start: number;
  readonly attributes: Record<string, string | number | boolean>;
}

type EventOf<N extends AnyEvent['type']> = Extract<AnyEvent, EventEnvelope<N>>;

/** Spans held open at most: of runs that never end. */
const MOST_OPEN = 10_000;

/**
 * Makes spans out of events: run → task → step of an agent → call of a model or tool, flows and their methods likewise,
 * by the GenAI conventions of OpenTelemetry. A trace is a run, or the run of a flow with all that it started; its id
 * comes from the run's, so a run that is taken up by another process goes on in the same trace. Spans hold names,
 * counts and times; no text of prompts, answers, arguments or errors.
 */
export class SpanMaker {
  readonly #open = new Map<string, OpenSpan>();
  readonly #steps = new Map<string, number>();
  readonly #finish: (span: FinishedSpan) => void;

  constructor(finish: (span: FinishedSpan) => void) {
    this.#finish = finish;
  }

  /** Spans that wait for their end. */
  get open(): number {
    return this.#open.size;
  }

  readonly hear = (event: AnyEvent): void => {
    switch (event.type) {
      case 'run.started':
      case 'run.resumed':
      case 'flow.started':
      case 'flow.resumed':
        return this.#runBegan(event);
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
      case 'run.waiting':
      case 'run.suspended':
      case 'flow.completed':
      case 'flow.failed':
      case 'flow.waiting':
      case 'flow.suspended':
        return this.#runEnded(event);
      case 'task.started':
        return this.#taskBegan(event);
      case 'task.completed':
      case 'task.failed':
        return this.#end(itemOf(event).path, event.time, event.type === 'task.failed' ? 'task_failed' : null);
      case 'method.started':
        return this.#methodBegan(event);
      case 'method.completed':
      case 'method.failed':
        return this.#end(itemOf(event).path, event.time, event.type === 'method.failed' ? 'method_failed' : null);
      case 'model.called':
      case 'model.failed':
        return this.#modelCalled(event);
      case 'tool.called':
      case 'tool.refused':
      case 'tool.proposed':
        return this.#toolCalled(event);
      default:
        return undefined;
    }
  };

  #runBegan(event: EventOf<'run.started' | 'run.resumed' | 'flow.started' | 'flow.resumed'>): void {
    const { path, parent, run } = itemOf(event);
    if (run === null) return;
    const isFirst = event.type === 'run.started' || event.type === 'flow.started';
    const workflow = 'crew' in event.data ? event.data.crew : event.data.flow;
    // A segment after a wait has an id of its own, below the first one's.
    const within = isFirst ? this.#parentOf(parent) : idOf(path);
    this.#begin(path, run, isFirst ? idOf(path) : idOf(`${path}@${event.seq}`), within, {
      name: `invoke_workflow ${workflow}`,
      start: event.time,
      attributes: {
        'gen_ai.operation.name': 'invoke_workflow',
        'gen_ai.workflow.name': workflow,
        'crew.run.id': run,
        ...('mode' in event.data ? { 'crew.mode': event.data.mode } : {}),
        ...('trigger' in event.data ? { 'crew.trigger': event.data.trigger } : {}),
        ...(isFirst ? {} : { 'crew.resumed': true }),
      },
    });
  }

  #runEnded(event: AnyEvent): void {
    const { path } = itemOf(event);
    const [, how = ''] = event.type.split('.');
    const span = this.#open.get(path);
    if (span !== undefined) span.attributes['crew.run.status'] = how;
    for (const key of [...this.#open.keys()]) if (key.startsWith(`${path}/`)) this.#end(key, event.time, null, true);
    this.#end(path, event.time, how === 'failed' || how === 'cancelled' ? `run_${how}` : null);
  }

  #taskBegan(event: EventOf<'task.started'>): void {
    const { path, parent, run } = itemOf(event);
    const { agent_id: agent, task_id: task } = event.data;
    if (run === null) return;
    this.#begin(path, run, idOf(`${path}@${event.seq}`), this.#parentOf(parent), {
      name: `invoke_agent ${agent}`,
      start: event.time,
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.id': agent,
        'gen_ai.agent.name': agent,
        'crew.run.id': run,
        'crew.task.id': task,
      },
    });
  }

  #methodBegan(event: EventOf<'method.started'>): void {
    const { path, parent, run } = itemOf(event);
    if (run === null) return;
    this.#begin(path, run, idOf(path), this.#parentOf(parent), {
      name: `method ${event.data.method}`,
      start: event.time,
      attributes: { 'crew.run.id': run, 'crew.flow.method': event.data.method },
    });
  }

  #modelCalled(event: EventOf<'model.called' | 'model.failed'>): void {
    const { path, parent, run } = itemOf(event);
    if (run === null) return;
    const { data } = event;
    const { model, agent_id: agent, purpose } = data;
    const called = event.type === 'model.called' ? event.data : undefined;
    const start = event.time - (called?.duration_ms ?? 0);
    const [provider, name] = splitModel(model);
    // Judging, planning and summarising are no steps of the agent's own conversation.
    const within =
      purpose === undefined && called !== undefined ? this.#newStep(path, run, start) : this.#parentOf(parent);
    this.#finish({
      ...base(run, idOf(`${path}@${event.seq}`), within),
      name: `chat ${name}`,
      kind: 'client',
      start,
      end: event.time,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': provider,
        'gen_ai.request.model': name,
        'gen_ai.agent.id': agent,
        'crew.run.id': run,
        'crew.task.id': data.task_id,
        ...(purpose === undefined ? {} : { 'crew.purpose': purpose }),
        ...(called === undefined ? {} : usageOf(called)),
      },
      error: called === undefined ? 'model_failed' : null,
    });
  }

  /** A step lasts from an answer of the agent's model to the next, or to the end of its task. */
  #newStep(path: string, run: string, start: number): string {
    const task = path.slice(0, path.lastIndexOf('/'));
    const key = `${path}/step`;
    this.#end(key, start, null);
    const n = (this.#steps.get(path) ?? 0) + 1;
    this.#steps.set(path, n);
    const id = idOf(`${path}/step@${n}@${start}`);
    this.#begin(key, run, id, this.#parentOf(task), {
      name: `step ${n}`,
      start,
      attributes: { 'crew.run.id': run, 'crew.step': n },
    });
    return id;
  }

  #toolCalled(event: EventOf<'tool.called' | 'tool.refused' | 'tool.proposed'>): void {
    const { path, parent, run } = itemOf(event);
    const { tool, call_id: call } = event.data;
    const [outcome, error, took] = outcomeOf(event);
    this.#finish({
      ...base(run ?? call, idOf(path), run === null ? null : this.#parentOf(`${parent ?? ''}/step`)),
      name: `execute_tool ${tool}`,
      kind: 'internal',
      start: event.time - took,
      end: event.time,
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': tool,
        'gen_ai.tool.call.id': call,
        'gen_ai.tool.type': 'function',
        'crew.tool.outcome': outcome,
        ...(run === null ? {} : { 'crew.run.id': run }),
      },
      error,
    });
  }

  /** Id of the nearest span around a path that is open; null: it is the root of what this process knows. */
  #parentOf(path: string | null): string | null {
    for (let at = path; at !== null && at !== ''; at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : null) {
      const span = this.#open.get(at);
      if (span !== undefined) return span.id;
    }
    return null;
  }

  #begin(
    key: string,
    run: string,
    id: string,
    parent: string | null,
    span: Pick<OpenSpan, 'name' | 'start' | 'attributes'>,
  ): void {
    this.#end(key, span.start, null);
    if (this.#open.size >= MOST_OPEN) this.#open.delete(this.#open.keys().next().value ?? '');
    this.#open.set(key, { id, run, parent, ...span });
  }

  /** Ends a span and the steps in it. Nothing happens where there is none. */
  #end(key: string, end: number, error: string | null, unfinished = false): void {
    const span = this.#open.get(key);
    if (span === undefined) return;
    this.#open.delete(key);
    for (const inner of [...this.#open.keys()])
      if (inner.startsWith(`${key}/`)) this.#end(inner, end, null, unfinished);
    for (const path of [...this.#steps.keys()]) if (path.startsWith(`${key}/`)) this.#steps.delete(path);
    const { id, run, parent, name, start, attributes } = span;
    this.#finish({
      ...base(run, id, parent),
      name,
      kind: 'internal',
      start,
      end: Math.max(start, end),
      attributes: unfinished ? { ...attributes, 'crew.unfinished': true } : attributes,
      error,
    });
  }
}

function base(
  run: string,
  spanId: string,
  parentSpanId: string | null,
): Pick<FinishedSpan, 'traceId' | 'spanId' | 'parentSpanId'> {
  const [root = run] = run.split('/');
  return { traceId: hash('sha256', root, 'hex').slice(0, 32), spanId, parentSpanId };
}

function idOf(place: string): string {
  return hash('sha256', `span ${place}`, 'hex').slice(0, 16);
}

/** `openai:gpt-5-mini` → its provider and its own name; a playbook is its own provider. */
export function splitModel(model: string): readonly [provider: string, name: string] {
  const at = model.indexOf(':');
  return at < 0 ? [model, model] : [model.slice(0, at), model.slice(at + 1)];
}

function usageOf(called: EventOf<'model.called'>['data']): FinishedSpan['attributes'] {
  const { input_tokens: input, output_tokens: output, cached_tokens: cached, cost_usd: cost } = called;
  return {
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.output_tokens': output,
    ...(cached === undefined ? {} : { 'gen_ai.usage.cache_read.input_tokens': cached }),
    ...(typeof cost === 'number' ? { 'crew.cost_usd': cost } : {}),
  };
}

function outcomeOf(
  event: EventOf<'tool.called' | 'tool.refused' | 'tool.proposed'>,
): readonly [outcome: string, error: string | null, took: number] {
  if (event.type === 'tool.refused') return ['refused', 'refused', 0];
  if (event.type === 'tool.proposed') return ['proposed', null, 0];
  const { ok, error_code: code, duration_ms: took } = event.data;
  return ok ? ['success', null, took] : ['failure', code ?? '_OTHER', took];
}
