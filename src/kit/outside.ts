import type { CallOrigin, Invoker, ToolCall, ToolOutcome } from './invoke.ts';
import { canonicalJson } from './json.ts';
import type { BoundTool } from './tool.ts';

/**
 * Where the value of one argument may come from when the call was written after reading words from outside: from
 * anywhere, from the run's input of the same name or of another, from a list, or from a range of numbers.
 */
export type FieldSource =
  | 'any'
  | 'input'
  | { readonly input: string }
  | { readonly values: readonly unknown[] }
  | { readonly min?: number | undefined; readonly max?: number | undefined };

/** A tool with effects that agents may call after reading words from outside. A field that is not named is `input`. */
export interface OutsideRule {
  /** A tool's name, or `server__*`. */
  readonly tool: string;
  /** Agents that it holds for; null: all. */
  readonly agents: readonly string[] | null;
  readonly fields: Readonly<Record<string, FieldSource>>;
}

/** What becomes of a call that no rule allows: a person is asked, or it is refused. */
export type OnViolation = 'ask' | 'refuse';

export interface OutsidePolicy {
  readonly onViolation: OnViolation;
  readonly rules: readonly OutsideRule[];
}

/** Nothing is allowed without a person. */
export const STRICT_OUTSIDE: OutsidePolicy = { onViolation: 'ask', rules: [] };

/**
 * Why a call may not be made by itself, or null. It looks at where values came from, never at what texts say: a call with
 * effects out of a conversation that holds words from outside needs a rule for its tool, and each of its arguments a
 * value from where the rule says. What the call left to the tool's own defaults is the tool's.
 */
export function outsideProblem(
  policy: OutsidePolicy,
  call: ToolCall,
  tool: BoundTool,
  args: Readonly<Record<string, unknown>>,
): string | null {
  const { origin } = call;
  if (tool.effects !== 'effect' || origin === undefined || origin.outside.length === 0) return null;
  const read = `the agent had read words from outside (${origin.outside.slice(0, 5).join(', ')})`;
  const rules = policy.rules.filter((rule) => covers(rule, call, tool));
  if (rules.length === 0) return `${read}, and no rule lets it call ${tool.name} after that`;
  const given = written(call.args, args);
  const problems = rules.map((rule) => fieldProblem(rule, origin, given));
  return problems.includes(null) ? null : `${read}, and ${problems[0] ?? ''}`;
}

/** The parsed arguments that the call itself gave. */
function written(raw: unknown, args: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (typeof raw !== 'object' || raw === null) return args;
  return Object.fromEntries(Object.entries(args).filter(([field]) => Object.hasOwn(raw, field)));
}

function covers({ tool: named, agents }: OutsideRule, call: ToolCall, tool: BoundTool): boolean {
  const { agentId } = call.caller;
  if (agents !== null && (agentId === null || !agents.includes(agentId))) return false;
  return named.endsWith('*')
    ? tool.name.startsWith(named.slice(0, -1))
    : named === tool.name || tool.aliases.includes(named);
}

function fieldProblem(
  rule: OutsideRule,
  { trusted }: CallOrigin,
  args: Readonly<Record<string, unknown>>,
): string | null {
  for (const [field, value] of Object.entries(args)) {
    const source = Object.hasOwn(rule.fields, field) ? rule.fields[field] : undefined;
    const problem = sourceProblem(source ?? 'input', field, value, trusted);
    if (problem !== null) return `its ${field} ${problem}`;
  }
  return null;
}

function sourceProblem(
  source: FieldSource,
  field: string,
  value: unknown,
  trusted: CallOrigin['trusted'],
): string | null {
  if (source === 'any') return null;
  if (source === 'input' || 'input' in source) {
    const name = source === 'input' ? field : source.input;
    const same = Object.hasOwn(trusted, name) && canonicalJson(trusted[name]) === canonicalJson(value);
    return same ? null : `is not the run's input '${name}'`;
  }
  if ('values' in source) {
    const listed = source.values.some((known) => canonicalJson(known) === canonicalJson(value));
    return listed ? null : 'is not on the list';
  }
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = source;
  return typeof value === 'number' && value >= min && value <= max ? null : 'is not within the range';
}

/** Whose words an outcome holds, in its data or in its error. */
export function wordsOf(outcome: ToolOutcome, invoker: Pick<Invoker, 'find'>): readonly string[] {
  const given = outcome.ok && 'provenance' in outcome && outcome.provenance.origin !== undefined;
  if (given) return [outcome.provenance.source];
  return invoker.find(outcome.tool)?.outside !== undefined ? [outcome.tool] : [];
}

/** Names of sources, each once, sorted; at most 50, so that a state stays small. */
export function mergeOutside(...lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))].sort().slice(0, 50);
}

const MOST_WORDS = 300;

/** Others' words within a text of ours (a venue's reason, a message of its error), marked so that they can be left out. */
export function quoteOutside(words: string): string {
  const plain = words.replaceAll(/[‹›]|\p{C}+/gu, ' ').trim();
  return `‹${plain.length > MOST_WORDS ? `${plain.slice(0, MOST_WORDS)}…` : plain}›`;
}

/** A text of ours without others' words in it: what may be told to those who read nothing from outside. */
export function withoutOutside(text: string): string {
  return text.replaceAll(/‹[^›]*›?/g, '‹its words are in the log›');
}

/** The same, of every text in a value that JSON can hold. */
export function leaveOutOutside(value: unknown): unknown {
  if (typeof value === 'string') return withoutOutside(value);
  if (Array.isArray(value)) return value.map(leaveOutOutside);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, leaveOutOutside(part)]));
}
