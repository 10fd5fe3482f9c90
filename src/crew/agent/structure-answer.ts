import { ModelsFailed } from '../model/chain.ts';
import type { ModelUsage } from '../model/usage.ts';
import { type ParsedAnswer, parseAnswer } from './answer.ts';
import { askAside } from './ask.ts';
import type { TaskRun } from './task-run.ts';

/** Task id under which a playbook brings an answer into its schema. */
const STRUCTURE_TASK = 'structure_answer';

/**
 * A pass that does nothing but bring a text into a schema: for models that answer well and cannot keep a form. It sees
 * the answer alone, so it cannot add what the agent did not say.
 */
export async function structure(
  run: TaskRun,
  raw: string,
  schema: Readonly<Record<string, unknown>>,
): Promise<{ readonly answer: ParsedAnswer; readonly usage: readonly ModelUsage[] }> {
  try {
    const reply = await askAside(run.scope, run.agent, run.chain, {
      purpose: STRUCTURE_TASK,
      task: run.task.id,
      system:
        'You bring a text into a JSON form. Take every value from the text; leave out, or set to null, what the text ' +
        'does not say. Reply with the JSON value alone.',
      prompt: `# JSON Schema\n${JSON.stringify(schema)}\n\n# Text\n${raw}`,
      inputs: { text: raw, schema },
      signal: run.signal,
      via: run.via,
      schema,
    });
    return { answer: parseAnswer(reply.message.text, schema), usage: reply.usage };
  } catch (error) {
    if (!(error instanceof ModelsFailed)) throw error;
    return { answer: { ok: false, problem: error.message }, usage: error.usage };
  }
}
