import { soloCrewId } from '../../crew/run/solo.ts';
import type { CallOptions, Desk, FlowDocument, RunDocument, ToolRow } from '../desk.ts';
import { askFor, keptRun, type McpClient, takeAnswers } from './asking.ts';
import { asObject, requireText, structured } from './arguments.ts';
import type { McpCallContext, McpInputNeeded, McpTool, McpToolResult } from './surface.ts';

/** Toolset under which flows and single agents are listed in full. */
export const RUN_TOOLSET = 'crews';

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
  const client: McpClient = { desk, role };
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

function runCrew(client: McpClient, crews: readonly string[]): McpTool {
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

function runAgent(client: McpClient, agents: readonly { readonly id: string; readonly role: string }[]): McpTool {
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

function runFlow(client: McpClient, flows: readonly { readonly id: string; readonly description: string }[]): McpTool {
  const { desk, role } = client;
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
      const flow = requireText(args, 'flow');
      const begin = (): Promise<FlowDocument> =>
        desk.runFlow(
          { flow, inputs: asObject('inputs', args['inputs']), shadow: shadowOf(args), caller: 'mcp', role },
          callOptions(context),
        );
      const goOn = (run: string): Promise<FlowDocument> =>
        desk.runFlow({ flow, resume: { run, answers: {} }, caller: 'mcp', role }, callOptions(context));
      return inRounds(client, context, { begin, goOn });
    },
  };
}

function kickoff(
  client: McpClient,
  what: { readonly crew: string; readonly inputs: Readonly<Record<string, unknown>> | undefined },
  args: Readonly<Record<string, unknown>>,
  context: McpCallContext,
): Promise<McpToolResult | McpInputNeeded> {
  const { desk, role } = client;
  return inRounds(client, context, {
    begin: () =>
      desk.kickoff({ ...what, shadow: shadowOf(args), trigger: 'mcp', caller: 'mcp', role }, callOptions(context)),
    goOn: (run) => desk.resumeRun({ run }, callOptions(context)),
  });
}

/** Runs something, and round by round asks the person at the client what it waits for, as long as they answer. */
async function inRounds(
  client: McpClient,
  context: McpCallContext,
  run: {
    readonly begin: () => Promise<RunDocument | FlowDocument>;
    readonly goOn: (id: string) => Promise<RunDocument | FlowDocument>;
  },
): Promise<McpToolResult | McpInputNeeded> {
  const kept = keptRun(context);
  const { said, problems } =
    kept === undefined ? { said: true, problems: {} } : await takeAnswers(client, kept, context, callOptions(context));
  const document = kept === undefined ? await run.begin() : await run.goOn(kept);
  const needed = said ? await askFor(client, document, context, problems) : undefined;
  if (needed !== undefined) return needed;
  return { ...structured({ ...document }, JSON.stringify(document)), isError: document.status === 'failed' };
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
