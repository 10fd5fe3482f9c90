import { z } from 'zod';
import type { AnyTool, BoundTool } from '../kit/tool.ts';
import { STREAMS } from '../market/domain/records.ts';
import type { Venue } from '../market/exchanges/contract.ts';
import { marketSupport, supportText } from '../market/exchanges/support.ts';

/** JSON Schema of a tool's input, as served to models. */
export function inputSchema(
  tool: Pick<AnyTool<never>, 'input'> & Pick<BoundTool, 'inputJson'>,
): Record<string, unknown> {
  if (tool.inputJson !== undefined) return { ...tool.inputJson.schema };
  return z.toJSONSchema(tool.input as z.ZodType, { io: 'input', unrepresentable: 'any' });
}

/** JSON Schema of a tool's output. */
export function outputSchema(tool: Pick<AnyTool<never>, 'output'>): Record<string, unknown> {
  return z.toJSONSchema(tool.output as z.ZodType, { io: 'output', unrepresentable: 'any' });
}

interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly FieldSchema[];
  readonly items?: FieldSchema;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}

type ListedTool = Pick<
  AnyTool<never>,
  'name' | 'aliases' | 'title' | 'toolset' | 'category' | 'access' | 'effects' | 'description' | 'input' | 'examples'
>;

/** docs/tools.md: every tool with its input and examples, by toolset. */
export function toolReference(tools: readonly ListedTool[]): string {
  const sets = [...new Set(tools.map((tool) => tool.toolset))].sort();
  const sections = sets.map((set) => {
    const members = tools.filter((tool) => tool.toolset === set).sort((a, b) => (a.name < b.name ? -1 : 1));
    return `## ${set}\n\n${members.map(toolSection).join('\n')}`;
  });
  return `# Tools\n\nGenerated from the definitions (\`npm run docs\`). ${tools.length} tools in ${sets.length} toolsets. Every result carries \`as_of\`, \`source\`, \`complete\` and \`stale_ms\`.\nEffects: \`none\` reads, \`ops\` writes only the operations database, \`effect\` changes market data or collectors and is proposed instead in shadow mode.\n\n${sections.join('\n')}`;
}

/** The README's table: every venue market with the streams that it offers. */
export function venueTable(venues: readonly Venue[]): string {
  const rows = marketSupport(venues).map(
    ({ title, market, streams }) =>
      `| ${title} ${market} | ${STREAMS.map((stream) => supportText(streams[stream])).join(' | ')} |`,
  );
  const head = `| market | ${STREAMS.map((stream) => stream.replaceAll('_', ' ')).join(' | ')} |`;
  const legend = '`ws` WebSocket, `rest` polled, `+h` history can be fetched, `–` not offered by the venue.';
  return [head, `|---|${STREAMS.map(() => '---|').join('')}`, ...rows, '', legend].join('\n');
}

function toolSection(tool: ListedTool): string {
  const { properties = {}, required = [] } = inputSchema(tool) as {
    properties?: Record<string, FieldSchema>;
    required?: readonly string[];
  };
  const rows = Object.entries(properties).map(
    ([field, schema]) =>
      `| \`${field}\` | ${typeText(schema)} | ${schema.default === undefined ? (required.includes(field) ? 'required' : '') : `\`${JSON.stringify(schema.default)}\``} | ${escapeCell(schema.description ?? '')} |`,
  );
  const table =
    rows.length === 0
      ? 'Takes nothing.\n'
      : `| field | type | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  const aliases = tool.aliases.length === 0 ? '' : ` Also: ${tool.aliases.map((a) => `\`${a}\``).join(', ')}.`;
  const examples = tool.examples
    .map((e) => `\n\`crew tools call ${tool.name} --args '${JSON.stringify(e.input)}'\` (${e.title})\n`)
    .join('');
  return `### ${tool.name}\n\n${tool.description}\n\n\`${tool.category}\` \`${tool.access}\`, effects \`${tool.effects}\`.${aliases}\n\n${table}${examples}`;
}

function typeText(schema: FieldSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((v) => `\`${String(v)}\``).join(' \\| ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(' \\| ');
  const base = Array.isArray(schema.type) ? schema.type.join(' \\| ') : String(schema.type ?? 'any');
  const range =
    schema.minimum === undefined && schema.maximum === undefined
      ? ''
      : ` ${schema.minimum ?? '…'}–${schema.maximum ?? '…'}`;
  return base === 'array' && schema.items !== undefined
    ? `${typeText(schema.items)}[]`
    : `${base}${range.includes('9007199254740991') ? '' : range}`;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
