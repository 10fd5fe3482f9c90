import { z } from 'zod';
import { ACCESS_LEVELS } from '../../kit/access.ts';
import { categoryName } from './category-name.ts';
import { variable } from './fields.ts';

/** `mcp_servers` of system.yaml: servers of others whose tools our agents may use. */

/** Between the server's id and the tool's own name. */
export const FOREIGN_SEPARATOR = '__';

const assignment = z.strictObject({
  category: categoryName.describe('Category that the permission check takes the tool for'),
  level: z.enum(ACCESS_LEVELS).describe('Level that a caller needs in it; beyond READ_ONLY the tool has effects'),
});

export const mcpServerSchema = z
  .strictObject({
    command: z.string().min(1).optional().describe('Program that speaks MCP over stdin and stdout'),
    args: z.array(z.string()).default([]).describe('Arguments of the program'),
    env: z
      .array(variable)
      .default([])
      .describe('Names of environment variables that the program gets, beside PATH, HOME and the like'),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Address of a server over Streamable HTTP'),
    token_env: variable.optional().describe('Environment variable with the bearer token for the address'),
    protocol: z
      .enum(['auto', '2025-11-25', '2026-07-28'])
      .default('auto')
      .describe('Version of the protocol; auto asks the server'),
    tools: z
      .record(z.string().min(1), assignment)
      .default({})
      .describe('Tool, or pattern with *, to what it counts as; the exact name first, else the first that fits'),
    resources: assignment
      .optional()
      .describe('What reading the server’s resources counts as; without it they stay closed'),
    prompts: assignment.optional().describe('What reading the server’s prompts counts as; without it they stay closed'),
    sampling: z.boolean().default(false).describe('Whether the server may ask the model that the program gave for it'),
    timeout_seconds: z.number().positive().default(30).describe('Time allowed for one call'),
    max_result_kb: z.number().int().min(1).max(4096).default(64).describe('Longer results are cut'),
  })
  .superRefine((server, context) => {
    if ((server.command === undefined) === (server.url === undefined))
      context.addIssue({ code: 'custom', message: 'give either command (a program) or url (an address)' });
  });

export const mcpServersSchema = z.record(
  z
    .string()
    .regex(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/, 'is not a name of a server (small letters, digits, single underscores)')
    .max(24),
  mcpServerSchema,
);

export type McpServerConfig = z.output<typeof mcpServerSchema>;
/** What a program may write; the rest has its defaults. */
export type McpServerInput = z.input<typeof mcpServerSchema>;
export type Assignment = z.output<typeof assignment>;

/** What the user assigned to a tool of a server; undefined: nothing, so it is denied. */
export function assignmentOf(tools: Readonly<Record<string, Assignment>>, tool: string): Assignment | undefined {
  const exact = Object.hasOwn(tools, tool) ? tools[tool] : undefined;
  if (exact !== undefined) return exact;
  return Object.entries(tools).find(([pattern]) => pattern.includes('*') && fitsPattern(pattern, tool))?.[1];
}

/** Whether a list of tools names one, itself or by a pattern of a server's tools. */
export function coversTool(list: readonly string[], name: string): boolean {
  return list.includes(name) || list.some((entry) => entry.includes(FOREIGN_SEPARATOR) && fitsPattern(entry, name));
}

/** The part of an agent's list that a task's own list leaves. */
export function narrowedTools(agent: readonly string[], task: readonly string[]): readonly string[] {
  const named = task.filter((name) => coversTool(agent, name));
  return [...new Set([...named, ...agent.filter((name) => coversTool(task, name))])];
}

/** Whether a text fits a pattern in which `*` stands for any characters. */
export function fitsPattern(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  if (!text.startsWith(first)) return false;
  const last = rest.pop() ?? '';
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
