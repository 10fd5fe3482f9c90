import type {
  McpAnswer,
  McpCallContext,
  McpInputNeeded,
  McpPrompt,
  McpQuestion,
  McpTool,
  McpToolResult,
} from '../../../src/serve/mcp/surface.ts';

/** The tools that the protocol's conformance suite has ask the client's person, model or folders. */
const nothing = { type: 'object', properties: {} };

const said = (text: string): McpToolResult => ({ content: [{ type: 'text', text }] });

const fields = (properties: Record<string, unknown>): Readonly<Record<string, unknown>> => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});

const question = (message: string, field: string, type = 'string'): McpQuestion => ({
  kind: 'form',
  message,
  schema: fields({ [field]: { type } }),
});

const capital: McpQuestion = { kind: 'model', prompt: 'What is the capital of France?', maxTokens: 100 };

/** The text that a person filled in; undefined when the answer is missing, refused or of another kind. */
function filled(answer: McpAnswer | undefined, field: string): string | undefined {
  const value = answer?.kind === 'form' && answer.action === 'accept' ? answer.content?.[field] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function confirmed(answer: McpAnswer | undefined): boolean {
  return answer?.kind === 'form' && answer.action === 'accept' && answer.content?.['ok'] === true;
}

const textOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

function tool(
  name: string,
  call: (context: McpCallContext, args: Readonly<Record<string, unknown>>) => McpToolResult | McpInputNeeded,
): McpTool {
  return {
    name,
    description: 'Asks the client.',
    inputSchema: nothing,
    call: (args, context) => Promise.resolve(call(context, args)),
  };
}

/** A tool that asks for a form and says what came back, whatever it is. */
export function form(name: string, schema: Readonly<Record<string, unknown>>): McpTool {
  return tool(name, ({ answers: { form: answer } }, args) =>
    answer?.kind === 'form'
      ? said(`User response: action: ${answer.action}, content: ${JSON.stringify(answer.content)}`)
      : { ask: { form: { kind: 'form', message: textOf(args['message'], 'Please fill in'), schema } } },
  );
}

export const askingTools: readonly McpTool[] = [
  {
    ...tool('test_sampling', ({ answers: { model: answer } }, args) =>
      answer?.kind === 'model'
        ? said(`LLM response: ${answer.text}`)
        : { ask: { model: { kind: 'model', prompt: textOf(args['prompt'], ''), maxTokens: 100 } } },
    ),
    inputSchema: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
  },
  {
    ...form('test_elicitation', {
      type: 'object',
      properties: {
        username: { type: 'string', description: "User's response" },
        email: { type: 'string', description: "User's email address" },
      },
      required: ['username', 'email'],
    }),
    inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
  },
  form('test_streaming_elicitation', fields({ name: { type: 'string' } })),
  tool('test_missing_capability', () => ({ ask: { model: capital } })),
  tool('test_input_required_result_elicitation', ({ answers }) => {
    const name = filled(answers['user_name'], 'name');
    return name === undefined
      ? { ask: { user_name: question('What is your name?', 'name') } }
      : said(`Hello, ${name}!`);
  }),
  tool('test_input_required_result_sampling', ({ answers: { capital_question: answer } }) =>
    answer?.kind === 'model' ? said(answer.text) : { ask: { capital_question: capital } },
  ),
  tool('test_input_required_result_list_roots', ({ answers: { client_roots: answer } }) =>
    answer?.kind === 'roots' ? said(answer.uris.join(', ')) : { ask: { client_roots: { kind: 'roots' } } },
  ),
  ...['test_input_required_result_request_state', 'test_input_required_result_tampered_state'].map((name) =>
    tool(name, ({ answers, state }) =>
      confirmed(answers['confirm']) && state === 'asked'
        ? said('state-ok')
        : { ask: { confirm: question('Please confirm', 'ok', 'boolean') }, state: 'asked' },
    ),
  ),
  tool('test_input_required_result_multiple_inputs', ({ answers, state }) => {
    const { user_name: name, greeting, client_roots: roots } = answers;
    return state === 'asked' && greeting?.kind === 'model' && roots?.kind === 'roots'
      ? said(`${greeting.text} ${filled(name, 'name') ?? 'nobody'} of ${roots.uris.join(', ')}`)
      : {
          ask: {
            user_name: question('What is your name?', 'name'),
            greeting: { kind: 'model', prompt: 'Generate a greeting', maxTokens: 50 },
            client_roots: { kind: 'roots' },
          },
          state: 'asked',
        };
  }),
  tool('test_input_required_result_multi_round', ({ answers, state }) => {
    const name = filled(answers['step1'], 'name');
    const color = filled(answers['step2'], 'color');
    const known = (state as { readonly name?: string } | undefined)?.name;
    if (known !== undefined && color !== undefined) return said(`${known} likes ${color}`);
    if (name !== undefined)
      return { ask: { step2: question('Step 2: What is your favorite color?', 'color') }, state: { name } };
    return { ask: { step1: question('Step 1: What is your name?', 'name') }, state: {} };
  }),
  tool('test_input_required_result_capabilities', ({ client }) => ({
    ask: {
      ...(client.model ? { capital } : {}),
      ...(client.form ? { name: question('What is your name?', 'name') } : {}),
    },
  })),
];

export const askingPrompt: McpPrompt = {
  name: 'test_input_required_result_prompt',
  description: 'A prompt that asks first',
  get(_args, { answers }) {
    const context = filled(answers['user_context'], 'context');
    return Promise.resolve(
      context === undefined
        ? { ask: { user_context: question('What context should the prompt use?', 'context') } }
        : [{ role: 'user' as const, content: { type: 'text' as const, text: `Use this context: ${context}` } }],
    );
  },
};
