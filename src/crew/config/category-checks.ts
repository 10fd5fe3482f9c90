import { CATEGORY_NAME, TOOL_CATEGORIES } from '../../kit/access.ts';
import type { ConfigIssue } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { KnownTool } from './known-tool.ts';
import { pathText } from '../../kit/schema-issues.ts';
import { asEntry, entries, namedItems, type RawFiles, stringList } from './raw.ts';

/**
 * Every category that roles, approvals and MCP servers name exists: one of the ten, of a tool, or of `categories`. What
 * is malformed is the schema's to say. `tools`: those that the program has; undefined: not known, nothing is checked.
 */
export function categoryChecks(
  { system, systemValue }: RawFiles,
  tools: readonly KnownTool[] | undefined,
): readonly ConfigIssue[] {
  if (tools === undefined) return [];
  const whole = asEntry(systemValue);
  const own = stringList(whole?.['categories']);
  const known = [...new Set([...TOOL_CATEGORIES, ...own, ...tools.map((tool) => tool.category)])];
  const issue = (path: readonly PropertyKey[], name: string, at: 'key' | 'value'): readonly ConfigIssue[] =>
    known.includes(name) || !CATEGORY_NAME.test(name)
      ? []
      : [
          system.issue(
            path,
            `${pathText(at === 'key' ? path.slice(0, -1) : path)}: there is no category '${name}'${didYouMean(name, known)}; list it under categories if it is yours`,
            at,
          ),
        ];
  const assigned = (path: readonly PropertyKey[], assignment: unknown): readonly ConfigIssue[] =>
    stringList([asEntry(assignment)?.['category']]).flatMap((name) => issue([...path, 'category'], name, 'value'));
  return [
    ...[...entries(whole?.['roles'])].flatMap(([role, grants]) =>
      Object.keys(asEntry(grants) ?? {}).flatMap((name) => issue(['roles', role, name], name, 'key')),
    ),
    ...namedItems(asEntry(whole?.['approvals'])?.['categories']).flatMap(([i, name]) =>
      issue(['approvals', 'categories', i], name, 'value'),
    ),
    ...[...entries(whole?.['mcp_servers'])].flatMap(([server, config]) => [
      ...[...entries(asEntry(config)?.['tools'])].flatMap(([tool, assignment]) =>
        assigned(['mcp_servers', server, 'tools', tool], assignment),
      ),
      ...['resources', 'prompts'].flatMap((part) => assigned(['mcp_servers', server, part], asEntry(config)?.[part])),
    ]),
  ];
}
