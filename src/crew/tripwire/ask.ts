import { z } from 'zod';
import type { Clock } from '../../kit/clock.ts';
import { DeadlineExceeded, errorMessage } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Trip, Tripwire, TripwireSubject } from './contract.ts';
import { wordsAt } from './detectors.ts';

const Verdict = z.union([
  z.object({ ok: z.literal(true), value: z.unknown().optional() }),
  z.object({ ok: z.literal(false), reason: z.string() }),
]);

export interface AskParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the run: aborted, nobody needs a verdict any more. */
  readonly signal: AbortSignal;
  /** Whether a rewritten value has the form that is needed there; a problem, or null. */
  readonly misfit: (value: unknown) => string | null;
}

/** What came of it: the value to go on with and who rewrote it, or the trip. */
export type Asked =
  | { readonly value: unknown; readonly rewrittenBy: readonly string[] }
  | { readonly trip: Pick<Trip, 'guardrail' | 'cause' | 'reason'> };

/**
 * Asks tripwires in order, each about what the one before left. The first that is against it ends that; so does one that
 * throws, is late or says something else, unless it is to pass then. Rejects with the run's reason when the run ends.
 */
export async function askTripwires(
  wires: readonly Tripwire[],
  subject: Omit<TripwireSubject, 'text' | 'signal'>,
  parts: AskParts,
): Promise<Asked> {
  let { value } = subject;
  const rewrittenBy: string[] = [];
  for (const wire of wires) {
    const verdict = await verdictOf(wire, { ...subject, value }, parts);
    if ('trip' in verdict) return { trip: { guardrail: wire.name, ...verdict.trip } };
    if (verdict.value === undefined) continue;
    ({ value } = verdict);
    rewrittenBy.push(wire.name);
  }
  return { value, rewrittenBy };
}

type WireVerdict = { readonly value?: unknown } | { readonly trip: Pick<Trip, 'cause' | 'reason'> };

async function verdictOf(
  wire: Tripwire,
  subject: Omit<TripwireSubject, 'text' | 'signal'>,
  parts: AskParts,
): Promise<WireVerdict> {
  const { clock, log, signal, misfit } = parts;
  const late = new AbortController();
  const timer = clock.schedule(
    wire.seconds * 1000,
    () => late.abort(new DeadlineExceeded(`tripwire ${wire.name} took longer than ${wire.seconds} s`)),
    { keepAlive: true },
  );
  const without = (cause: Trip['cause'], reason: string, error?: unknown): WireVerdict => {
    const { crew, task, agent, where } = subject;
    const fields = { tripwire: wire.name, crew, task_id: task, agent_id: agent, where, cause, passes: wire.onError };
    log.warn('tripwire.no_verdict', { ...fields, ...(error === undefined ? {} : { error: errorMessage(error) }) });
    return wire.onError === 'pass' ? {} : { trip: { cause, reason } };
  };
  try {
    const ends = AbortSignal.any([signal, late.signal]);
    const given = await inTime(ends, async () =>
      wire.check({ ...subject, text: wordsAt(subject.where, subject.value), signal: ends }),
    );
    const verdict = Verdict.safeParse(given);
    if (!verdict.success) return without('no_verdict', 'it gave no verdict');
    if (!verdict.data.ok) return { trip: { cause: 'tripped', reason: verdict.data.reason } };
    const { value } = verdict.data;
    const problem = value === undefined ? null : misfit(value);
    return problem === null ? { value } : without('no_verdict', `what it put in the place of the value ${problem}`);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (late.signal.aborted) return without('timed_out', `it gave no verdict within ${wire.seconds} s`);
    // Its message may quote what it looked at: that is for the log, which knows the secrets.
    return without('threw', 'it failed, and what failed is in the log', error);
  } finally {
    timer.cancel();
  }
}

/** What the work gives, unless the signal aborts first: the work may not hear of it. */
async function inTime<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    // The reasons of the run and of the time limit are errors.
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
