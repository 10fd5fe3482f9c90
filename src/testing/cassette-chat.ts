import type { BaseLanguageModelInput } from '@langchain/core/language_models/base';
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from '@langchain/core/language_models/chat_models';
import { AIMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import type { Runnable } from '@langchain/core/runnables';
import type { CrewModel, ToolSchema } from '../crew/model/model.ts';
import { Unavailable } from '../kit/errors.ts';

/** What a model is asked, as the file has it. */
export interface CassetteRequest {
  readonly messages: readonly BaseMessage[];
  readonly tools: readonly ToolSchema[];
  /** Call options that shape the answer, as `response_format`. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What keeps the answers. */
interface Answers {
  answer(model: CrewModel, asked: CassetteRequest, ask: () => Promise<AIMessage>): Promise<AIMessage>;
}

interface CassetteCallOptions extends BaseChatModelCallOptions {
  readonly bound?: readonly BindToolsInput[];
}

/** Options that shape an answer, and so belong to what was asked. */
const SHAPING = ['response_format', 'format'];

/** A chat model between a crew and a model of its own, whose answers a cassette keeps. */
export class CassetteChat extends BaseChatModel<CassetteCallOptions> {
  readonly #model: CrewModel;
  readonly #answers: Answers;

  constructor(model: CrewModel, answers: Answers) {
    super({});
    this.#model = model;
    this.#answers = answers;
  }

  override _llmType(): string {
    return 'cassette';
  }

  override bindTools(tools: BindToolsInput[]): Runnable<BaseLanguageModelInput, AIMessageChunk, CassetteCallOptions> {
    return this.withConfig({ bound: tools });
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const { bound = [], signal } = options;
    const shaping = Object.fromEntries(Object.entries(options).filter(([name]) => SHAPING.includes(name)));
    const { chat } = this.#model;
    const ask = async (): Promise<AIMessage> => {
      const model = bound.length === 0 ? chat : (chat.bindTools?.([...bound]) ?? chat);
      const reply: unknown = await model.invoke(messages, {
        ...shaping,
        callbacks: [],
        ...(signal === undefined ? {} : { signal }),
      });
      if (!AIMessage.isInstance(reply)) throw new Unavailable(`model ${this.#model.name} gave no chat message`);
      return reply;
    };
    const asked = { messages, tools: bound.filter(isSchema), options: shaping };
    const message = await this.#answers.answer(this.#model, asked, ask);
    return { generations: [{ text: message.text, message }] };
  }
}

function isSchema(tool: BindToolsInput): tool is ToolSchema & BindToolsInput {
  return 'type' in tool && tool.type === 'function' && 'function' in tool;
}
