import type { Clock } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { ToolOutcome } from '../../kit/invoke.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { Desk, ToolDetail } from '../desk.ts';
import { systemClock } from '../../infra/clock.ts';
import { createToolSearch } from '../tool-search.ts';
import { deskChanges } from './desk-changes.ts';
import { asObject, requireText, structured } from './arguments.ts';
import { answersToCall, askForCall } from './asking-call.ts';
import { createRunTools, RUN_TOOLSET, type RunTools } from './run-tools.ts';
import type {
  McpCallContext,
  McpInputNeeded,
  McpPrompt,
  McpResource,
  McpResourceContent,
  McpSurface,
  McpTool,
  McpToolResult,
} from './surface.ts';
import { outcomeText, type TextForm } from './text.ts';

export interface DeskSurfaceOptions {
  readonly version: string;
  /** Toolsets listed in full; `all` for every one; none: the small set that finds and calls the others. */
  readonly toolsets?: readonly string[] | undefined;
  readonly text?: TextForm | undefined;
  /** Role of the client; default: `mcp.role` of the desk. */
  readonly role?: string | undefined;
  readonly clock?: Clock | undefined;
}

const SEARCH_LIMIT = 5;

/** How results are written, and as whom tools are called. */
interface Form {
  readonly text: TextForm;
  readonly role: string | undefined;
}

/** A desk as an MCP server: its tools (all through the pipeline), crews, tables, events and runs. */
export async function createDeskSurface(desk: Desk, options: DeskSurfaceOptions): Promise<McpSurface> {
  const form: Form = { text: options.text ?? 'xml', role: options.role };
  const running = await createRunTools(desk, options.role);
  const small = await smallSet(desk, form, running);
  const full = await fullTools(desk, options.toolsets ?? [], form, running);
  const tools = [...small, ...full];
  return {
    name: 'orderflow-crew',
    version: options.version,
    instructions:
      'A crypto market-data desk. Use search_tools to find a tool, describe_tool for its input, call_tool to call it. Every result says where it comes from and whether it is complete.',
    tools: () => Promise.resolve(tools),
    ...deskResources(desk),
    prompts: () => crewPrompts(desk),
    complete: (request) => complete(desk, request),
    changes: deskChanges(desk, options.clock ?? systemClock),
  };
}

async function smallSet(desk: Desk, form: Form, running: RunTools): Promise<readonly McpTool[]> {
  const rows = [...(await desk.tools()), ...running.rows];
  const search = createToolSearch(rows);
  const text = (type: string, description: string): Record<string, unknown> => ({ type, description });
  return [
    {
      name: 'search_tools',
      description: `Finds the desk's tools (${rows.length}) for a task.`,
      inputSchema: {
        type: 'object',
        properties: { query: text('string', 'What you want to do, in a few words') },
        required: ['query'],
      },
      annotations: { readOnlyHint: true },
      call: (args) => {
        const found = search
          .find(requireText(args, 'query'), SEARCH_LIMIT)
          .map(({ name, title, description, effects }) => ({ name, title, description, effects }));
        return Promise.resolve(structured({ tools: found }, JSON.stringify(found)));
      },
    },
    {
      name: 'describe_tool',
      description: 'Input and output schema of a tool, with examples.',
      inputSchema: { type: 'object', properties: { name: text('string', 'Name of the tool') }, required: ['name'] },
      annotations: { readOnlyHint: true },
      call: async (args) => {
        const run = running.find(args['name']);
        if (run !== undefined) {
          const { name, description, inputSchema } = run;
          const detail = { name, description, effects: 'effect', input_schema: inputSchema, examples: [] };
          return structured(detail, JSON.stringify(detail));
        }
        const { name, description, effects, input_schema, output_schema, examples } = await desk.describeTool(
          requireText(args, 'name'),
        );
        const detail = { name, description, effects, input_schema, output_schema, examples };
        return structured(detail, JSON.stringify({ name, description, effects, input_schema, examples }));
      },
    },
    {
      name: 'call_tool',
      description: 'Calls a tool of the desk. Permissions, approvals and limits apply.',
      inputSchema: {
        type: 'object',
        properties: { name: text('string', 'Name of the tool'), arguments: text('object', 'As describe_tool says') },
        required: ['name'],
      },
      call: (args, context) => {
        const run = running.find(args['name']);
        if (run !== undefined) return run.call(asObject('arguments', args['arguments']) ?? {}, context);
        return call(desk, requireText(args, 'name'), args['arguments'] ?? {}, context, form);
      },
    },
    running.crew,
  ];
}

