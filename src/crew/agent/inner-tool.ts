import type { LangGraphRunnableConfig } from '@langchain/langgraph';
import type { ToolSchema } from '../model/model.ts';
import type { TaskOutput } from './output.ts';
import type { AgentRecord, QueuedCall } from './state.ts';

/** What came of a framework tool. */
export type InnerOutcome =
  /** Goes back to the model. `by` is what somebody else did for it. */
  | {
      readonly kind: 'said';
      readonly ok: boolean;
      readonly result: unknown;
      readonly by?: TaskOutput | undefined;
      /** Whose words from outside the result holds, besides what the tool itself says. */
      readonly outside?: readonly string[] | undefined;
    }
  /** Another agent took the task over: this is its end. */
  | { readonly kind: 'over'; readonly by: TaskOutput };

/**
 * A tool of the framework's own, which goes to an agent or to a skill and not to a system: no permission is asked,
 * because whoever acts in the end is asked for theirs.
 */
export interface InnerTool {
  readonly schema: ToolSchema;
  /** Whose words its results hold; null: what co-workers say, which carries its own, or a trusted hand's. */
  readonly outside: string | null;
  run(call: QueuedCall, record: AgentRecord, config: LangGraphRunnableConfig): Promise<InnerOutcome>;
}

/** Something was wrong with the call. */
export function refused(message: string): InnerOutcome {
  return { kind: 'said', ok: false, result: { code: 'invalid_input', message, retryable: false } };
}

/** The schema of a framework tool: flat, closed, all texts. */
export function innerSchema(
  name: string,
  description: string,
  fields: Readonly<Record<string, { readonly description: string; readonly choices?: readonly string[] | undefined }>>,
  required: readonly string[],
): ToolSchema {
  const properties = Object.fromEntries(
    Object.entries(fields).map(([field, { description: text, choices }]) => [
      field,
      { type: 'string', ...(choices === undefined ? {} : { enum: choices }), description: text },
    ]),
  );
  const parameters = { type: 'object', properties, required, additionalProperties: false };
  return { type: 'function', function: { name, description, parameters } };
}
