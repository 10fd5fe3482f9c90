import type { BaseCheckpointSaver, CheckpointTuple } from '@langchain/langgraph-checkpoint';
import { TASKS } from '@langchain/langgraph-checkpoint';
import { Conflict, InvalidInput, NotFound, Unsupported } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { CrewGraphState } from '../graph/state.ts';

/** What a person changes before a run goes on from an earlier step. */
export interface RunEdit {
  /** Merged over the inputs. */
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  /** What earlier tasks gave, by task, in the place of what they really gave. */
  readonly outputs?: Readonly<Record<string, unknown>> | undefined;
}

/** One step of a run that can be gone back to. */
export interface RunStep {
  /** What `fork` takes as `at`. */
  readonly checkpoint_id: string;
  readonly step: number;
  /** UTC ISO time. */
  readonly time: string;
  /** Tasks with an output before this step. */
  readonly done: readonly string[];
  /** Tasks that gave an output in the step that began here. */
  readonly gave: readonly string[];
}

/** Where a new run begins, in the thread of another. */
export interface ForkPoint {
  readonly tuple: CheckpointTuple;
  /** Writes of tasks that ended in the step that began here, and stay; others run anew. */
  readonly kept: CheckpointTuple['pendingWrites'];
  /** The steps inside tasks that were open come along: only at the newest checkpoint. */
  readonly inner: boolean;
}

const root = (thread: string) => ({ configurable: { thread_id: thread, checkpoint_ns: '' } });

/** The steps of a run, newest first, as far as its checkpoints are kept. */
export async function stepsOf(saver: BaseCheckpointSaver, thread: string): Promise<readonly RunStep[]> {
  const steps: RunStep[] = [];
  for await (const { checkpoint, metadata, pendingWrites } of saver.list(root(thread))) {
    steps.push({
      checkpoint_id: checkpoint.id,
      step: metadata?.step ?? -1,
      time: checkpoint.ts,
      done: Object.keys(outputsOf(checkpoint.channel_values)),
      gave: [...new Set((pendingWrites ?? []).flatMap((write) => gaveOf(write)))],
    });
  }
  return steps;
}

/** The step in which `task` last gave an output, without what it gave then. Throws NotFound. */
export async function pointBefore(saver: BaseCheckpointSaver, thread: string, task: string): Promise<ForkPoint> {
  const seen = new Set<string>();
  for await (const tuple of saver.list(root(thread))) {
    const writes = tuple.pendingWrites ?? [];
    for (const write of writes) for (const key of gaveOf(write)) seen.add(key);
    const own = writes.find((write) => gaveOf(write).includes(task));
    if (own !== undefined) return { tuple, kept: writes.filter(([id]) => id !== own[0]), inner: false };
  }
  if (seen.size === 0) throw new NotFound(`no checkpoints of run ${thread} are kept: it cannot be gone back to`);
  const names = [...seen];
  throw new NotFound(
    `run ${thread} has no step in which task '${task}' gave an output${didYouMean(task, names)}; it has: ${names.join(', ')}`,
  );
}

/** The checkpoint of that id, or the newest with all that is open in it. Throws NotFound, and Conflict at the end of a run. */
export async function pointAt(saver: BaseCheckpointSaver, thread: string, id?: string): Promise<ForkPoint> {
  const tuple = await saver.getTuple(
    id === undefined ? root(thread) : { configurable: { ...root(thread).configurable, checkpoint_id: id } },
  );
  if (tuple === undefined) {
    const what = id === undefined ? 'no checkpoint' : `no checkpoint '${id}'`;
    throw new NotFound(`${what} of run ${thread} is kept: see crew runs history`);
  }
  return id === undefined ? { tuple, kept: tuple.pendingWrites, inner: true } : { tuple, kept: [], inner: false };
}

