import { InvalidInput } from '../../kit/errors.ts';
import type { AnyTool } from '../../kit/tool.ts';
import { idSchema } from '../config/crew-schemas.ts';
import type { GivenTools } from '../config/toolsets.ts';

/** A tool that needs no services, or one that `bindTools` has closed over its own. */
export type CodeTool = AnyTool<undefined>;

/** A named group of tools; give it to agents. */
export interface Toolset {
  readonly id: string;
  readonly tools: readonly CodeTool[];
}

/**
 * Groups tools. Throws InvalidInput for an id that is none, for a group without tools, and for two tools of one name.
 *
 * @example
 * ```ts
 * const news = defineToolset({ id: 'news', tools: [readWire, searchArchive] });
 * const reporter = defineAgent({ id: 'reporter', role: 'Reporter', goal: 'Find news', backstory: 'Curious.', toolsets: [news] });
 * ```
 */
export function defineToolset({ id, tools }: Toolset): Toolset {
  const problems = [
    ...(idSchema.safeParse(id).success ? [] : [`'${id}' is not an id: a letter, then letters, digits, _ or -`]),
    ...(tools.length === 0 ? ['it has no tools'] : []),
    ...tools
      .filter((tool, i) => tools.findIndex((other) => other.name === tool.name) < i)
      .map((tool) => `two tools are named ${tool.name}`),
  ];
  if (problems.length > 0) throw new InvalidInput(`toolset ${id}: ${problems.join('; ')}`);
  return Object.freeze({ id, tools: Object.freeze([...tools]) });
}

/** What an agent's toolsets give it, by their ids. Throws InvalidInput for two of one id. */
export function givenBy(agentId: string, toolsets: readonly Toolset[]): GivenTools {
  const given: Record<string, readonly string[]> = {};
  for (const { id, tools } of toolsets) {
    if (Object.hasOwn(given, id)) throw new InvalidInput(`agent ${agentId}: two toolsets have the id ${id}`);
    given[id] = tools.map((tool) => tool.name);
  }
  return given;
}
