import { z } from 'zod';
import { Conflict } from './errors.ts';
import type { BoundTool } from './tool.ts';

/** A tool with its input schema made strict: unknown fields are errors. */
export interface CataloguedTool {
  readonly tool: BoundTool;
  readonly input: z.ZodObject;
}

/** Tools by name and alias. Throws Conflict, naming both, when two tools claim one name. */
export function indexTools(tools: readonly BoundTool[]): {
  readonly all: readonly CataloguedTool[];
  find(name: string): CataloguedTool | undefined;
} {
  const byName = new Map<string, CataloguedTool>();
  const all = tools.map((tool): CataloguedTool => ({ tool, input: strict(tool.input) }));
  for (const entry of all) {
    for (const name of [entry.tool.name, ...entry.tool.aliases]) {
      const other = byName.get(name);
      if (other !== undefined) {
        throw new Conflict(`two tools claim the name ${name}: ${other.tool.name} and ${entry.tool.name}`);
      }
      byName.set(name, entry);
    }
  }
  return { all, find: (name) => byName.get(name) };
}

/** The schema itself where it is strict: another would not be known as the one that `refusedFields` names. */
function strict(input: z.ZodObject): z.ZodObject {
  return input.def.catchall instanceof z.ZodNever ? input : input.strict();
}
