import { InvalidInput, NotFound, PermissionDenied } from './errors.ts';
import { canonicalHash } from './hash.ts';
import type { Caller, Invoker, PermissionDecision, ToolCall, ToolOutcome } from './invoke.ts';
import { didYouMean } from './nearest.ts';
import { askerOf } from './question.ts';
import { outsideProblem, STRICT_OUTSIDE } from './outside.ts';
import { announce, toFailure } from './pipeline-record.ts';
import { bounded, runTool } from './pipeline-run.ts';
import { elapsed, type InvokerOptions, type Trace } from './pipeline-trace.ts';
import { describeIssues, pathText } from './schema-issues.ts';
import { indexTools, type CataloguedTool } from './tool-index.ts';
import type { BoundTool, JsonInput, ToolContext } from './tool.ts';

export type { InvokerOptions } from './pipeline-trace.ts';

/**
 * The one way to call a tool: look-up → permission → input → words from outside → shadow → approval → rate limit → deadline → ledger →
 * run → output → audit and event. Throws Conflict when two tools claim one name.
 */
export function createInvoker(options: InvokerOptions): Invoker {
  const { clock, ids } = options;
  let indexed: readonly BoundTool[] | undefined;
  let built = indexTools([]);
  const current = (): typeof built => {
    const tools = typeof options.tools === 'function' ? options.tools() : options.tools;
    if (tools !== indexed) {
      built = indexTools(tools);
      indexed = tools;
    }
    return built;
  };
  current();
  const allowed = (caller: Caller, entry: CataloguedTool): boolean =>
    decide(options, caller, entry.tool, entry.tool.name).allowed;
  const visible = (caller: Caller): readonly CataloguedTool[] =>
    current().all.filter((entry) => allowed(caller, entry));

  const invoke = async (call: ToolCall): Promise<ToolOutcome> => {
    const trace: Trace = {
      call,
      callId: ids('call'),
      startedAt: clock.monotonicMs(),
      stage: 'look-up',
      toolName: call.tool,
      category: null,
      args: call.args,
      decision: undefined,
    };
    let outcome: ToolOutcome;
    try {
      call.signal?.throwIfAborted();
      outcome = await attempt(options, trace, current().find(call.tool), visible);
    } catch (error) {
      const failure = toFailure(options, trace, error);
      announce(options, trace, failure);
      if (call.signal?.aborted === true) throw call.signal.reason;
      return failure;
    }
    announce(options, trace, outcome);
    return outcome;
  };
  return {
    invoke,
    visible: (caller) => visible(caller).map((entry) => entry.tool),
    find: (name) => current().find(name)?.tool,
  };
}

async function attempt(
  options: InvokerOptions,
  trace: Trace,
  entry: CataloguedTool | undefined,
  visible: (caller: Caller) => readonly CataloguedTool[],
): Promise<ToolOutcome> {
  const { call } = trace;
  const tool = permit(options, trace, entry, visible);
  trace.stage = 'input';
  const args = parseInput(tool, call.args);
  trace.args = args;
  const context = contextOf(options, trace);
  trace.stage = 'approval';
  const because = outside(options, call, tool.tool, args);
  if (call.shadow === true && tool.tool.effects === 'effect') return propose(options, trace, tool.tool, args, context);

  trace.stage = 'approval';
  const argsHash = canonicalHash(args);
  const edits: unknown[] = [];
  const edit = (given: unknown): void => void edits.push(given);
  await options.approvals.check({ call, tool: tool.tool, args, argsHash, callId: trace.callId, edit, because });
  if (edits.length > 0) return runEdited(options, trace, tool, edits.at(-1), context);
  trace.stage = 'rate';
  limit(options, call, tool.tool);
  trace.stage = 'run';
  return runTool(options, trace, tool.tool, { args, argsHash }, context);
}

/** Runs with the arguments that a person wrote: they pass the same check as any, and the audit row has them. */
async function runEdited(
  options: InvokerOptions,
  trace: Trace,
  tool: CataloguedTool,
  given: unknown,
  context: (signal: AbortSignal) => ToolContext<unknown>,
): Promise<ToolOutcome> {
  trace.stage = 'input';
  const args = parseInput(tool, given);
  trace.args = args;
  trace.stage = 'rate';
  limit(options, trace.call, tool.tool);
  trace.stage = 'run';
  const outcome = await runTool(options, trace, tool.tool, { args, argsHash: canonicalHash(args) }, context);
  return outcome.ok && 'data' in outcome ? { ...outcome, edited_args: args } : outcome;
}

/** Why the call needs a person, by what its writer had read; undefined when it does not. Throws PermissionDenied. */
function outside(
  options: InvokerOptions,
  call: ToolCall,
  tool: BoundTool,
  args: Readonly<Record<string, unknown>>,
): string | undefined {
  const policy = options.outside ?? STRICT_OUTSIDE;
  const problem = outsideProblem(policy, call, tool, args);
  if (problem === null) return undefined;
  if (policy.onViolation === 'ask') return problem;
  throw new PermissionDenied(`${call.caller.id} may not call ${tool.name}: ${problem}`);
}

