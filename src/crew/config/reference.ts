import { z } from 'zod';
import { UNUSED_AGENT_FIELDS, UNUSED_TASK_FIELDS, agentSchema, crewSchema, taskSchema } from './crew-schemas.ts';
import { flowSchema } from './flow-schema.ts';
import { variableFor } from './environment.ts';
import type { Sections } from './load.ts';
import { systemSchema } from './system-schema.ts';

/** A JSON schema, as far as this page reads it. */
interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

/** One key of a configuration file. `<name>` in the path stands for any name, `[]` for any place in a list. */
export interface ConfigKey {
  readonly path: readonly string[];
  /** `number ≥ 1`, `list of text`, `low, medium or high`. */
  readonly type: string;
  /** As JSON; undefined: there is none. */
  readonly default: string | undefined;
  readonly required: boolean;
  readonly description: string;
  /** False for keys that only hold further keys. */
  readonly leaf: boolean;
}

/** JSON schemas of the files, for editors, by the name of their file. */
export function jsonSchemas(sections: Sections): Readonly<Record<string, unknown>> {
  const map = (entry: z.ZodType, title: string): unknown => toJson(z.record(z.string(), entry), title);
  return {
    'system.schema.json': toJson(wholeSystem(sections), 'system.yaml'),
    'agents.schema.json': map(withUnused(agentSchema, UNUSED_AGENT_FIELDS), 'agents.yaml'),
    'tasks.schema.json': map(withUnused(taskSchema, UNUSED_TASK_FIELDS), 'tasks.yaml'),
    'crews.schema.json': map(crewSchema, 'crews.yaml'),
    'flows.schema.json': map(flowSchema, 'flows.yaml'),
  };
}

/** Every key of system.yaml, in the order of the schema. */
export function systemKeys(sections: Sections): readonly ConfigKey[] {
  return keysOf(toJson(wholeSystem(sections), 'system.yaml'), []);
}

/** Every key of an entry of the other files. */
export function crewFileKeys(): readonly { readonly file: string; readonly keys: readonly ConfigKey[] }[] {
  const keys = (schema: z.ZodType): readonly ConfigKey[] => keysOf(toJson(schema, ''), []);
  return [
    { file: 'agents.yaml', keys: keys(agentSchema) },
    { file: 'tasks.yaml', keys: keys(taskSchema) },
    { file: 'crews.yaml', keys: keys(crewSchema) },
    { file: 'flows.yaml', keys: keys(flowSchema) },
  ];
}

/** The configuration reference as Markdown, written from the schemas. */
export function configReference(sections: Sections): string {
  const file = (title: string, text: string, keys: readonly ConfigKey[], variables: boolean): string =>
    [`## ${title}`, '', text, '', ...table(keys, variables), ''].join('\n');
  const entry = (schema: z.ZodType): readonly ConfigKey[] => keysOf(toJson(schema, ''), []);
  return [
    '# Configuration',
    '',
    'Written from the schemas by `npm run docs`.',
    '',
    'A configuration is a folder with `system.yaml`, `agents.yaml`, `tasks.yaml`, `crews.yaml` and `flows.yaml`; any of',
    'them may be absent. Everything is checked before anything starts: unknown keys, wrong types and names that nothing bears are',
    'listed all at once, with file, line and column, and the exit code is 2.',
    '',
    'A variable of the environment sets a key of `system.yaml` over what the file says: `CREW_`, then the path in',
    'capitals with `__` between the keys. `CREW_MARKET__COLLECT__FLUSH_INTERVAL_MS=500` sets',
    '`market.collect.flush_interval_ms`. The value is read as YAML, and a list is set whole. Secrets come from the',
    'environment alone: a key that ends in `_env` holds the name of the variable.',
    '',
    file('system.yaml', 'The system. Every key has a default.', systemKeys(sections), true),
    file('agents.yaml', 'A map from agent id to:', entry(agentSchema), false),
    unusedText(UNUSED_AGENT_FIELDS),
    file('tasks.yaml', 'A map from task id to:', entry(taskSchema), false),
    unusedText(UNUSED_TASK_FIELDS),
    file(
      'crews.yaml',
      'A map from crew id to what follows. Without this file all tasks form one sequential crew.',
      entry(crewSchema),
      false,
    ),
    file('flows.yaml', 'A map from flow id to:', entry(flowSchema), false),
  ].join('\n');
}