/** Writes the point as the beginning of another thread. Ids stay, so that what was done there is known to be done. */
export async function copyPoint(
  saver: BaseCheckpointSaver,
  point: ForkPoint,
  target: { readonly thread: string; readonly edit: RunEdit },
): Promise<void> {
  const { tuple } = point;
  const source = String(tuple.config.configurable?.['thread_id']);
  const values = edited(tuple.checkpoint.channel_values, target.edit);
  await copyTuple(saver, { ...tuple, checkpoint: { ...tuple.checkpoint, channel_values: values } }, target.thread);
  await copyWrites(saver, tuple, point.kept, target.thread);
  if (!point.inner) return;
  const copied = new Set<string>();
  for await (const inner of saver.list({ configurable: { thread_id: source } })) {
    const ns = String(inner.config.configurable?.['checkpoint_ns'] ?? '');
    if (ns === '' || copied.has(ns)) continue;
    copied.add(ns);
    await copyTuple(saver, inner, target.thread);
    await copyWrites(saver, inner, inner.pendingWrites, target.thread);
  }
}

async function copyTuple(saver: BaseCheckpointSaver, tuple: CheckpointTuple, thread: string): Promise<void> {
  const { checkpoint, metadata, config } = tuple;
  const checkpoint_ns = String(config.configurable?.['checkpoint_ns'] ?? '');
  await saver.put(
    { configurable: { thread_id: thread, checkpoint_ns } },
    checkpoint,
    { step: -1, parents: {}, ...metadata, source: 'fork' },
    checkpoint.channel_versions,
  );
}

async function copyWrites(
  saver: BaseCheckpointSaver,
  { checkpoint, config }: CheckpointTuple,
  writes: CheckpointTuple['pendingWrites'],
  thread: string,
): Promise<void> {
  const byTask = new Map<string, [string, unknown][]>();
  for (const [task, channel, value] of writes ?? []) {
    const known = byTask.get(task);
    if (known === undefined) byTask.set(task, [[channel, value]]);
    else known.push([channel, value]);
  }
  const checkpoint_ns = String(config.configurable?.['checkpoint_ns'] ?? '');
  const at = { configurable: { thread_id: thread, checkpoint_ns, checkpoint_id: checkpoint.id } };
  for (const [task, entries] of byTask) await saver.putWrites(at, entries, task);
}

type Values = Readonly<Record<string, unknown>>;

function edited(values: Values, edit: RunEdit): Record<string, unknown> {
  const { inputs, outputs } = edit;
  if (inputs === undefined && outputs === undefined) return { ...values };
  const waiting: unknown = values[TASKS];
  if (Array.isArray(waiting) && waiting.length > 0)
    throw new Unsupported('this step hands out work of a manager, with its inputs: it can be replayed, not edited');
  const known = outputsOf(values);
  const unknown = Object.keys(outputs ?? {}).filter((task) => known[task] === undefined);
  if (unknown.length > 0) {
    const had = Object.keys(known).join(', ') || 'none';
    throw new InvalidInput(`no output of ${unknown.join(', ')} to edit: tasks done before this step: ${had}`);
  }
  const changed = Object.entries(outputs ?? {}).map(([task, output]): [string, unknown] => [
    task,
    { ...known[task], output, raw: typeof output === 'string' ? output : JSON.stringify(output) },
  ]);
  return {
    ...values,
    inputs: { ...inputsOf(values), ...inputs },
    outputs: { ...known, ...Object.fromEntries(changed) },
  };
}

/** The channels are those of `CrewState`, written by our graphs alone. */
function outputsOf(values: Values): CrewGraphState['outputs'] {
  return (values['outputs'] ?? {}) as CrewGraphState['outputs'];
}

/** As `outputsOf`. */
export function inputsOf(values: Values): CrewGraphState['inputs'] {
  return (values['inputs'] ?? {}) as CrewGraphState['inputs'];
}

function gaveOf([, channel, value]: readonly [string, string, unknown]): readonly string[] {
  if (channel !== 'outputs' || typeof value !== 'object' || value === null) return [];
  return Object.keys(value);
}

/** Throws Conflict when nothing would be left to do at the point. */
export function requireOpen(point: ForkPoint, runId: string, open: readonly string[]): void {
  if (open.length > 0) return;
  const id = point.tuple.checkpoint.id;
  throw new Conflict(
    `run ${runId} had ended at checkpoint ${id}: name an earlier one (crew runs history), or the task to replay from`,
  );
}
