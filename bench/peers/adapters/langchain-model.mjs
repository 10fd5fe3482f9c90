// A LangChain chat model without a network: asks for the tool `look` so many times, then answers.
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage } from '@langchain/core/messages';

const USAGE = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };

export class LookingModel extends BaseChatModel {
  /** Calls of the tool before it answers. */
  turns = 1;

  constructor() {
    super({});
  }

  _llmType() {
    return 'looking';
  }

  bindTools() {
    return this;
  }

  async _generate(messages) {
    const asked = messages.filter((message) => message.getType() === 'ai').length;
    const call = { id: `call_${asked}`, name: 'look', args: { i: asked }, type: 'tool_call' };
    const message = new AIMessage({
      content: asked < this.turns ? '' : 'done',
      tool_calls: asked < this.turns ? [call] : [],
      usage_metadata: USAGE,
    });
    return { generations: [{ text: message.text, message }] };
  }
}
