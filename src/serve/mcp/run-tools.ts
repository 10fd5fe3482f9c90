import { soloCrewId } from '../../crew/run/solo.ts';
import type { CallOptions, Desk, ToolRow } from '../desk.ts';
import { asObject, requireText, structured } from './arguments.ts';
import type { McpCallContext, McpTool, McpToolResult } from './surface.ts';

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

export async function createRunTools(desk: Desk): Promise<RunTools> {
  const [crews, flows, agents] = await Promise.all([desk.crews(), desk.flows(), desk.agents()]);
  const others: McpTool[] = [];
  if (flows.length > 0) others.push(runFlow(desk, flows));
  if (agents.length > 0) others.push(runAgent(desk, agents));
  return {
    crew: runCrew(
      desk,
      crews.map((crew) => crew.id),
    ),
    others,
    rows: others.map(rowOf),
    find: (name) => others.find((tool) => tool.name === name),
  };
}

const described = (type: string, description: string): Record<string, unknown> => ({ type, description });
const SHADOW = described('boolean', 'Propose only; change nothing');

function runCrew(desk: Desk, crews: readonly string[]): McpTool {
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
      kickoff(desk, { crew: requireText(args, 'crew'), inputs: asObject('inputs', args['inputs']) }, args, context),
  };
}

function runAgent(desk: Desk, agents: readonly { readonly id: string; readonly role: string }[]): McpTool {
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
      return kickoff(desk, { crew: soloCrewId(requireText(args, 'agent')), inputs }, args, context);
    },
  };
}

function runFlow(desk: Desk, flows: readonly { readonly id: string; readonly description: string }[]): McpTool {
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
        },
        callOptions(context),
      );
      return { ...structured({ ...document }, JSON.stringify(document)), isError: document.status === 'failed' };
    },
  };
}

async function kickoff(
  desk: Desk,
  what: { readonly crew: string; readonly inputs: Readonly<Record<string, unknown>> | undefined },
  args: Readonly<Record<string, unknown>>,
  context: McpCallContext,
): Promise<McpToolResult> {
  const document = await desk.kickoff(
    { ...what, shadow: shadowOf(args), trigger: 'mcp', caller: 'mcp' },
    callOptions(context),
  );
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
