import { soloCrewId } from '../../crew/run/solo.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { CallOptions, Desk, RunDocument, ToolRow } from '../desk.ts';
import { asObject, requireText, structured } from './arguments.ts';
import type { McpCallContext, McpInputNeeded, McpTool, McpToolResult } from './surface.ts';

/** Toolset under which flows and single agents are listed in full. */
export const RUN_TOOLSET = 'crews';

/** Characters of an answer that a person is shown in a form. */
const REVIEWED = 3000;

/** Whose tools they are. */
interface Client {
  readonly desk: Desk;
  readonly role: string | undefined;
}

/** Crews, flows and single agents as tools. A client whose role may not act has them propose only. */
export interface RunTools {
  /** Always listed. */
  readonly crew: McpTool;
  /** Listed with their toolset; found and called through the small set otherwise. */
  readonly others: readonly McpTool[];
  /** The others as rows to search. */
  readonly rows: readonly ToolRow[];
  find(name: unknown): McpTool | undefined;
}

/** `role` is that of the client; undefined: the desk's `mcp.role`. */
export async function createRunTools(desk: Desk, role?: string): Promise<RunTools> {
  const client: Client = { desk, role };
  const [crews, flows, agents] = await Promise.all([desk.crews(), desk.flows(), desk.agents()]);
  const others: McpTool[] = [];
  if (flows.length > 0) others.push(runFlow(client, flows));
  if (agents.length > 0) others.push(runAgent(client, agents));
  return {
    crew: runCrew(
      client,
      crews.map((crew) => crew.id),
    ),
    others,
    rows: others.map(rowOf),
    find: (name) => others.find((tool) => tool.name === name),
  };
}

const described = (type: string, description: string): Record<string, unknown> => ({ type, description });
const SHADOW = described('boolean', 'Propose only; change nothing');

function runCrew(client: Client, crews: readonly string[]): McpTool {
  return {
    name: 'run_crew',
    description: 'Runs a crew of agents once and gives its report.',
    inputSchema: {
      type: 'object',
      properties: {
        crew: { type: 'string', enum: crews, description: 'Which crew' },
        inputs: described('object', 'Values for placeholders of its tasks'),
        shadow: SHADOW,
      },
      required: ['crew'],
    },
    call: (args, context) =>
      kickoff(client, { crew: requireText(args, 'crew'), inputs: asObject('inputs', args['inputs']) }, args, context),
  };
}

function runAgent(client: Client, agents: readonly { readonly id: string; readonly role: string }[]): McpTool {
  const who = agents.map(({ id, role }) => `${id} (${role})`).join(', ');
  return {
    name: 'run_agent',
    title: 'Ask one agent',
    description: `Asks one agent alone, with its own tools and role, and gives its answer. Agents: ${who}.`,
    inputSchema: {
      type: 'object',
      properties: {
        agent: { type: 'string', enum: agents.map((agent) => agent.id), description: 'Which agent' },
        prompt: described('string', 'What it shall do or answer'),
        expected_output: described('string', 'What the answer must hold'),
        shadow: SHADOW,
      },
      required: ['agent', 'prompt'],
    },
    call(args, context) {
      const { expected_output } = args;
      const inputs = {
        prompt: requireText(args, 'prompt'),
        ...(typeof expected_output === 'string' ? { expected_output } : {}),
      };
      return kickoff(client, { crew: soloCrewId(requireText(args, 'agent')), inputs }, args, context);
    },
  };
}

function runFlow(
  { desk, role }: Client,
  flows: readonly { readonly id: string; readonly description: string }[],
): McpTool {
  const which = flows.map(({ id, description }) => `${id}: ${description}`).join(' ');
  return {
    name: 'run_flow',
    title: 'Run a flow',
    description: `Runs a flow, its steps in their order, and gives its state and output. Flows: ${which}`,
    inputSchema: {
      type: 'object',
      properties: {
        flow: { type: 'string', enum: flows.map((flow) => flow.id), description: 'Which flow' },
        inputs: described('object', 'Values of its state at the start'),
        shadow: SHADOW,
      },
      required: ['flow'],
    },
    async call(args, context) {
      const document = await desk.runFlow(
        {
          flow: requireText(args, 'flow'),
          inputs: asObject('inputs', args['inputs']),
          shadow: shadowOf(args),
          caller: 'mcp',
          role,
        },
        callOptions(context),
      );
      return { ...structured({ ...document }, JSON.stringify(document)), isError: document.status === 'failed' };
    },
  };
}

