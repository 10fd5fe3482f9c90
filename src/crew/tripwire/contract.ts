import { PermissionDenied } from '../../kit/errors.ts';

/** Where values are looked at: what a run or an agent is given, an answer, the arguments of a call. */
export type TripwirePlace = 'input' | 'output' | 'tool_call';

/** What an agent is given with a task; at a kickoff the inputs alone. */
export interface TripwireInput {
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Outputs of other tasks, whose `output` may be rewritten. */
  readonly context: readonly { readonly task: string; readonly output: unknown }[];
  /** What a manager or a co-worker says with work that they hand on. */
  readonly instruction?: string | undefined;
}

/** A value as a tripwire sees it. */
export interface TripwireSubject {
  readonly where: TripwirePlace;
  readonly crew: string;
  /** Null at the kickoff, and for what a crew's last hooks gave. */
  readonly task: string | null;
  readonly agent: string | null;
  /** `input`: a `TripwireInput`; `output`: the answer, parsed when it is JSON; `tool_call`: `{ tool, args }`. */
  readonly value: unknown;
  /** What is to be read in it: the text itself, else texts, inner keys and numbers, one a line. */
  readonly text: string;
  /** Aborts when the time for the verdict is over, and when the run ends. */
  readonly signal: AbortSignal;
}

/** It may pass, perhaps as another value of the same form; or the run ends, for a reason that must not quote a secret. */
export type TripwireVerdict =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly reason: string };

/** Looks at a value. Whatever is not a verdict in time counts as one against it. */
export type TripwireCheck = (subject: TripwireSubject) => TripwireVerdict | Promise<TripwireVerdict>;

/** Why a run was stopped, and where. */
export interface Trip {
  readonly guardrail: string;
  readonly where: TripwirePlace;
  readonly task: string | null;
  readonly agent: string | null;
  /** `tripped`: it said so; else it gave no verdict, and that counts as one. */
  readonly cause: 'tripped' | 'threw' | 'timed_out' | 'no_verdict';
  readonly reason: string;
}

/** A tripwire ended the run. The value it was about is not in it. */
export class TripwireTripped extends PermissionDenied {
  readonly trip: Trip;

  constructor(trip: Trip) {
    const { guardrail, where, task, agent, reason } = trip;
    const whose = [...(task === null ? [] : [`task ${task}`]), ...(agent === null ? [] : [`agent ${agent}`])];
    const place = where === 'tool_call' ? 'a tool call' : `the ${where}`;
    super(
      `tripwire ${guardrail} stopped the run at ${place} of ${whose.length === 0 ? 'the crew' : whose.join(', ')}: ${reason}`,
      { details: { ...trip } },
    );
    this.trip = trip;
  }
}

/** A tripwire ready to be asked. */
export interface Tripwire {
  readonly name: string;
  /** Time for a verdict. */
  readonly seconds: number;
  readonly onError: 'trip' | 'pass';
  readonly check: TripwireCheck;
}
