import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type ConfigKey, crewFileKeys, systemKeys } from '../../../src/crew/config/reference.ts';
import { SECTIONS } from '../../../src/serve/config.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Where keys are declared, not read. */
const DECLARATIONS = [
  'src/crew/config/system-schema.ts',
  'src/crew/config/crew-schemas.ts',
  'src/crew/config/tripwire-schema.ts',
  'src/crew/spec.ts',
  'src/market/config.ts',
];

/** Keys that are read in a way that this search cannot see. */
const EXEMPT: Readonly<Record<string, string>> = {
  categories: 'read as it stands in src/crew/config/category-checks.ts',
  tool_modules: 'read before the rest of the file, in src/crew/config/tool-modules.ts',
  version: 'the schema accepts 1 alone: a later layout is refused by it',
  'overrides[].agent': 'read by the permission gate as a field of OverrideSpec',
  'overrides[].tool': 'read by the permission gate as a field of OverrideSpec',
  'overrides[].granted_by': 'read by the permission gate as a field of OverrideSpec',
  'overrides[].reason': 'read by the permission gate as a field of OverrideSpec',
  'overrides[].level': 'read by the permission gate as a field of OverrideSpec',
  max_runs: 'read off the spec of a flow in src/crew/flow/from-spec.ts',
  ...Object.fromEntries(
    ['usd', 'tokens', 'calls'].map((unit) => [
      `budgets.<name>.${unit}`,
      'read by its unit in src/crew/spend/budget.ts, as test/crew/spend/budget.test.ts shows',
    ]),
  ),
  guardrail: 'joined with guardrails in src/crew/config/specs.ts',
  skills: 'read off any agent by src/crew/agent/skills.ts',
  'behaviours.<name>.cooldown': 'taken apart from one behaviour’s settings, under another name than its section',
  ...Object.fromEntries(
    ['tool', 'agents', 'fields.<name>.input', 'fields.<name>.values', 'fields.<name>.min', 'fields.<name>.max'].map(
      (key) => [`outside.allow[].${key}`, 'read off a rule in src/kit/outside.ts'],
    ),
  ),
  ...Object.fromEntries(
    ['input', 'output', 'tool_call'].flatMap((place) =>
      ['name', 'secrets', 'max_characters', 'deny', 'function', 'seconds', 'on_error'].map((key) => [
        `tripwires.${place}[].${key}`,
        'read off one tripwire in src/crew/tripwire/of-run.ts, as test/crew/scenarios/tripwires.test.ts shows',
      ]),
    ),
  ),
  ...Object.fromEntries(
    ['field', 'is', 'is_not', 'above', 'below', 'contains', 'exists'].flatMap((key) => [
      [`condition.${key}`, 'read off a condition in src/crew/condition.ts'],
      [`steps.<name>.routes[].when.${key}`, 'read off a condition in src/crew/condition.ts'],
    ]),
  ),
  'condition.task': 'read off a condition in src/crew/condition.ts',
  'steps.<name>.routes[].to': 'read off a route in src/crew/flow/from-spec.ts',
  'market.operations.escalation.channels.low': 'looked up by level, see src/market/jobs/escalation.ts',
  'market.operations.escalation.channels.medium': 'as low',
  'market.operations.escalation.channels.high': 'as low',
  'market.operations.escalation.channels.critical': 'as low',
  'notifications.webhook.url_env': 'the channels are walked by name, see src/serve/runtime/channels.ts',
  'notifications.email.url_env': 'as the webhook',
  'notifications.slack.url_env': 'as the webhook',
  'notifications.pager.url_env': 'as the webhook',
  ...Object.fromEntries(
    ['command', 'args', 'env', 'url', 'token_env', 'protocol', 'sampling', 'timeout_seconds', 'max_result_kb'].map(
      (key) => [`mcp_servers.<name>.${key}`, 'read off one server in src/crew/mcp/transport.ts and connection.ts'],
    ),
  ),
  ...Object.fromEntries(
    ['tools.<name>', 'resources', 'prompts'].flatMap((key) =>
      ['category', 'level'].map((part) => [
        `mcp_servers.<name>.${key}.${part}`,
        'read off an assignment in src/crew/mcp/foreign-tool.ts',
      ]),
    ),
  ),
};

function sources(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') && !DECLARATIONS.includes(path) ? [readFileSync(join(root, path), 'utf8')] : [];
  });
}

/**
 * Whether a source reads the key off its holder (`limits.key`, or `{ key } = config.limits`). A name that no other
 * place in the configuration has, of two words at least, may be read off anything: `rules.price_deviation_percent`.
 */
function isRead(texts: readonly string[], { path, holder }: Sought, distinctive: boolean): boolean {
  const name = path.at(-1) ?? '';
  const owner = distinctive ? '' : singular(holder);
  const direct = new RegExp(`${owner}\\w*\\)?[?!]?\\.${name}\\b`, 'i');
  const apart = new RegExp(`\\{[^{}]*\\b${name}\\b[^{}]*\\}\\s*(=|:)\\s*[^;]*${owner}`, 'i');
  return texts.some((source) => source.includes(name) && (direct.test(source) || apart.test(source)));
}

interface Sought {
  readonly path: readonly string[];
  /** What the key belongs to: the key above it, or what the file lists. */
  readonly holder: string;
}

function sought(keys: readonly ConfigKey[], listed: string): readonly Sought[] {
  return keys
    .filter((key) => key.leaf)
    .map(({ path }) => ({
      path,
      holder: path.slice(0, -1).findLast((step) => step !== '[]' && step !== '<name>') ?? listed,
    }));
}

function singular(word: string): string {
  return word.replace(/s$/, '');
}

const text = ({ path }: Sought): string => path.join('.').replaceAll('.[]', '[]');

const FILES: readonly (readonly [string, readonly Sought[]])[] = [
  ['system.yaml', sought(systemKeys(SECTIONS), 'system')],
  ...crewFileKeys().map(({ file, keys }) => [file, sought(keys, file.replace('s.yaml', ''))] as const),
];

describe('every key of the configuration', () => {
  const texts = [...sources('src'), ...sources('crews')];

  const names = FILES.flatMap(([, keys]) => keys.map((key) => key.path.at(-1) ?? ''));
  const distinctive = (key: Sought): boolean => {
    const name = key.path.at(-1) ?? '';
    return name.includes('_') && names.filter((other) => other === name).length === 1;
  };

  it.each(FILES)('has an effect: %s', (_, keys) => {
    const unread = keys.filter((key) => !isRead(texts, key, distinctive(key))).map(text);
    expect(unread.filter((path) => !(path in EXEMPT))).toEqual([]);
  });

  it('is not exempt without need', () => {
    const known = FILES.flatMap(([, keys]) => keys.map(text));
    expect(Object.keys(EXEMPT).filter((path) => !known.includes(path))).toEqual([]);
  });

  it('is found by a search that can fail', () => {
    const key = { path: ['limits', 'warp_factor'], holder: 'limits' };
    expect(isRead(texts, key, true)).toBe(false);
    expect(isRead(['const x = config.limits.warp_factor;'], key, false)).toBe(true);
    expect(isRead(['const { warp_factor } = config.limits;'], key, false)).toBe(true);
    expect(isRead(['const x = other.warp_factor;'], key, false)).toBe(false);
    expect(isRead(['const x = other.warp_factor;'], key, true)).toBe(true);
    expect(isRead(['warp_factor: 1'], key, true)).toBe(false);
  });
});
