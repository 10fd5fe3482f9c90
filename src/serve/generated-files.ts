import { configReference, jsonSchemas } from '../crew/config/reference.ts';
import { tools } from '../market/tools/catalogue.generated.ts';
import { SECTIONS } from './config.ts';
import { toolReference } from './reference.ts';

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
