import type { ToolSuccess, ToolProposal } from '../../kit/invoke.ts';
import type { Ask } from '../../kit/question.ts';
import type { SoloRequest } from '../run/solo.ts';
import type { RunDocument } from '../run/document.ts';
import type { FlowDocument } from './document.ts';
import type { FlowState } from './state.ts';

/** What a method of a flow gets. */
export interface FlowContext<S = FlowState> {
  readonly flow: string;
  readonly runId: string;
  readonly method: string;
  /** From 0: how often the method ran before in this run. */
  readonly execution: number;
  /** As it was when the method began. */
  readonly state: S;
  /** Changes fields of the state, by their reducers, once the method has ended. */
  readonly update: (fields: Partial<S>) => void;
  /** What the method returned that set this one off; the trigger's payload at a start. */
  readonly input: unknown;
  /** The method or route that set it off; `start` at a start. */
  readonly trigger: string;
  /** What came with the flow's start: the event, or what the caller gave. */
  readonly payload: unknown;
  readonly shadow: boolean;
  readonly signal: AbortSignal;
  /** Runs a crew and waits for it; when the method is run again after a stop, the same run goes on. Throws when it fails. */
  readonly crew: (id: string, inputs?: Readonly<Record<string, unknown>>) => Promise<RunDocument>;
  /** Asks one agent. As `crew`. */
  readonly agent: (id: string, request: SoloRequest) => Promise<RunDocument>;
  /** Calls a tool as an agent, with its permissions. Throws what the tool fails with. */
  readonly tool: (
    name: string,
    args: Readonly<Record<string, unknown>>,
    as: { readonly agent: string; readonly reason?: string | undefined },
  ) => Promise<ToolSuccess | ToolProposal>;
  /** Runs another flow, with a state of its own. As `crew`. */
  readonly subflow: (id: string, inputs?: Readonly<Record<string, unknown>>) => Promise<FlowDocument>;
  /**
   * Waits for a person: the run says `waiting`, and goes on with what `resume` is given for this method. A question of
   * `defineQuestion` has types, a check of the answer and a time. Run again with the answer, the method finds the runs
   * that it began, but what it did itself it does again: so ask before you act.
   */
  readonly ask: Ask & ((question: unknown) => unknown);
}
