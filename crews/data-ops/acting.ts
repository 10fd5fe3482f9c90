import type { BehaviourContext } from '../../src/crew/index.ts';
import { fields } from './read.ts';

type Invoked = Awaited<ReturnType<BehaviourContext['invoke']>>;

/** What a call did, as a behaviour keeps it with its event. Throws for a failure, so that the behaviour counts as failed. */
export function outcomeOf(outcome: Invoked): Readonly<Record<string, unknown>> {
  if (!outcome.ok) throw new Error(`${outcome.tool}: ${outcome.error.message}`);
  if ('proposed' in outcome) return { tool: outcome.tool, proposal_id: outcome.proposal_id };
  return { tool: outcome.tool, summary: outcome.summary };
}

/** The data of a call that ran; empty when it was only proposed. Throws for a failure. */
export function dataOf(outcome: Invoked): Readonly<Record<string, unknown>> {
  if (!outcome.ok) throw new Error(`${outcome.tool}: ${outcome.error.message}`);
  return 'proposed' in outcome ? {} : fields(outcome.data);
}

/** Waits on the behaviour's clock; ends early when the behaviour is aborted. */
export function pause(context: BehaviourContext, ms: number): Promise<void> {
  const { clock, signal } = context;
  return new Promise((resolve, reject) => {
    const end = new AbortController();
    const stop = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener('abort', stop, { once: true, signal: end.signal });
    const timer = clock.schedule(ms, () => {
      end.abort();
      resolve();
    });
    signal.addEventListener('abort', () => timer.cancel(), { once: true, signal: end.signal });
  });
}

/** ISO text of UTC ms. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