async function fullTools(
  desk: Desk,
  toolsets: readonly string[],
  form: Form,
  running: RunTools,
): Promise<readonly McpTool[]> {
  if (toolsets.length === 0) return [];
  const rows = await desk.tools();
  const known = [...new Set([...rows, ...running.rows].map((row) => row.toolset))];
  for (const name of toolsets) {
    if (name !== 'all' && !known.includes(name))
      throw new InvalidInput(
        `there is no toolset '${name}'${didYouMean(name, known)}; toolsets: ${known.join(', ')}, all`,
      );
  }
  const wanted = rows.filter((row) => toolsets.includes('all') || toolsets.includes(row.toolset));
  const own = await Promise.all(wanted.map(async (row) => asMcpTool(desk, await desk.describeTool(row.name), form)));
  return toolsets.includes('all') || toolsets.includes(RUN_TOOLSET) ? [...own, ...running.others] : own;
}

function asMcpTool(desk: Desk, detail: ToolDetail, form: Form): McpTool {
  return {
    name: detail.name,
    title: detail.title,
    description: detail.description,
    inputSchema: detail.input_schema,
    outputSchema: outcomeSchema(detail.output_schema),
    annotations: {
      readOnlyHint: detail.effects === 'none',
      destructiveHint: detail.effects === 'effect',
      openWorldHint: false,
    },
    call: (args, context) => call(desk, detail.name, args, context, form),
  };
}

/** What `structuredContent` holds: the data with its provenance, or the proposal of shadow mode. */
function outcomeSchema(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    type: 'object',
    properties: {
      data,
      provenance: {
        type: 'object',
        properties: {
          as_of: { type: ['string', 'null'] },
          source: { type: 'string' },
          complete: { type: 'boolean' },
          stale_ms: { type: ['number', 'null'] },
          notes: { type: 'array', items: { type: 'string' } },
        },
      },
      proposal: { type: 'object' },
    },
  };
}

async function call(
  desk: Desk,
  name: string,
  args: unknown,
  context: McpCallContext,
  form: Form,
): Promise<McpToolResult | McpInputNeeded> {
  const client = { desk, role: form.role };
  const options = {
    signal: context.signal,
    onProgress: (fraction: number, message?: string) => void context.progress(fraction, 1, message),
  };
  const { answers, declined } = await answersToCall(client, context, options);
  const outcome = await desk.callTool({ name, args, caller: 'mcp', role: form.role, answers }, options);
  const needed = outcome.ok || declined ? undefined : await askForCall(client, outcome.error, answers, context);
  return needed ?? toResult(outcome, form.text);
}

function toResult(outcome: ToolOutcome, form: TextForm): McpToolResult {
  const content = [{ type: 'text' as const, text: outcomeText(outcome, form) }];
  if (!outcome.ok) return { content, isError: true };
  if ('proposed' in outcome)
    return {
      content,
      structuredContent: { proposal: { id: outcome.proposal_id, would_change: outcome.would_change } },
    };
  return { content, structuredContent: { data: outcome.data, provenance: outcome.provenance } };
}

const EVENTS_SHOWN = 100;
const ROWS_SHOWN = 100;

