import { configReference, jsonSchemas } from '../crew/config/reference.ts';
import { venues } from '../market/exchanges/catalogue.generated.ts';
import { tools } from '../market/tools/catalogue.generated.ts';
import { SECTIONS } from './config.ts';
import { toolReference, venueTable } from './reference.ts';

/**
 * Parts of files that are made from the definitions and from `examples/`: path → name of the block → text between its
 * marks. `read` gives the text of a file of the repository.
 */
export function generatedBlocks(
  read: (path: string) => string,
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const example = (path: string): string => `\`\`\`ts\n${read(path).trimEnd()}\n\`\`\``;
  return {
    'README.md': { venues: venueTable(venues) },
    'docs/money-and-limits.md': { 'examples/spend.ts': example('examples/spend.ts') },
    'docs/durable-runs.md': { 'examples/durable.ts': example('examples/durable.ts') },
    'docs/people-in-the-loop.md': { 'examples/questions.ts': example('examples/questions.ts') },
    'docs/writing-a-crew.md': {
      'examples/crew.ts': example('examples/crew.ts'),
      'examples/features.ts': example('examples/features.ts'),
    },
    'docs/memory-and-knowledge.md': { 'examples/memory.ts': example('examples/memory.ts') },
  };
}

/**
 * The file's text with the block `<!-- name:begin -->` … `<!-- name:end -->` made anew. Throws when it has no such marks:
 * then somebody took them out by mistake.
 */
export function withBlock(file: string, name: string, block: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [file.indexOf(begin), file.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no block ${begin} … ${end}`);
  return `${file.slice(0, from + begin.length)}\n\n${block}\n\n${file.slice(to)}`;
}

/** Files that are made from the definitions: path from the repository's root → text. */
export function generatedFiles(): Readonly<Record<string, string>> {
  const schemas = Object.entries(jsonSchemas(SECTIONS)).map(
    ([name, schema]) => [`schemas/${name}`, `${JSON.stringify(schema, null, 2)}\n`] as const,
  );
  return {
    'docs/tools.md': toolReference(tools),
    'docs/configuration.md': configReference(SECTIONS),
    ...Object.fromEntries(schemas),
  };
}
