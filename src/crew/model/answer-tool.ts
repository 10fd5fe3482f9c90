import { AIMessage } from '@langchain/core/messages';
import type { CrewModel, ToolSchema } from './model.ts';
import { withTokensOf } from './tokens.ts';

/** The tool by which a model gives an answer in a form. */
const ANSWER_TOOL = 'give_answer';

/**
 * The tool for answers of a schema, for models that are not held to it in another way: those without an option of
 * their own, and all while they have tools. Undefined when there is no need, or the schema is not of an object.
 */
export function answerTool(
  model: CrewModel,
  request: { readonly tools: readonly ToolSchema[]; readonly schema?: Readonly<Record<string, unknown>> | undefined },
): ToolSchema | undefined {
  const { tools, schema } = request;
  if (schema === undefined || model.source === 'playbook' || schema['type'] !== 'object') return undefined;
  if (tools.length === 0 && model.structured !== undefined) return undefined;
  return {
    type: 'function',
    function: {
      name: ANSWER_TOOL,
      description: 'Gives the final answer. Call it once, alone, when you are done.',
      parameters: schema,
    },
  };
}

/**
 * The reply with an answer that came as a call turned into text, so that nobody behind it needs to know. Calls beside
 * it come first: the answer was given before their results were seen, so it is dropped.
 */
export function answerAsText(reply: AIMessage): AIMessage {
  const valid = reply.tool_calls ?? [];
  const invalid = reply.invalid_tool_calls ?? [];
  const isAnswer = ({ name }: { readonly name?: string | undefined }): boolean => name === ANSWER_TOOL;
  if (![...valid, ...invalid].some(isAnswer)) return reply;
  const others = valid.filter((call) => !isAnswer(call));
  const broken = invalid.filter((call) => !isAnswer(call));
  const given = valid.find(isAnswer);
  const alone = others.length === 0 && broken.length === 0;
  // Arguments that are not JSON as they stand are what the reader of answers repairs.
  const text = given === undefined ? (invalid.find(isAnswer)?.args ?? '') : JSON.stringify(given.args);
  const message = new AIMessage({
    content: alone ? text : reply.text,
    tool_calls: others,
    invalid_tool_calls: broken,
    response_metadata: reply.response_metadata,
  });
  return withTokensOf(message, reply);
}