function deskResources(desk: Desk): Pick<McpSurface, 'resources' | 'resourceTemplates' | 'read'> {
  const json = (uri: string, value: unknown): readonly McpResourceContent[] => [
    { uri, mimeType: 'application/json', text: JSON.stringify(value) },
  ];
  const fixed: readonly McpResource[] = [
    { uri: 'crew://status', name: 'status', title: 'State of the desk', mimeType: 'application/json' },
    {
      uri: 'crew://tables',
      name: 'tables',
      title: 'Tables with rows, newest event and state',
      mimeType: 'application/json',
    },
    { uri: 'crew://events', name: 'events', title: `The last ${EVENTS_SHOWN} events`, mimeType: 'application/json' },
    { uri: 'crew://runs', name: 'runs', title: 'The last runs', mimeType: 'application/json' },
  ];
  return {
    resources: () => Promise.resolve(fixed),
    resourceTemplates: () =>
      Promise.resolve([
        {
          uriTemplate: 'crew://tables/{table}',
          name: 'table',
          title: `The newest ${ROWS_SHOWN} rows of a table`,
          mimeType: 'application/json',
        },
        { uriTemplate: 'crew://runs/{run}', name: 'run', title: 'One run', mimeType: 'application/json' },
      ]),
    async read(uri) {
      if (uri === 'crew://status') return json(uri, await desk.status());
      if (uri === 'crew://tables') return json(uri, (await desk.status()).streams);
      if (uri === 'crew://events') return json(uri, await desk.events({ limit: EVENTS_SHOWN }));
      if (uri === 'crew://runs') return json(uri, await desk.runs());
      const table = /^crew:\/\/tables\/([a-z0-9_]+)$/.exec(uri)?.[1];
      if (table !== undefined) {
        const rows = await newestRows(desk, table);
        return rows === undefined ? undefined : json(uri, rows);
      }
      const run = /^crew:\/\/runs\/([\w-]+)$/.exec(uri)?.[1];
      return run === undefined ? undefined : json(uri, await desk.run(run));
    },
  };
}

/** The newest rows of a table or view; undefined when there is no such one. The name must be checked before. */
async function newestRows(desk: Desk, table: string): Promise<Awaited<ReturnType<Desk['query']>> | undefined> {
  const limits = { maxRows: 1000, timeoutMs: 10_000 };
  const columns = await desk.query({
    sql: `SELECT column_name FROM information_schema.columns WHERE table_name = '${table}'`,
    ...limits,
  });
  if (columns.rows.length === 0) return undefined;
  const timed = columns.rows.some((row) => row['column_name'] === 'event_time');
  const order = timed ? 'ORDER BY event_time DESC ' : '';
  return desk.query({ sql: `SELECT * FROM "${table}" ${order}LIMIT ${ROWS_SHOWN}`, ...limits });
}

async function crewPrompts(desk: Desk): Promise<readonly McpPrompt[]> {
  return (await desk.crews()).map((crew) => ({
    name: crew.id,
    title: crew.name,
    description: crew.description,
    arguments: [{ name: 'focus', description: 'What to look at, such as a symbol or a venue', required: false }],
    get: (args) => {
      const focus =
        args['focus'] === undefined || args['focus'] === '' ? '' : ` Look at ${args['focus']} in particular.`;
      const text = `Run the crew '${crew.id}' with run_crew in shadow mode, read its report, and tell me what it found, what it proposes and why.${focus} ${crew.description}`;
      return Promise.resolve([{ role: 'user' as const, content: { type: 'text' as const, text } }]);
    },
  }));
}

async function complete(
  desk: Desk,
  request: { readonly kind: string; readonly name: string; readonly argument: string; readonly value: string },
): Promise<readonly string[]> {
  const candidates = async (): Promise<readonly string[]> => {
    if (request.kind === 'prompt')
      return [...new Set((await desk.status()).streams.map((s) => (s.table.split('_')[0] ?? '').toUpperCase()))];
    if (request.argument === 'run') return (await desk.runs()).map((run) => run.id);
    return (await desk.status()).streams.map((stream) => stream.table);
  };
  return (await candidates()).filter((c) => c.toLowerCase().startsWith(request.value.toLowerCase()));
}
