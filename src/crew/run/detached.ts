import { AsyncResource } from 'node:async_hooks';

/**
 * Runs work outside whatever asynchronous context it is called from. A graph that is invoked in the step of another
 * graph would otherwise become a part of it: with its thread, its checkpoints and its interrupts.
 */
export interface Detached {
  <T>(work: () => T): T;
}

/** Made once, where no graph is at work. */
export function createDetached(): Detached {
  const outside = new AsyncResource('crew');
  return (work) => outside.runInAsyncScope(work);
}
