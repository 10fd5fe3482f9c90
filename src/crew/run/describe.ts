import type { StateSnapshot } from '@langchain/langgraph';
import { mergeOutside } from '../../kit/outside.ts';
import type { TaskOutput } from '../agent/output.ts';
import type { CrewGraphState } from '../graph/state.ts';
import type { HierarchicalState } from '../graph/hierarchical.ts';
import { type ModelUsage, mergeUsage } from '../model/usage.ts';
import type { TaskSpec } from '../spec.ts';
import type { DocumentExtras, RunDocument, RunStatus, RunTask, RunUsage } from './document.ts';
import type { RunRow } from './store.ts';

/** The state of a run as its checkpoint holds it; a hierarchical crew has its manager besides. */
export type RunState = Partial<CrewGraphState> & Partial<Pick<typeof HierarchicalState.State, 'manager' | 'reports'>>;

/** The checkpoint's state: written by our graphs alone, so its shape is theirs. Empty before the first step. */
export function valuesOf(snapshot: StateSnapshot): RunState {
  const { values } = snapshot as { readonly values?: RunState };
  return values ?? {};
}

/** Builds the document of a run from its row, its state and what the host adds. */
export function describeRun(parts: {
  readonly row: RunRow;
  readonly status: RunStatus;
  readonly state: RunState;
  /** Tasks that the run has, by key of its outputs. */
  readonly taskKeys: ReadonlyMap<string, string>;
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  readonly events: RunDocument['events'];
  readonly extras: DocumentExtras;
  readonly cost: Pick<RunUsage, 'cost_usd' | 'unknown_cost_calls'>;
}): RunDocument {
  const { row, status, state, extras } = parts;
  const outputs = state.outputs ?? {};
  const all = Object.values(outputs);
  const outside = mergeOutside(state.outside, ...all.map((o) => o.outside));
  return {
    run_id: row.run_id,
    crew: row.crew,
    mode: row.shadow ? 'shadow' : 'active',
    source: extras.source ?? null,
    model: row.model,
    status,
    trigger: row.trigger,
    started_at: new Date(row.started_at).toISOString(),
    finished_at: row.finished_at === null ? null : new Date(row.finished_at).toISOString(),
    error: row.error,
    output:
      [...parts.taskKeys.keys()].flatMap((k) => (outputs[k]?.status === 'completed' ? [outputs[k]] : [])).at(-1)
        ?.output ?? null,
    tasks: [...parts.taskKeys].map(([key, id]) => describeTask(key, outputs[key], parts.tasks[id], row, status)),
    waiting_for: row.waiting_for,
    streams: extras.streams ?? [],
    events: extras.events ?? parts.events,
    quality_issues: extras.quality_issues ?? [],
    proposed_actions: all.flatMap((o) => o.proposals),
    effects: all.flatMap((o) =>
      o.tool_calls
        .filter((c) => c.effect)
        .map(({ agent, tool, args, reason, call_id }) => ({ agent, task: o.task, tool, args, reason, call_id })),
    ),
    health_score: extras.health_score ?? null,
    usage: { ...sumUsage(all, mergeUsage(state.planning?.usage ?? [], state.manager?.usage ?? [])), ...parts.cost },
    ...(outside.length === 0 ? {} : { outside }),
  };
}

function describeTask(
  key: string,
  output: TaskOutput | undefined,
  task: TaskSpec | undefined,
  row: RunRow,
  status: RunStatus,
): RunTask {
  if (output !== undefined) {
    const { agent, raw, tool_calls, error } = output;
    return { id: key, agent, status: output.status, output: output.output, raw, tool_calls, error };
  }
  const waiting = status === 'waiting' && row.waiting_for.some((p) => p.task === (task?.id ?? key));
  const open = waiting ? 'waiting' : 'not_run';
  return { id: key, agent: task?.agent ?? null, status: open, output: null, raw: '', tool_calls: [], error: null };
}

function sumUsage(
  outputs: readonly TaskOutput[],
  manager: readonly ModelUsage[],
): Omit<RunUsage, 'cost_usd' | 'unknown_cost_calls'> {
  const by_model = mergeUsage(manager, ...outputs.map((o) => o.usage));
  const sum = (field: 'calls' | 'failed_calls' | 'input_tokens' | 'output_tokens'): number =>
    by_model.reduce((total, u) => total + u[field], 0);
  const sources = new Set(by_model.map((u) => u.source));
  const [only] = sources;
  return {
    model_calls: sum('calls'),
    failed_calls: sum('failed_calls'),
    input_tokens: sum('input_tokens'),
    output_tokens: sum('output_tokens'),
    total_tokens: sum('input_tokens') + sum('output_tokens'),
    tool_calls: outputs.reduce((total, o) => total + o.tool_calls.length, 0),
    source: sources.size > 1 ? 'mixed' : (only ?? null),
    by_model,
  };
}
