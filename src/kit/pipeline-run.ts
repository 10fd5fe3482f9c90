import { z } from 'zod';
import { withDeadline } from './deadline.ts';
import { AppError, Conflict, DeadlineExceeded, OutcomeUnknown } from './errors.ts';
import { canonicalHash } from './hash.ts';
import type { LedgerEntry, ToolOutcome } from './invoke.ts';
import { elapsed, type InvokerOptions, type Trace } from './pipeline-trace.ts';
import { provenanceSchema } from './provenance.ts';
import type { BoundTool, Provenance, ToolContext, ToolResult } from './tool.ts';

/** The arguments as parsed, and their hash. */
export interface Intent {
  readonly args: Readonly<Record<string, unknown>>;
  readonly argsHash: string;
}

/** Stages 7 to 10: deadline and abort, ledger, run, output. */
export async function runTool(
  options: InvokerOptions,
  trace: Trace,
  tool: BoundTool,
  intent: Intent,
  context: (signal: AbortSignal) => ToolContext<unknown>,
): Promise<ToolOutcome> {
  const work = async (signal: AbortSignal): Promise<ToolResult<unknown>> =>
    checkOutput(tool, await tool.run(intent.args, context(signal)));
  if (tool.effects !== 'effect') return success(options, trace, tool, await bounded(options, trace, tool, work), false);

  const { call } = trace;
  const key = effectKey(trace, tool, intent);
  const begin = (): Promise<LedgerEntry> =>
    options.ledger.begin(key, { tool: tool.name, argsHash: intent.argsHash, runId: call.runId ?? null });
  let entry = await begin();
  if (entry.state === 'unknown' && tool.reconcile !== undefined) {
    await reconcile(options, trace, tool, key, (signal) => tool.reconcile?.(intent.args, context(signal)));
    entry = await begin();
  }
  if (entry.state === 'done') return success(options, trace, tool, entry.result, true);
  if (entry.state !== 'new') throw unsettled(tool, entry.state, key);
  const settled = (signal: AbortSignal): Promise<ToolResult<unknown>> =>
    settleIntent(options, trace, key, work(signal));
  return success(options, trace, tool, await bounded(options, trace, tool, settled), false);
}

/**
 * Writes the result, or that nothing happened (an expected error), behind the intent. Goes on after the deadline, so
 * a late answer is still known. After any other error the outcome stays unknown.
 */
async function settleIntent(
  options: InvokerOptions,
  trace: Trace,
  key: string,
  running: Promise<ToolResult<unknown>>,
): Promise<ToolResult<unknown>> {
  const { ledger, log } = options;
  const unrecorded = (error: unknown): void => {
    log.error('tool.result_not_recorded', { call_id: trace.callId, tool: trace.toolName, key, error });
  };
  try {
    const result = await running;
    // The effect has happened: a ledger that cannot say so must not make it look undone.
    await ledger.finish(key, result).catch(unrecorded);
    return result;
  } catch (error) {
    const unknown = error instanceof DeadlineExceeded || error instanceof OutcomeUnknown;
    if (error instanceof AppError && !unknown) await ledger.finish(key, null).catch(unrecorded);
    else ledger.leave(key);
    throw error;
  }
}

/** Lets the tool look whether an effect of unknown outcome happened, and writes that down. What it cannot tell stays. */
async function reconcile(
  options: InvokerOptions,
  trace: Trace,
  tool: BoundTool,
  key: string,
  look: (signal: AbortSignal) => Promise<ToolResult<unknown> | null> | undefined,
): Promise<void> {
  try {
    const found = (await bounded(options, trace, tool, async (signal) => look(signal))) ?? null;
    await options.ledger.finish(key, found === null ? null : checkOutput(tool, found));
  } catch (error) {
    if (trace.call.signal?.aborted === true) throw error;
    options.log.warn('tool.not_reconciled', { call_id: trace.callId, tool: tool.name, key, error });
  }
}

function unsettled(tool: BoundTool, state: 'unknown' | 'running', key: string): Conflict {
  return state === 'running'
    ? new Conflict(`${tool.name} is at work on exactly this call; wait for its result`, { details: { key } })
    : new Conflict(
        `${tool.name} was begun with these arguments and its outcome is not known; a person must check whether it ` +
          'took effect and settle it before it can run again',
        { details: { key, effect: state } },
      );
}

/**
 * One effect per intent: run, place in the run, tool and arguments. Outside a run the place is the caller's own word
 * for its intent; a call without one is an intent of its own.
 */
function effectKey(trace: Trace, tool: BoundTool, intent: Intent): string {
  const { runId, path, taskId, caller } = trace.call;
  if (runId !== null && runId !== undefined)
    return canonicalHash([runId, path ?? taskId ?? '', tool.name, intent.argsHash]);
  return path === undefined ? trace.callId : canonicalHash([caller.id, path, tool.name, intent.argsHash]);
}

/** Work under the tool's deadline and the caller's signal. */
export function bounded<T>(
  options: InvokerOptions,
  trace: Trace,
  tool: BoundTool,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withDeadline(
    {
      clock: options.clock,
      timeoutMs: tool.timeoutMs,
      outer: trace.call.signal,
      late: () =>
        new DeadlineExceeded(`${tool.name} did not finish within ${tool.timeoutMs} ms; ask for less, or try again`),
    },
    work,
  );
}

/** Data as the output schema has it. Junk is the tool's bug, not the caller's fault: a plain error. */
function checkOutput(tool: BoundTool, result: ToolResult<unknown>): ToolResult<unknown> {
  const data = tool.output.safeParse(result.data);
  if (!data.success) {
    throw new Error(`${tool.name} returned data outside its output schema: ${z.prettifyError(data.error)}`);
  }
  const origin = provenanceSchema.safeParse(result.provenance);
  if (!origin.success) {
    throw new Error(`${tool.name} returned data without provenance: ${z.prettifyError(origin.error)}`);
  }
  return { data: data.data, provenance: origin.data };
}

function success(
  options: InvokerOptions,
  trace: Trace,
  tool: BoundTool,
  result: { readonly data: unknown; readonly provenance: Provenance },
  replayed: boolean,
): ToolOutcome {
  return {
    ok: true,
    call_id: trace.callId,
    tool: tool.name,
    data: result.data,
    provenance: result.provenance,
    summary: tool.summary?.(result.data) ?? null,
    duration_ms: elapsed(options, trace),
    replayed,
  };
}
