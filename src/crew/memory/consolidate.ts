import { termsOf } from '../../kit/words.ts';
import type { Memory } from './contract.ts';

/** From here on two texts say the same. */
export const DUPLICATE = 0.98;
/** From here on the newer of two takes the place of the older. */
export const NEARLY = 0.85;

/** The memory of a scope that says nearly the same, most alike first; undefined when there is none. */
export function nearest(
  memories: Iterable<Memory>,
  added: Pick<Memory, 'content' | 'kind' | 'entity' | 'scope'>,
): { readonly memory: Memory; readonly similarity: number } | undefined {
  const wanted = fingerprint(added.content);
  let best: { readonly memory: Memory; readonly similarity: number } | undefined;
  for (const memory of memories) {
    if (memory.key !== null || memory.scope !== added.scope || memory.kind !== added.kind) continue;
    if (memory.entity !== added.entity) continue;
    const similarity = alike(wanted, fingerprint(memory.content));
    if (similarity >= NEARLY && similarity > (best?.similarity ?? 0)) best = { memory, similarity };
  }
  return best;
}

interface Fingerprint {
  readonly terms: ReadonlyMap<string, number>;
  readonly count: number;
  /** What makes two sentences differ in meaning though they share all other words: numbers, signs, names, negations. */
  readonly facts: string;
}

const FACT = /[-+]?\d+(?:[.,]\d+)*%?|\b[A-Z][A-Z0-9_/-]+\b|\b(?:not|no|never|none|without|nor|cannot|\w+n't)\b/g;

function fingerprint(content: string): Fingerprint {
  const terms = new Map<string, number>();
  const all = termsOf(content);
  for (const term of all) terms.set(term, (terms.get(term) ?? 0) + 1);
  return {
    terms,
    count: all.length,
    facts: [...content.matchAll(FACT)]
      .map(([fact]) => fact)
      .sort()
      .join(' '),
  };
}

/**
 * 0–1: terms in common, repeats counted, over all terms (Jaccard on multisets). 0 when their numbers, capital names or
 * negations differ: "funding of BTCUSDT is 0.01 %" never stands for "funding of ETHUSDT is 0.01 %".
 */
function alike(a: Fingerprint, b: Fingerprint): number {
  if (a.facts !== b.facts) return 0;
  if (a.count === 0 && b.count === 0) return 1;
  let common = 0;
  for (const [term, times] of a.terms) common += Math.min(times, b.terms.get(term) ?? 0);
  return common / (a.count + b.count - common);
}
