// @openai/agents with a model of its own interface; its tracing is off, as it would send the runs to OpenAI.
import { Agent, run as runAgent, setTracingDisabled, tool, Usage } from '@openai/agents';
import { z } from 'zod';

export function open() {
  setTracingDisabled(true);
  let turns = 1;
  let looked = 0;
  const model = {
    async getResponse({ input }) {
      const asked = input.filter(({ type }) => type === 'function_call').length;
      const call = {
        type: 'function_call',
        callId: `call_${asked}`,
        name: 'look',
        status: 'completed',
        arguments: JSON.stringify({ i: asked }),
      };
      const answer = {
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'done' }],
      };
      const usage = new Usage({ requests: 1, inputTokens: 10, outputTokens: 5, totalTokens: 15 });
      return { usage, output: [asked < turns ? call : answer] };
    },
    getStreamedResponse() {
      throw new Error('not asked for');
    },
  };
  const look = tool({
    name: 'look',
    description: 'Looks at one of the things that there are.',
    parameters: z.object({ i: z.number().int().describe('Which one') }),
    execute: ({ i }) => ({ n: i + looked++ }),
  });
  const define = (i) => new Agent({ name: `ana_${i}`, instructions: 'You are ana.', model, tools: [look] });
  const agent = define(0);
  const run = async (times) => {
    turns = times;
    const before = looked;
    const { finalOutput } = await runAgent(agent, 'Do it.', { maxTurns: 10_000 });
    if (finalOutput !== 'done') throw new Error(`answered ${finalOutput}`);
    return looked - before;
  };
  return { define, run, steps: {} };
}
