import { randomUUID } from 'node:crypto';
import { stepsOf } from '../crew/config/flow-schema.ts';
import type { AnyEvent } from '../kit/event.ts';
import type { CallOptions, FlowDocument, FlowRequest, KickoffRequest, RunDocument } from './desk.ts';
import type { DeskHost } from './runtime/contract.ts';

/** Says after each method how many of the flow's have run; those that a route leaves out never do. */
export async function flowWithProgress(
  controller: DeskHost,
  flow: string,
  inputs: FlowRequest['inputs'],
  options: { readonly shadow: boolean; readonly signal: AbortSignal | undefined },
  onProgress: NonNullable<CallOptions['onProgress']>,
): Promise<FlowDocument> {
  const spec = controller.runtime.config.flows.find((f) => f.id === flow);
  const total = spec === undefined ? 0 : Object.keys(stepsOf(spec)).length;
  const runId = `run_${randomUUID()}`;
  const ended = new Set<string>();
  const note = (event: AnyEvent): void => {
    if (event.type !== 'method.completed' || event.data.run_id !== runId) return;
    ended.add(event.data.method);
    if (total > 0) onProgress(Math.min(1, ended.size / total), event.data.method);
  };
  controller.on('*', note);
  try {
    return await controller.runtime.crews.flows.kickoff(flow, inputs, { ...options, runId });
  } finally {
    controller.off('*', note);
  }
}

/** Says after each task how much of the crew's work is done. */
export async function kickoffWithProgress(
  controller: DeskHost,
  request: KickoffRequest,
  options: CallOptions & { readonly onProgress: NonNullable<CallOptions['onProgress']> },
): Promise<RunDocument> {
  const crew = controller.runtime.config.crews.find(({ id }) => id === request.crew);
  // An agent alone is a crew of one task.
  const total = crew?.tasks.length ?? 1;
  const ended: { readonly run: string; readonly task: string }[] = [];
  let runId: string | undefined;
  const report = (): void => {
    const own = ended.filter((task) => task.run === runId);
    const last = own.at(-1);
    if (last !== undefined && total > 0)
      options.onProgress(Math.min(1, new Set(own.map((t) => t.task)).size / total), last.task);
  };
  const note = (event: AnyEvent): void => {
    if (event.type !== 'task.completed' && event.type !== 'task.failed' && event.type !== 'task.skipped') return;
    ended.push({ run: event.data.run_id, task: event.data.task_id });
    if (event.data.run_id === runId) report();
  };
  controller.on('*', note);
  try {
    const started = await controller.runtime.crews.runner.start(request.crew, request.inputs ?? {}, {
      shadow: request.shadow ?? controller.shadow,
      signal: options.signal,
      trigger: request.trigger ?? 'manual',
    });
    runId = started.runId;
    report();
    return await started.done;
  } finally {
    controller.off('*', note);
  }
}
