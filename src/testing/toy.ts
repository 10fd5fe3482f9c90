import { z } from 'zod';
import type { AccessLevel, ToolCategory } from '../kit/access.ts';
import { ManualClock, type Clock } from '../kit/clock.ts';
import { AppError, errorMessage } from '../kit/errors.ts';
import { askerOf } from '../kit/question.ts';
import type { Caller, Invoker, ToolCall, ToolOutcome } from '../kit/invoke.ts';
import { silentLogger } from '../kit/logger.ts';
import { bindTools, type BoundTool, defineTool, type ToolContext, type ToolEffects } from '../kit/tool.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../crew/spec.ts';
import { agentSpec, crewSpec, taskSpec } from '../crew/defaults.ts';
import { MemoryEvents } from './events.ts';

/** A small tool for tests: any object in, whatever `run` gives out. */
export function toyTool(
  name: string,
  run: (input: Readonly<Record<string, unknown>>, context: ToolContext<unknown>) => unknown,
  options: {
    readonly effects?: ToolEffects;
    readonly access?: AccessLevel;
    readonly category?: ToolCategory;
    readonly input?: z.ZodObject;
    readonly outside?: BoundTool['outside'];
  } = {},
): BoundTool {
  const tool = defineTool({
    name,
    title: name,
    toolset: 'toy',
    category: options.category ?? 'analytics',
    access: options.access ?? 'READ_ONLY',
    effects: options.effects ?? 'none',
    outside: options.outside,
    description: `Toy tool ${name}, for tests of crews.`,
    input: options.input ?? z.looseObject({}),
    output: z.unknown(),
    examples: [],
    run: async (input, context) => ({
      data: await run(input, context),
      provenance: { as_of: null, source: 'toy', complete: true, stale_ms: null },
    }),
    preview: (input) => Promise.resolve({ would: name, with: input }),
  });
  const [bound] = bindTools([tool], {});
  if (bound === undefined) throw new Error('bindTools gave nothing');
  return bound;
}

/**
 * An invoker for tests: the caller's own list decides, input is validated, shadow mode proposes, errors become
 * failures. Every call is kept in `calls`.
 */
export class ToyInvoker implements Invoker {
  readonly calls: ToolCall[] = [];
  /** Approvals that were asked for; a call passes once its id is in `approved`. */
  readonly approved = new Set<string>();
  readonly #tools: readonly BoundTool[];
  readonly #needsApproval: ReadonlySet<string>;
  readonly #clock: Clock;
  #next = 1;

  constructor(
    tools: readonly BoundTool[],
    options: { readonly needsApproval?: readonly string[]; readonly clock?: Clock } = {},
  ) {
    this.#tools = tools;
    this.#needsApproval = new Set(options.needsApproval ?? []);
    this.#clock = options.clock ?? new ManualClock();
  }

  find(name: string): BoundTool | undefined {
    return this.#tools.find((t) => t.name === name || t.aliases.includes(name));
  }

  visible(caller: Caller): readonly BoundTool[] {
    return this.#tools.filter((t) => caller.tools === null || caller.tools.includes(t.name));
  }

  async invoke(call: ToolCall): Promise<ToolOutcome> {
    this.calls.push(call);
    const base = { call_id: `call_${this.#next++}`, tool: call.tool, duration_ms: 0 };
    const fail = (
      code: 'not_found' | 'permission_denied' | 'invalid_input' | 'internal',
      message: string,
    ): ToolOutcome => ({
      ...base,
      ok: false,
      error: { code, message, retryable: false },
    });
    const tool = this.find(call.tool);
    if (tool === undefined) return fail('not_found', `there is no tool ${call.tool}`);
    if (!this.visible(call.caller).includes(tool)) return fail('permission_denied', `${tool.name} is not on the list`);
    const input = tool.input.safeParse(call.args);
    if (!input.success) return fail('invalid_input', input.error.message);
    if (call.shadow === true && tool.effects === 'effect') {
      const would_change = { would: tool.name, with: input.data };
      return { ...base, ok: true, proposed: true, proposal_id: `proposal_${base.call_id}`, would_change };
    }
    const approval = `approval_${tool.name}`;
    if (this.#needsApproval.has(tool.name) && !this.approved.has(approval)) {
      const message = `${tool.name} waits for approval`;
      return {
        ...base,
        ok: false,
        error: { code: 'approval_required', message, retryable: false, approval_id: approval },
      };
    }
    call.signal?.throwIfAborted();
    try {
      const { data, provenance } = await tool.run(input.data, this.#context(call, base.call_id));
      return { ...base, ok: true, data, provenance, summary: null, replayed: false };
    } catch (error) {
      if (call.signal?.aborted === true) throw call.signal.reason;
      if (!(error instanceof AppError)) return fail('internal', 'internal error');
      return {
        ...base,
        ok: false,
        error: {
          code: error.code,
          message: errorMessage(error),
          retryable: error.retryable,
          ...(error.details === undefined ? {} : { details: error.details }),
        },
      };
    }
  }

  #context(call: ToolCall, callId: string): Parameters<BoundTool['run']>[1] {
    return {
      callId,
      caller: call.caller.id,
      agentId: call.caller.agentId,
      runId: call.runId ?? null,
      taskId: call.taskId ?? null,
      signal: call.signal ?? new AbortController().signal,
      clock: this.#clock,
      log: silentLogger,
      events: new MemoryEvents(),
      services: {},
      progress: () => undefined,
      ask: askerOf(call.tool, call.answers),
    };
  }
}

/** An agent with sensible values; give what matters to the test. */
export function toyAgent(id: string, given: Partial<AgentSpec> = {}): AgentSpec {
  const prose = { role: `${id} role`, goal: `${id} goal`, backstory: `${id} backstory` };
  return agentSpec({ id, ...prose, permission_role: 'toy', ...given });
}

/** A task with sensible values; give what matters to the test. */
export function toyTask(id: string, agent: string, given: Partial<TaskSpec> = {}): TaskSpec {
  const prose = { description: `Do ${id}.`, expected_output: `The result of ${id}.` };
  return taskSpec({ id, agent, ...prose, max_retries: 0, ...given });
}

/** A crew of the given agents and tasks, sequential unless said otherwise. */
export function toyCrew(
  id: string,
  agents: readonly AgentSpec[],
  tasks: readonly TaskSpec[],
  given: Partial<CrewSpec> = {},
): CrewSpec {
  return crewSpec({
    id,
    description: `Toy crew ${id}.`,
    agents: agents.map((a) => a.id),
    tasks: tasks.map((t) => t.id),
    ...given,
  });
}
