import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';
import { z } from 'zod';
import { errorMessage, InvalidInput, PermissionDenied } from '../../kit/errors.ts';
import type { BoundTool, JsonInput, Provenance, ToolContext, ToolEffects, ToolResult } from '../../kit/tool.ts';
import { type Assignment, FOREIGN_SEPARATOR } from '../config/mcp-schema.ts';
import type { McpCallOptions, McpConnection } from './connection.ts';
import type { ForeignTool } from './contract.ts';
import { boundedText } from './result.ts';

/** What model interfaces take as the name of a tool. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_DEFINITION_BYTES = 64 * 1024;
const MAX_DESCRIPTION = 4000;
/** The pipeline's deadline comes after the connection's own, which says more. */
const DEADLINE_MARGIN_MS = 1000;

/** Name under which agents know a tool of a server. */
export function foreignName(server: string, tool: string): string {
  return `${server}${FOREIGN_SEPARATOR}${tool}`;
}

/** Why a tool cannot be used, whatever is assigned to it; null: it can. */
export function unusable(server: string, tool: ForeignTool): string | null {
  const name = foreignName(server, tool.name);
  if (!NAME.test(name)) return `'${boundedText(name, 100)}' is not a name that models take (${String(NAME)})`;
  const size = Buffer.byteLength(JSON.stringify(tool));
  if (size > MAX_DEFINITION_BYTES) return `its definition has ${size} bytes; ${MAX_DEFINITION_BYTES} are allowed`;
  try {
    jsonInput(tool.inputSchema);
    return null;
  } catch (error) {
    return `its input schema cannot be used: ${boundedText(errorMessage(error))}`;
  }
}

export interface ForeignToolOptions {
  readonly server: string;
  readonly assignment: Assignment;
  readonly connection: McpConnection;
  readonly timeoutMs: number;
}

/** An accepted tool as one of the pipeline's. `verify` is awaited before each call and throws when it may not be made. */
export function foreignTool(options: ForeignToolOptions, tool: ForeignTool, verify: () => Promise<void>): BoundTool {
  return {
    ...frame(options, tool.name, tool.title ?? tool.name, tool.description.slice(0, MAX_DESCRIPTION)),
    inputJson: jsonInput(tool.inputSchema),
    preview: (input) => Promise.resolve({ server: options.server, tool: tool.name, arguments: input }),
    async run(input, context) {
      await verify();
      const args = z.record(z.string(), z.unknown()).parse(input);
      const result = await options.connection.call(tool.name, args, callOptions(context));
      return foreign(options.server, tool.name, result, result.truncated);
    },
  };
}

/** Reading of a server's resources and prompts, as tools of ours: their words are ours, what they give is not. */
export function readingTools(
  options: Omit<ForeignToolOptions, 'assignment'>,
  assigned: { readonly resources: Assignment | undefined; readonly prompts: Assignment | undefined },
): readonly BoundTool[] {
  const { server, connection } = options;
  const reading = (
    assignment: Assignment | undefined,
    name: string,
    description: string,
    input: z.ZodObject,
    read: (input: Readonly<Record<string, unknown>>, options: McpCallOptions) => Promise<object>,
  ): readonly BoundTool[] =>
    assignment === undefined || assignment.level === 'NONE'
      ? []
      : [
          {
            ...frame({ ...options, assignment }, name, description, description),
            effects: 'none',
            input,
            preview: undefined,
            async run(given, context) {
              const data = await read(input.parse(given), callOptions(context));
              return foreign(server, name, data, 'truncated' in data && data.truncated === true);
            },
          },
        ];
  const { resources, prompts } = assigned;
  const uri = z.object({ uri: z.string().describe('Address of the resource, as the list gives it') });
  const named = z.object({
    name: z.string().describe('Name of the prompt, as the list gives it'),
    arguments: z.record(z.string(), z.string()).default({}).describe('Values of its arguments, by name'),
  });
  const nothing = z.object({});
  return [
    ...reading(
      resources,
      'list_resources',
      `Lists the resources of the MCP server ${server}.`,
      nothing,
      async (_, o) => ({
        resources: await connection.resources(o),
      }),
    ),
    ...reading(resources, 'read_resource', `Reads a resource of the MCP server ${server}.`, uri, (input, o) =>
      connection.read(uri.parse(input).uri, o),
    ),
    ...reading(prompts, 'list_prompts', `Lists the prompts of the MCP server ${server}.`, nothing, async (_, o) => ({
      prompts: await connection.prompts(o),
    })),
    ...reading(prompts, 'get_prompt', `Gives a prompt of the MCP server ${server}, filled in.`, named, (input, o) => {
      const { name, arguments: args } = named.parse(input);
      return connection.prompt(name, args, o);
    }),
  ];
}

/** Throws PermissionDenied for a tool that is no longer what was accepted. */
export function refuseChanged(server: string, tool: string, what: string): never {
  throw new PermissionDenied(
    `${foreignName(server, tool)} is not what was accepted (${what}): look at it with 'crew mcp-servers tools ${server}', ` +
      `then 'crew mcp-servers accept ${server} ${tool}'`,
  );
}

type Frame = Omit<BoundTool, 'run' | 'preview' | 'inputJson'>;

function frame(
  { server, assignment, timeoutMs }: ForeignToolOptions,
  name: string,
  title: string,
  text: string,
): Frame {
  const effects: ToolEffects = assignment.level === 'READ_ONLY' ? 'none' : 'effect';
  return {
    name: foreignName(server, name),
    aliases: [],
    title: boundedText(title, 100),
    toolset: server,
    category: assignment.category,
    access: assignment.level,
    effects,
    outside: 'results_and_description',
    description: text,
    input: z.looseObject({}),
    output: z.unknown(),
    examples: [],
    timeoutMs: timeoutMs + DEADLINE_MARGIN_MS,
    reconcile: undefined,
    summary: undefined,
  };
}

function callOptions(context: ToolContext<unknown>): McpCallOptions {
  return { signal: context.signal, onProgress: context.progress };
}

function foreign(server: string, tool: string, data: object, truncated: boolean): ToolResult<unknown> {
  const provenance: Provenance = {
    as_of: null,
    source: `mcp:${server}/${tool}`,
    complete: !truncated,
    stale_ms: null,
    origin: 'foreign',
    ...(truncated ? { notes: ['the server’s answer was longer than allowed and was cut'] } : {}),
  };
  return { data, provenance };
}

/** Throws when the schema is not one. References to other documents are never followed. */
function jsonInput(schema: Readonly<Record<string, unknown>>): JsonInput {
  if (schema['type'] !== 'object') throw new InvalidInput("it is not of type 'object'");
  const check = new AjvJsonSchemaValidator().getValidator(schema);
  return {
    schema,
    problem: (value) => {
      const verdict = check(value);
      return verdict.valid ? null : boundedText(verdict.errorMessage);
    },
  };
}
