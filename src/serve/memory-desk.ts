import type { Consolidation, Memory, MemoryFilter, Receipt } from '../crew/memory/contract.ts';
import { DEFAULT_TENANT } from '../crew/memory/scopes.ts';
import type { MemoryVault } from '../crew/memory/vault.ts';

/** What people can do with the memory of agents. Without a tenant, the one that all crews without a wall share is meant. */
export interface MemoryDesk {
  /** Newest first. */
  memories(query?: MemoryQuery): Promise<readonly MemoryRow[]>;
  /** Best first. Looking does not count as recalling. */
  searchMemory(request: MemorySearch): Promise<readonly (MemoryRow & { readonly score: number })[]>;
  /** Deletes what matches all that is given, or with `all` everything of the tenant; gives the proof. Throws NotFound, InvalidInput. */
  forgetMemory(request: ForgetRequest): Promise<ReceiptRow>;
  /** Duplicates and mergers, newest first. */
  consolidations(query?: { readonly tenant?: string | undefined }): Promise<readonly ConsolidationRow[]>;
  /** Makes two memories of one again. Throws NotFound, Conflict. */
  undoConsolidation(request: {
    readonly id: string;
    readonly by: string;
    readonly tenant?: string | undefined;
  }): Promise<MemoryRow>;
  /** Proofs of forgetting of all tenants, newest first, and whether their chain holds. */
  memoryReceipts(): Promise<{
    readonly receipts: readonly ReceiptRow[];
    readonly chain: { readonly ok: boolean; readonly receipts: number; readonly broken: string | null };
  }>;
}

export interface MemoryQuery extends MemoryFilter {
  readonly tenant?: string | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

export interface MemorySearch {
  readonly question: string;
  readonly tenant?: string | undefined;
  /** Default: all of the tenant's. */
  readonly scope?: string | undefined;
  /** Default 10. */
  readonly limit?: number | undefined;
}

export interface ForgetRequest extends MemoryFilter {
  readonly tenant?: string | undefined;
  readonly all?: boolean | undefined;
  readonly by: string;
  readonly reason: string;
}

export interface MemoryRow {
  readonly id: string;
  readonly tenant: string;
  readonly scope: string;
  readonly kind: string;
  readonly key: string | null;
  readonly content: string;
  readonly value: unknown;
  readonly entity: string | null;
  readonly importance: number;
  readonly written_by: Memory['written_by'];
  readonly created_at: string;
  readonly updated_at: string;
  readonly expires_at: string | null;
  readonly recalls: number;
}

export interface ConsolidationRow {
  readonly id: string;
  readonly at: string;
  readonly outcome: string;
  readonly kept: string;
  readonly gave_way: MemoryRow;
  readonly similarity: number;
  readonly undone_by: string | null;
}

export type ReceiptRow = Omit<Receipt, 'at'> & { readonly at: string };

const SEARCHED = 10;

/** Binds a vault to what people ask of it. */
export function memoryDesk(vault: MemoryVault): MemoryDesk {
  return {
    async memories({ tenant = DEFAULT_TENANT, limit, ...filter } = {}) {
      return (await (await vault.tenant(tenant)).list(filter, limit)).map(memoryRow);
    },
    async searchMemory({ question, tenant = DEFAULT_TENANT, scope, limit = SEARCHED }) {
      const options = { scopes: scope === undefined ? null : [scope], limit, minSimilarity: 0, note: false };
      const found = await (await vault.tenant(tenant)).recall(question, options);
      return found.map(({ memory, score }) => ({ ...memoryRow(memory), score }));
    },
    async forgetMemory({ tenant = DEFAULT_TENANT, all = false, by, reason, ...filter }) {
      const memory = await vault.tenant(tenant);
      return receiptRow(await (all ? memory.reset({ by, reason }) : memory.forget(filter, { by, reason })));
    },
    async consolidations({ tenant = DEFAULT_TENANT } = {}) {
      return (await (await vault.tenant(tenant)).consolidations()).map(consolidationRow);
    },
    async undoConsolidation({ id, by, tenant = DEFAULT_TENANT }) {
      return memoryRow(await (await vault.tenant(tenant)).undo(id, by));
    },
    async memoryReceipts() {
      return { receipts: (await vault.receipts()).map(receiptRow), chain: await vault.verifyReceipts() };
    },
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();

function memoryRow({ created_at, updated_at, expires_at, recalled_at: _, ...memory }: Memory): MemoryRow {
  return {
    ...memory,
    created_at: iso(created_at),
    updated_at: iso(updated_at),
    expires_at: expires_at === null ? null : iso(expires_at),
  };
}

function receiptRow({ at, ...receipt }: Receipt): ReceiptRow {
  return { ...receipt, at: iso(at) };
}

function consolidationRow({ id, at, outcome, kept, other, similarity, undone_by }: Consolidation): ConsolidationRow {
  return { id, at: iso(at), outcome, kept, gave_way: memoryRow(other), similarity, undone_by };
}
