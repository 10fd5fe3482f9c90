import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from '@langchain/core/language_models/chat_models';
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base';
import { AIMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import type { Runnable } from '@langchain/core/runnables';
import type { ChatResult } from '@langchain/core/outputs';
import type { CrewModel } from '../crew/model/model.ts';
import { withTokens } from '../crew/model/tokens.ts';

/** One scripted turn of a model. `expect` looks at what it was sent and throws when that is wrong. */
export type ScriptStep = {
  readonly expect?: ((messages: readonly BaseMessage[], toolNames: readonly string[]) => void) | undefined;
  /** Tokens reported; default 10 in, 5 out. Cached input is part of the input. Null: the reply reports none. */
  readonly usage?:
    | { readonly input: number; readonly output: number; readonly cached?: number | undefined }
    | null
    | undefined;
} & (
  | { readonly text: string }
  | {
      readonly calls: readonly {
        readonly tool: string;
        readonly args: Readonly<Record<string, unknown>>;
        readonly id?: string;
      }[];
      readonly say?: string | undefined;
    }
  | { readonly fail: Error }
  /** Never answers: only an abort ends it. */
  | { readonly hang: true }
);

interface ScriptedCallOptions extends BaseChatModelCallOptions {
  toolNames?: readonly string[];
}

/**
 * A LangChain chat model that plays a script. A call beyond the script fails the test by an error;
 * `assertUsed` fails when steps are left.
 */
export class ScriptedModel extends BaseChatModel<ScriptedCallOptions> {
  readonly #steps: readonly ScriptStep[];
  #at = 0;
  #problem: unknown;

  constructor(steps: readonly ScriptStep[]) {
    super({});
    this.#steps = steps;
  }

  override _llmType(): string {
    return 'scripted';
  }

  /** This model under a name, as crews take it; `given` says more of it, as a longest answer for budgets. */
  named(name: string, given: Partial<Omit<CrewModel, 'name' | 'source' | 'chat'>> = {}): CrewModel {
    return { ...given, name, source: 'llm', chat: this };
  }

  /** Turns taken so far. */
  get used(): number {
    return this.#at;
  }

  /** Throws what went against the script, even if a crew got over it; and when steps are left that nobody asked for. */
  assertUsed(): void {
    if (this.#problem !== undefined) throw this.#problem;
    const left = this.#steps.length - this.#at;
    if (left > 0) throw new Error(`the script has ${left} steps that were not used`);
  }

  #broke(error: unknown): unknown {
    this.#problem ??= error;
    return error;
  }

  override bindTools(tools: BindToolsInput[]): Runnable<BaseLanguageModelInput, AIMessageChunk, ScriptedCallOptions> {
    return this.withConfig({ toolNames: tools.map(toolName) });
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const at = this.#at++;
    const step = this.#steps[at];
    if (step === undefined)
      throw this.#broke(new Error(`the script has ${this.#steps.length} steps and was asked for one more`));
    try {
      step.expect?.(messages, options.toolNames ?? []);
    } catch (error) {
      throw this.#broke(error);
    }
    if ('fail' in step) throw step.fail;
    if ('hang' in step) await untilAborted(options.signal);
    const { usage = { input: 10, output: 5 } } = step;
    const message =
      'calls' in step
        ? new AIMessage({
            content: step.say ?? '',
            tool_calls: step.calls.map((c, i) => ({
              id: c.id ?? `call_${at}_${i}`,
              name: c.tool,
              args: { ...c.args },
              type: 'tool_call' as const,
            })),
          })
        : new AIMessage({ content: 'text' in step ? step.text : '' });
    if (usage !== null) {
      const { input, output, cached = 0 } = usage;
      withTokens(message, { input_tokens: input, output_tokens: output, cached_tokens: cached });
    }
    return { generations: [{ text: message.text, message }] };
  }
}

function toolName(tool: BindToolsInput): string {
  const named: unknown = 'function' in tool ? tool.function : tool;
  return typeof named === 'object' && named !== null && 'name' in named ? String(named.name) : 'unnamed';
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal?.reason as Error);
    if (signal?.aborted === true) fail();
    else signal?.addEventListener('abort', fail, { once: true });
  });
}