/** Stages 1 and 2. A caller that may see nothing learns no names; one that may is helped among those it may see. */
function permit(
  options: InvokerOptions,
  trace: Trace,
  entry: CataloguedTool | undefined,
  visible: (caller: Caller) => readonly CataloguedTool[],
): CataloguedTool {
  const { call } = trace;
  if (entry !== undefined) {
    trace.toolName = entry.tool.name;
    trace.category = entry.tool.category;
  }
  trace.stage = 'permission';
  const decision = decide(options, call.caller, entry?.tool, call.tool);
  trace.decision = decision;
  if (entry === undefined) {
    const names = visible(call.caller).flatMap(({ tool }) => [tool.name, ...tool.aliases]);
    if (names.length > 0) {
      throw new NotFound(
        `there is no tool '${call.tool}' that ${call.caller.id} may use${didYouMean(call.tool, names)}`,
      );
    }
  }
  if (entry === undefined || !decision.allowed) {
    throw new PermissionDenied(`${call.caller.id} may not call ${call.tool}: ${decision.rule}`);
  }
  return entry;
}

/** The gate's answer; an exception inside it, or an answer for something unknown, is a denial. */
function decide(
  options: InvokerOptions,
  caller: Caller,
  tool: BoundTool | undefined,
  toolName: string,
): PermissionDecision {
  try {
    const decision = options.permission.decide(caller, tool, toolName);
    return tool === undefined && decision.allowed
      ? { ...decision, allowed: false, rule: `no tool is named ${toolName}` }
      : decision;
  } catch (error) {
    options.log.error('permission.check_failed', { caller: caller.id, tool: toolName, error });
    return {
      allowed: false,
      rule: 'the permission check failed, so the answer is no',
      role: caller.role,
      category: tool?.category ?? null,
      held: 'NONE',
      needed: tool?.access ?? null,
    };
  }
}

function parseInput(entry: CataloguedTool, raw: unknown): Readonly<Record<string, unknown>> {
  const value = raw ?? {};
  const { inputJson } = entry.tool;
  if (inputJson !== undefined) return parseJsonInput(entry.tool.name, inputJson, value);
  const parsed = entry.input.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = describeIssues(entry.input, value, parsed.error).map(({ path, message }) => ({
    field: pathText(path),
    message,
  }));
  const text = issues.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ');
  throw new InvalidInput(`invalid input of ${entry.tool.name}: ${text}`, { details: { issues } });
}

function parseJsonInput(name: string, input: JsonInput, value: unknown): Readonly<Record<string, unknown>> {
  const problem = input.problem(value);
  if (problem !== null) throw new InvalidInput(`invalid input of ${name}: ${problem}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidInput(`invalid input of ${name}: it must be an object`);
  return Object.fromEntries(Object.entries(value));
}

async function propose(
  options: InvokerOptions,
  trace: Trace,
  tool: BoundTool,
  args: Readonly<Record<string, unknown>>,
  context: (signal: AbortSignal) => ToolContext<unknown>,
): Promise<ToolOutcome> {
  trace.stage = 'shadow';
  const { preview } = tool;
  const wouldChange =
    preview === undefined
      ? { call: tool.name, note: 'this tool cannot tell in advance what it changes' }
      : await bounded(options, trace, tool, async (signal) => preview(args, context(signal)));
  const id = options.ids('prop');
  await options.proposals.record({ id, call: { ...trace.call, tool: tool.name }, args, wouldChange });
  return {
    ok: true,
    call_id: trace.callId,
    tool: tool.name,
    proposed: true,
    proposal_id: id,
    would_change: wouldChange,
    duration_ms: elapsed(options, trace),
  };
}

function limit(options: InvokerOptions, call: ToolCall, tool: BoundTool): void {
  const { agentCallsPerMinute } = options;
  if (agentCallsPerMinute !== undefined && call.caller.agentId !== null) {
    options.rates.take(`agent ${call.caller.agentId}`, {
      perSecond: agentCallsPerMinute / 60,
      burst: Math.max(1, agentCallsPerMinute),
    });
  }
  if (tool.rateLimit !== undefined) options.rates.take(tool.rateLimit.key, tool.rateLimit);
}

function contextOf(options: InvokerOptions, trace: Trace): (signal: AbortSignal) => ToolContext<unknown> {
  const { call, callId, toolName } = trace;
  return (signal) => ({
    ask: askerOf(toolName, call.answers),
    callId,
    caller: call.caller.id,
    agentId: call.caller.agentId,
    runId: call.runId ?? null,
    taskId: call.taskId ?? null,
    signal,
    clock: options.clock,
    log: options.log.child({ call_id: callId, tool: toolName }),
    events: options.events,
    services: undefined,
    progress: (fraction, message) => call.onProgress?.(fraction, message),
  });
}
