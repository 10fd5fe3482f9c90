import type { RunnableConfig } from '@langchain/core/runnables';
import { InvalidInput } from '../../kit/errors.ts';

/** A thread and a namespace within it (that of a subgraph; empty for the graph itself). */
export interface Place {
  readonly thread: string;
  readonly ns: string;
}

/** A text of the config's configurable; undefined when it has none of that name. */
export function text(config: RunnableConfig, key: string): string | undefined {
  const value: unknown = config.configurable?.[key];
  return typeof value === 'string' ? value : undefined;
}

/** Where a checkpoint or its writes belong. Throws InvalidInput without a thread id. */
export function placeOf(config: RunnableConfig, what: string): Place {
  const thread = text(config, 'thread_id');
  if (thread === undefined || thread === '')
    throw new InvalidInput(`${what} cannot be saved: the config's configurable has no thread_id (text)`);
  return { thread, ns: text(config, 'checkpoint_ns') ?? '' };
}

/** The config that names a checkpoint. */
export function configOf(place: Place, id: string): RunnableConfig {
  return { configurable: { thread_id: place.thread, checkpoint_ns: place.ns, checkpoint_id: id } };
}
