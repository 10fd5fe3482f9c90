import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type { PlaybookContext } from '../playbook.ts';
import type { AgentSpec, CrewSpec } from '../spec.ts';

/** A chat model under the name it was asked for by, as in `openai:gpt-5.2` or `playbook`. */
export interface CrewModel {
  readonly name: string;
  readonly source: 'llm' | 'playbook';
  readonly chat: BaseChatModel;
  /** Whom it asks; absent for models that were made by the host. */
  readonly endpoint?: ModelEndpoint | undefined;
  /** Most tokens of one answer that `chat` was made with; absent when nobody set a limit. */
  readonly maxOutputTokens?: number | undefined;
  /** Call options that make the provider hold the answer to a JSON schema; absent when it cannot. */
  readonly structured?: ((schema: Readonly<Record<string, unknown>>) => object) | undefined;
}

/** A provider as one key sees it: what limits a minute, and failures, count by. */
export interface ModelEndpoint {
  /** `openai`, `anthropic`, `ollama`. */
  readonly provider: string;
  /** Equal for equal address and key. Holds neither of them. */
  readonly id: string;
  /** Whether it is the provider's own address: shipped prices are for that alone. */
  readonly standard: boolean;
}

/** A tool as models are told of it. */
export interface ToolSchema {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
}

/** Which models an agent uses: the first is asked, the others stand in, in order, when it fails. */
export interface ModelSource {
  modelsFor(agent: AgentSpec, crew: CrewSpec): Promise<readonly CrewModel[]>;
  /**
   * Tasks of the crew that the first model cannot do, with the reason; asked before a run starts.
   * A playbook without a policy is such a case.
   */
  missing?(crew: CrewSpec, taskIds: readonly string[]): Promise<readonly string[]>;
}

/** Call option of models that follow a playbook: what the task is and what was observed. */
export interface PlaybookCallOptions {
  readonly playbookContext?: PlaybookContext | undefined;
}