function wholeSystem(sections: Sections): z.ZodType {
  return systemSchema.extend(
    Object.fromEntries(Object.entries(sections).map(([key, schema]) => [key, schema.prefault({})])),
  );
}

function withUnused(schema: z.ZodObject, fields: readonly string[]): z.ZodType {
  const unused = z.unknown().optional().describe('CrewAI’s; accepted, changes nothing here');
  return schema.extend(Object.fromEntries(fields.map((field) => [field, unused])));
}

function unusedText(fields: readonly string[]): string {
  return `CrewAI's further fields are accepted with a warning and change nothing: ${fields.map((f) => `\`${f}\``).join(', ')}.\n`;
}

function toJson(schema: z.ZodType, title: string): JsonSchema {
  const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  // What zod gives is a JSON schema; the interface names the parts of it that are read here.
  return { ...(json as JsonSchema), ...(title === '' ? {} : { title }) };
}

function keysOf(schema: JsonSchema, path: readonly string[]): readonly ConfigKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const here = [...path, name];
    const { inner, suffix } = inside(child);
    const key: ConfigKey = {
      path: here,
      type: typeText(child),
      default: defaultText(child),
      required: child.default === undefined && (schema.required ?? []).includes(name),
      description: child.description ?? '',
      leaf: inner.properties === undefined,
    };
    return [key, ...keysOf(inner, [...here, ...suffix])];
  });
}

/** The object schema inside lists, maps and alternatives, and what the path gains on the way. */
function inside(schema: JsonSchema): { readonly inner: JsonSchema; readonly suffix: readonly string[] } {
  if (schema.properties !== undefined) return { inner: schema, suffix: [] };
  if (schema.items !== undefined) return within(schema.items, '[]');
  if (typeof schema.additionalProperties === 'object') return within(schema.additionalProperties, '<name>');
  const options = alternativesOf(schema).map(inside);
  const objects = options.filter(({ suffix }) => suffix.length === 0).map(({ inner }) => inner.properties ?? {});
  const properties = Object.assign({}, ...objects) as Record<string, JsonSchema>;
  if (Object.keys(properties).length > 0) return { inner: { properties }, suffix: [] };
  return options.find(({ inner }) => inner.properties !== undefined) ?? { inner: {}, suffix: [] };
}

function alternativesOf({ anyOf = [] }: JsonSchema): readonly JsonSchema[] {
  return anyOf.flatMap((option) => (option.anyOf === undefined ? [option] : alternativesOf(option)));
}

function within(schema: JsonSchema, step: string): ReturnType<typeof inside> {
  const { inner, suffix } = inside(schema);
  return { inner, suffix: [step, ...suffix] };
}

function defaultText(schema: JsonSchema): string | undefined {
  const { default: value } = schema;
  if (value === undefined || (schema.properties !== undefined && JSON.stringify(value) === '{}')) return undefined;
  return JSON.stringify(value);
}

function typeText(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(String).join(', ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeText))].join(' or ');
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`;
  if (schema.type === 'object') {
    return typeof schema.additionalProperties === 'object'
      ? `map of ${typeText(schema.additionalProperties)}`
      : schema.properties === undefined
        ? 'map'
        : 'keys below';
  }
  const names: Readonly<Record<string, string>> = { string: 'text', boolean: 'true or false', integer: 'whole number' };
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  const text = types.map((type) => names[type] ?? type).join(' or ');
  return `${text === '' ? 'anything' : text}${rangeText(schema)}`;
}

function rangeText({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  const below = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? '' : ` ≤ ${maximum}`;
  if (exclusiveMinimum !== undefined) return ` > ${exclusiveMinimum}${below}`;
  return `${minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? '' : ` ≥ ${minimum}`}${below}`;
}

function table(keys: readonly ConfigKey[], variables: boolean): readonly string[] {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = keys.map((key) => {
    const name = `\`${key.path.join('.').replaceAll('.[]', '[]')}\``;
    const settable = variables && key.leaf && !key.path.some((step) => step === '[]' || step === '<name>');
    const initial = key.required ? 'required' : key.default === undefined ? '' : `\`${shorten(key.default)}\``;
    const note = settable ? `${key.description} (\`${variableFor(key.path)}\`)` : key.description;
    return `| ${name} | ${cell(key.type)} | ${cell(initial)} | ${cell(note)} |`;
  });
  return ['| Key | Type | Default | What it does |', '|---|---|---|---|', ...rows];
}

function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