async function kickoff(
  { desk, role }: Client,
  what: { readonly crew: string; readonly inputs: Readonly<Record<string, unknown>> | undefined },
  args: Readonly<Record<string, unknown>>,
  context: McpCallContext,
): Promise<McpToolResult | McpInputNeeded> {
  const run = keptRun(context);
  const document =
    run === undefined
      ? await desk.kickoff(
          { ...what, shadow: shadowOf(args), trigger: 'mcp', caller: 'mcp', role },
          callOptions(context),
        )
      : await answered(desk, run, context);
  const needed = run === undefined || anyAnswer(context) ? questionsOf(document, context) : undefined;
  if (needed !== undefined) return needed;
  return { ...structured({ ...document }, JSON.stringify(document)), isError: document.status === 'failed' };
}

/** The run of the round before: sealed, so it is what `questionsOf` gave. */
function keptRun({ state }: McpCallContext): string | undefined {
  const { run } = Object(state) as { readonly run?: unknown };
  return typeof run === 'string' ? run : undefined;
}

/**
 * The reviews that a run waits for, as forms for the person at the client; undefined when it waits for none, or the
 * client cannot ask. Approvals of calls are not asked for here: their answer needs a name and a role.
 */
function questionsOf(document: RunDocument, { client }: McpCallContext): McpInputNeeded | undefined {
  const reviews = document.waiting_for.filter((pause) => pause.kind === 'human_input');
  if (document.status !== 'waiting' || reviews.length === 0 || !client.form) return undefined;
  const schema = {
    type: 'object',
    properties: {
      decision: { type: 'string', enum: ['accept', 'change'], description: 'accept: it is good as it is' },
      feedback: { type: 'string', description: 'What to change, when it is not', maxLength: 4000 },
    },
    required: ['decision'],
  };
  const ask = Object.fromEntries(
    reviews.map(({ task, agent, details }) => {
      const shown = JSON.stringify(details, null, 1);
      const message = `${agent ?? 'The crew'} asks for a review of ${task}:\n${shown.slice(0, REVIEWED)}`;
      return [task, { kind: 'form' as const, message, schema }];
    }),
  );
  return { ask, state: { run: document.run_id } };
}

function anyAnswer({ answers }: McpCallContext): boolean {
  return Object.values(answers).some((answer) => answer.kind === 'form' && answer.action === 'accept');
}

/** Goes on with what the person answered; what they declined stays open. */
async function answered(desk: Desk, run: string, context: McpCallContext): Promise<RunDocument> {
  const answers: Record<string, unknown> = {};
  for (const [task, answer] of Object.entries(context.answers)) {
    if (answer.kind !== 'form' || answer.action !== 'accept') continue;
    const { decision, feedback } = answer.content ?? {};
    if (decision === 'accept') answers[task] = { accept: true };
    else if (decision === 'change' && typeof feedback === 'string') answers[task] = { feedback };
    else throw new InvalidInput(`a review of ${task} is accept, or change with feedback`);
  }
  if (Object.keys(answers).length === 0) return desk.run(run);
  return desk.resumeRun({ run, answers, by: 'mcp client' }, callOptions(context));
}

function shadowOf(args: Readonly<Record<string, unknown>>): boolean | undefined {
  return args['shadow'] === undefined ? undefined : args['shadow'] === true;
}

function callOptions(context: McpCallContext): CallOptions {
  return { signal: context.signal, onProgress: (fraction, message) => void context.progress(fraction, 1, message) };
}

function rowOf({ name, title = name, description }: McpTool): ToolRow {
  return {
    id: name,
    name,
    aliases: [],
    title,
    toolset: RUN_TOOLSET,
    category: 'composite_intelligence',
    access: 'READ_ONLY',
    effects: 'effect',
    description,
  };
}
