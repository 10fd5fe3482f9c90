import type { Consolidation, Memory, MemoryStorage, Receipt } from './contract.ts';

/** Keeps memories in this process alone: for crews in code and for tests. Nothing outlives it. */
export function createMemoryStorage(): MemoryStorage {
  const memories = new Map<string, Memory>();
  const consolidations = new Map<string, Consolidation>();
  const receipts: Receipt[] = [];
  const vectors = new Map<string, Float32Array>();
  const holds = (ids: readonly string[], { kept, other }: Consolidation): boolean =>
    ids.includes(kept) || ids.includes(other.id);
  return {
    tenants: () => Promise.resolve([...new Set([...memories.values()].map((m) => m.tenant))].sort()),
    load: (tenant) => Promise.resolve([...memories.values()].filter((m) => m.tenant === tenant)),
    write({ put = [], delete: gone = [], consolidation, erase, receipt }) {
      for (const memory of put) memories.set(memory.id, memory);
      for (const id of gone) memories.delete(id);
      if (consolidation !== undefined) consolidations.set(consolidation.id, consolidation);
      if (erase !== undefined) {
        for (const [id, one] of consolidations) if (holds(erase.ids, one)) consolidations.delete(id);
        for (const key of vectors.keys())
          if (erase.digests.some((digest) => key.endsWith(` ${digest}`))) vectors.delete(key);
      }
      if (receipt !== undefined) receipts.push(receipt);
      return Promise.resolve();
    },
    consolidations: (tenant, limit) =>
      Promise.resolve(
        [...consolidations.values()]
          .filter((c) => c.tenant === tenant)
          .toReversed()
          .slice(0, limit),
      ),
    receipts: () => Promise.resolve([...receipts]),
    count: (ids) =>
      Promise.resolve(
        ids.filter((id) => memories.has(id)).length +
          [...consolidations.values()].filter((one) => holds(ids, one)).length,
      ),
    traces: () => Promise.resolve([]),
    vectors: (embedder, digests) =>
      Promise.resolve(
        new Map(
          digests.flatMap((digest) => {
            const vector = vectors.get(`${embedder} ${digest}`);
            return vector === undefined ? [] : [[digest, vector] as const];
          }),
        ),
      ),
    keepVectors(embedder, made) {
      for (const [digest, vector] of made) vectors.set(`${embedder} ${digest}`, vector);
      return Promise.resolve();
    },
  };
}
