// KaibanJS: a team of one task. Its agents ask for tools in JSON text (ReAct), so the model writes that.
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage } from '@langchain/core/messages';
import { DynamicStructuredTool } from '@langchain/core/tools';
import { Agent, Task, Team } from 'kaibanjs';
import { z } from 'zod';

let turns = 1;

class LookingModel extends BaseChatModel {
  constructor() {
    super({});
  }

  _llmType() {
    return 'looking';
  }

  async _generate(messages) {
    const asked = messages.filter((message) => message.getType() === 'ai').length;
    const text = JSON.stringify(
      asked < turns ? { thought: 'Look.', action: 'look', actionInput: { i: asked } } : { finalAnswer: 'done' },
    );
    const message = new AIMessage({
      content: text,
      usage_metadata: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    });
    return { generations: [{ text, message }] };
  }
}

export function open() {
  let looked = 0;
  const look = new DynamicStructuredTool({
    name: 'look',
    description: 'Looks at one of the things that there are.',
    schema: z.object({ i: z.number().int().describe('Which one') }),
    func: async ({ i }) => JSON.stringify({ n: i + looked++ }),
  });
  const llmInstance = new LookingModel();
  const define = (i) =>
    new Agent({
      name: `ana_${i}`,
      role: 'Looks',
      goal: 'Look at what there is',
      background: 'You are ana.',
      tools: [look],
      llmInstance,
      maxIterations: 10_000,
    });
  const run = async (times) => {
    turns = times;
    const before = looked;
    // A team keeps the state of its run: each run needs one of its own.
    const agent = define(0);
    const task = new Task({ title: 'do', description: 'Do it.', expectedOutput: 'A word.', agent });
    const { status, result } = await new Team({
      name: 'bench',
      agents: [agent],
      tasks: [task],
      logLevel: 'error',
    }).start();
    if (status !== 'FINISHED' || result !== 'done') throw new Error(`${status}: ${String(result)}`);
    return looked - before;
  };
  return { define, run, steps: {} };
}
