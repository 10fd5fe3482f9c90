import { createHash } from 'node:crypto';
import { canonicalJson } from '../../kit/json.ts';

/** What a crew's graph is made of, as JSON. Texts (descriptions, goals, prompts), models and limits are no part of it. */
export interface CrewStructure {
  readonly process: string;
  readonly manager: string | null;
  readonly nodes: readonly string[];
  /** `a → b` */
  readonly edges: readonly string[];
  /** Number of routing functions that leave a node. */
  readonly routes: Readonly<Record<string, number>>;
  readonly tasks: Readonly<
    Record<
      string,
      { readonly agent: string | null; readonly context: readonly string[]; readonly tools: readonly string[] | null }
    >
  >;
  /** Tools that each agent names. */
  readonly agents: Readonly<Record<string, { readonly tools: readonly string[] }>>;
}

/** SHA-256, hex: equal for equal structures. */
export function structureHash(structure: CrewStructure): string {
  return createHash('sha256').update(canonicalJson(structure)).digest('hex');
}
