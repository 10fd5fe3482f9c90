import type { BaseChatModelCallOptions, BindToolsInput } from '@langchain/core/language_models/chat_models';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base';
import { AIMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import type { Runnable } from '@langchain/core/runnables';
import { BUILT_IN } from './manage-policy.ts';
import { NotFound } from '../../kit/errors.ts';
import type { Playbook, PlaybookContext, PlaybookStep } from '../playbook.ts';

export interface PlaybookModelCallOptions extends BaseChatModelCallOptions {
  playbookContext?: PlaybookContext;
}

/**
 * A chat model with no network: it follows the crew's playbook. What it knows comes as the call option
 * `playbookContext`; it answers with tool calls (their reasons under `additional_kwargs.reasons`, by call id)
 * or with the final answer: a text as it is, anything else as JSON. It uses no tokens.
 * Throws NotFound when the playbook has no policy for the task.
 */
export class PlaybookModel extends BaseChatModel<PlaybookModelCallOptions> {
  readonly #playbook: Playbook;

  constructor(playbook: Playbook) {
    super({});
    this.#playbook = playbook;
  }

  override _llmType(): string {
    return 'playbook';
  }

  override bindTools(
    tools: BindToolsInput[],
    kwargs?: Partial<PlaybookModelCallOptions>,
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, PlaybookModelCallOptions> {
    return this.withConfig({ ...kwargs, metadata: { tools: tools.length } });
  }

  override _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const { playbookContext } = options;
    if (playbookContext === undefined) {
      return Promise.reject(new NotFound('the playbook model was called without a task: it only works inside a crew'));
    }
    const { id } = playbookContext.task;
    const policy = this.#playbook.policies[id] ?? BUILT_IN[id];
    if (policy === undefined) {
      return Promise.reject(new NotFound(`the playbook has no policy for task ${id}`));
    }
    const message = stepMessage(policy(playbookContext), playbookContext, messages.length);
    return Promise.resolve({ generations: [{ text: message.text, message }] });
  }
}

function stepMessage(step: PlaybookStep, context: PlaybookContext, position: number): AIMessage {
  if ('answer' in step) {
    const { answer } = step;
    return new AIMessage({ content: typeof answer === 'string' ? answer : JSON.stringify(answer ?? null) });
  }
  const calls = step.calls.map((call, i) => ({
    id: `playbook_${context.task.id}_${position}_${i}`,
    name: call.tool,
    args: { ...call.args },
    type: 'tool_call' as const,
  }));
  return new AIMessage({
    content: '',
    tool_calls: calls,
    additional_kwargs: { reasons: Object.fromEntries(calls.map((c, i) => [c.id, step.calls[i]?.reason ?? ''])) },
  });
}
