import { ACCESS_LEVELS, type AccessLevel, reaches } from '../../kit/access.ts';
import type { KnownTool } from './known-tool.ts';
import { asEntry, type Entry } from './raw.ts';

/** Roles in force: those of the file, else those of the schema. */
export type RoleGrants = ReadonlyMap<string, unknown>;

/**
 * Why an agent may not use a tool, by its role and the overrides of system.yaml; null: it may. A level that does not
 * exist is an issue of its own in system.yaml, and none here.
 */
export function roleProblem(
  id: string,
  tool: KnownTool,
  roleName: unknown,
  roles: RoleGrants,
  system: unknown,
): string | null {
  const needs = `${tool.name} needs ${tool.category} ${tool.access}`;
  const given = overridesOf(system).some(
    (o) =>
      o['agent'] === id &&
      [tool.name, ...(tool.aliases ?? [])].some((name) => name === o['tool']) &&
      isLevel(o['level']) &&
      reaches(o['level'], tool.access),
  );
  if (given) return null;
  if (typeof roleName !== 'string') return `${needs}, and the agent has no permission_role`;
  const grants = asEntry(roles.get(roleName));
  const level = grants?.[tool.category] ?? 'NONE';
  if (!isLevel(level) || (level !== 'NONE' && reaches(level, tool.access))) return null;
  return `${needs}, and role ${roleName} has ${tool.category} ${level}`;
}

/** The overrides of system.yaml, whatever is wrong inside them. */
export function overridesOf(system: unknown): readonly Entry[] {
  const list = asEntry(system)?.['overrides'];
  return Array.isArray(list) ? list.map((item: unknown) => asEntry(item) ?? {}) : [];
}

function isLevel(value: unknown): value is AccessLevel {
  return ACCESS_LEVELS.some((known) => known === value);
}
