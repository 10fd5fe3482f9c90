import type { KickoffOptions, RunStream } from '../crew/index.ts';
import type { StreamQuery } from '../events/index.ts';
import type { StreamItem } from '../kit/stream-item.ts';
import type { DeskHost, Runtime } from './runtime/contract.ts';

export type Inputs = Readonly<Record<string, unknown>>;

export type RunOptions = Pick<KickoffOptions, 'shadow' | 'signal' | 'trigger'>;

export interface StreamRunOptions extends RunOptions, Pick<StreamQuery, 'channels'> {}

const ENDS: ReadonlySet<string> = new Set([
  'run.completed',
  'run.failed',
  'run.cancelled',
  'run.waiting',
  'run.suspended',
]);

/** The stream of a desk after a number, else from the moment of the call: defaults are read before the first item. */
export async function* openStream(
  { operations }: Runtime,
  query: StreamQuery,
  from = query.after ?? operations.journal.lastSeq,
): AsyncGenerator<StreamItem, void, undefined> {
  yield* await operations.stream.open({ ...query, after: from });
}

/** Starts a crew, and gives its items up to the one that says that it has ended or waits. */
export async function streamRun(
  host: DeskHost,
  crew: string,
  inputs: Inputs,
  { channels, ...options }: StreamRunOptions,
): Promise<RunStream> {
  const { runtime } = host;
  const after = runtime.operations.journal.lastSeq;
  const { runId, done } = await host.runner.start(crew, inputs, { ...options, shadow: options.shadow ?? host.shadow });
  // Whoever only iterates hears of a failure by the last item.
  done.catch(() => undefined);
  return { runId, done, [Symbol.asyncIterator]: () => runItems(runtime, runId, after, channels) };
}

async function* runItems(
  { operations }: Runtime,
  run: string,
  after: number,
  channels: StreamQuery['channels'],
): AsyncGenerator<StreamItem, void, undefined> {
  for await (const item of await operations.stream.open({ run, after, channels: withEnds(channels) })) {
    if (channels === undefined || channels.includes(item.channel)) yield item;
    if (item.run === run && ENDS.has(item.type)) return;
  }
}

function withEnds(channels: StreamQuery['channels']): StreamQuery['channels'] {
  return channels === undefined ? undefined : [...new Set([...channels, 'run' as const])];
}
