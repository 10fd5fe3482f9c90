import type { Ms } from '../../kit/clock.ts';

/**
 * `short_term`: of work that goes on, ends by itself; `long_term`: facts that stay; `entity`: facts about one named
 * thing.
 */
export const MEMORY_KINDS = ['short_term', 'long_term', 'entity'] as const;
export type MemoryKind = (typeof MEMORY_KINDS)[number];

/** Who wrote it, and where. Null is not known, as for what a program wrote itself. */
export interface MemoryAuthor {
  readonly crew: string | null;
  readonly agent: string | null;
  readonly task: string | null;
  readonly run: string | null;
}

/** One thing that is remembered. Times are UTC ms. */
export interface Memory {
  readonly id: string;
  /** The wall: nothing is ever read over it. */
  readonly tenant: string;
  /** Place in the tenant's tree, as in `/crew/desk` or `/crew/desk/agent/watcher`. */
  readonly scope: string;
  readonly kind: MemoryKind;
  /** With a key, the scope's earlier memory of this key gives way. */
  readonly key: string | null;
  /** What is looked up and quoted. */
  readonly content: string;
  /** The value behind it, where it is more than text; JSON. */
  readonly value: unknown;
  /** The thing that an `entity` memory is about. */
  readonly entity: string | null;
  /** 0–1. */
  readonly importance: number;
  readonly written_by: MemoryAuthor;
  readonly created_at: Ms;
  /** When it was last written or confirmed. */
  readonly updated_at: Ms;
  readonly expires_at: Ms | null;
  readonly recalled_at: Ms | null;
  readonly recalls: number;
  /** Whose words from outside its writer had read; null: not known. */
  readonly outside: readonly string[] | null;
}

/** What is to be remembered. */
export interface NewMemory {
  readonly scope: string;
  readonly content: string;
  /** Default `long_term`. */
  readonly kind?: MemoryKind | undefined;
  readonly key?: string | undefined;
  readonly value?: unknown;
  readonly entity?: string | undefined;
  /** 0–1. Default 0.5. */
  readonly importance?: number | undefined;
  /** Default by kind; null: never. */
  readonly expiresInMs?: Ms | null | undefined;
  readonly by?: Partial<MemoryAuthor> | undefined;
  /** Whose words from outside its writer had read; default: not known. */
  readonly outside?: readonly string[] | undefined;
}

/** What became of it. */
export interface Remembered {
  readonly memory: Memory;
  /**
   * `added`; `replaced`: it had the key; `duplicate`: it was there already, and is confirmed; `merged`: an older one
   * that said nearly the same gave way.
   */
  readonly outcome: 'added' | 'replaced' | 'duplicate' | 'merged';
  /** Of a duplicate or merger, for `undo`. */
  readonly consolidation: string | null;
}

/** A memory that was recalled, and why. */
export interface Recalled {
  readonly memory: Memory;
  /** `similarity · w₁ + recency · w₂ + importance · w₃`. */
  readonly score: number;
  readonly similarity: number;
  /** `½^(age / half-life)`, age since it was last written or confirmed. */
  readonly recency: number;
}

/** How much each part of a score counts; they add up to 1. */
export interface RecallWeights {
  readonly similarity: number;
  readonly recency: number;
  readonly importance: number;
}

export interface RecallOptions {
  /** Scopes that are looked into, each with all below it; null: the tenant's whole tree. */
  readonly scopes: readonly string[] | null;
  readonly kinds?: readonly MemoryKind[] | undefined;
  readonly entity?: string | undefined;
  /** Scopes that stay closed although they are below one that is looked into. */
  readonly except?: ((scope: string) => boolean) | undefined;
  /** Memories that are not wanted. */
  readonly leaveOut?: ((memory: Memory) => boolean) | undefined;
  /** Default 5. */
  readonly limit?: number | undefined;
  /** Least similarity, 0–1. Default 0.1: what has next to nothing to do with the question is not recalled. */
  readonly minSimilarity?: number | undefined;
  /** Whether it counts as recalling; default true. */
  readonly note?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Two memories that became one; `undo` makes them two again. */
export interface Consolidation {
  readonly id: string;
  readonly tenant: string;
  readonly at: Ms;
  readonly outcome: 'duplicate' | 'merged';
  /** The memory that stayed. */
  readonly kept: string;
  /** The one that gave way, whole. */
  readonly other: Memory;
  readonly similarity: number;
  readonly undone_at: Ms | null;
  readonly undone_by: string | null;
}

/** Which memories: all that match everything given. */
export interface MemoryFilter {
  readonly ids?: readonly string[] | undefined;
  /** This scope and all below it. */
  readonly scope?: string | undefined;
  readonly kind?: MemoryKind | undefined;
  readonly agent?: string | undefined;
  readonly run?: string | undefined;
  readonly entity?: string | undefined;
  /** A text that the content holds, in any case: for what must go about a person or a thing. */
  readonly about?: string | undefined;
}

/** Where a text that was forgotten is still found. */
export interface Trace {
  readonly table: string;
  readonly column: string;
  readonly rows: number;
}

/**
 * Proof of forgetting. `digests` are SHA-256 of `salt`, a newline and the content, in the order of `memories`: whoever
 * has the text can tell that it was among them. Each receipt holds the hash of the one before.
 */
export interface Receipt {
  readonly id: string;
  readonly tenant: string;
  readonly at: Ms;
  readonly by: string;
  readonly reason: string;
  readonly memories: readonly string[];
  readonly salt: string;
  readonly digests: readonly string[];
  /** Rows of the consolidation log that held one of them and went too. */
  readonly consolidations: number;
  /** Rows of the memory tables that still hold one after the deletion, counted anew: 0, or forgetting has failed. */
  readonly remaining: number;
  /** Other text columns of the database that hold one of the texts (events, documents of runs); not deleted here. */
  readonly traces: readonly Trace[];
  readonly previous: string;
  readonly hash: string;
}

/** Where memories are kept. A change is all or nothing. */
export interface MemoryStorage {
  tenants(): Promise<readonly string[]>;
  load(tenant: string): Promise<readonly Memory[]>;
  write(change: MemoryChange): Promise<void>;
  consolidations(tenant: string, limit: number): Promise<readonly Consolidation[]>;
  /** All tenants', oldest first: the chain is one. */
  receipts(): Promise<readonly Receipt[]>;
  /** Rows of memories and consolidations that hold one of the ids. */
  count(ids: readonly string[]): Promise<number>;
  /** Other places that hold one of the texts. */
  traces(texts: readonly string[]): Promise<readonly Trace[]>;
  /** Vectors that were made before, by digest of the text. */
  vectors(embedder: string, digests: readonly string[]): Promise<ReadonlyMap<string, Float32Array>>;
  keepVectors(embedder: string, vectors: ReadonlyMap<string, Float32Array>): Promise<void>;
}

export interface MemoryChange {
  readonly put?: readonly Memory[] | undefined;
  readonly delete?: readonly string[] | undefined;
  readonly consolidation?: Consolidation | undefined;
  /** Consolidations that hold one of these memories go with them, and so do vectors of these texts' digests. */
  readonly erase?: { readonly ids: readonly string[]; readonly digests: readonly string[] } | undefined;
  readonly receipt?: Receipt | undefined;
}
