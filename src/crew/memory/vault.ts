import { createHash } from 'node:crypto';
import { Conflict, InvalidInput, NotFound } from '../../kit/errors.ts';
import { canonicalJson } from '../../kit/json.ts';
import type { Receipt } from './contract.ts';
import { MEMORY_DEFAULTS, type MemorySettings, saltedDigest, type VaultOptions, type VaultParts } from './parts.ts';
import { checkTenant } from './scopes.ts';
import { TenantMemory } from './tenant.ts';

/** Tenants whose memories are held in memory at once. */
const TENANTS_OPEN = 16;

/**
 * The memory of all tenants. Everything is asked of one tenant, and nothing that is asked of one reads or changes
 * another's.
 */
export interface MemoryVault {
  /** The memory of a tenant; loaded at the first use. Throws InvalidInput for what cannot be a tenant. */
  tenant(name: string): Promise<TenantMemory>;
  tenants(): Promise<readonly string[]>;
  /** Proofs of forgetting, newest first. */
  receipts(): Promise<readonly Receipt[]>;
  /** Whether the receipts are as they were written, none changed and none taken out before the last. */
  verifyReceipts(): Promise<{ readonly ok: boolean; readonly receipts: number; readonly broken: string | null }>;
  /** Whether a text was among the memories of a receipt. Throws NotFound. */
  wasForgotten(receipt: string, content: string): Promise<boolean>;
}

/** Throws InvalidInput for weights that do not add up to 1, and for times or limits that are not above 0. */
export function openMemoryVault(options: VaultOptions): MemoryVault {
  return new Vault(options);
}

class Vault implements MemoryVault {
  readonly #parts: VaultParts;
  readonly #open = new Map<string, Promise<TenantMemory>>();
  /** Of tenants that gave way: opened anew only once these have written what they had to. */
  readonly #closing = new Map<string, Promise<void>>();
  #chain: Promise<unknown> = Promise.resolve();

  constructor(options: VaultOptions) {
    const settings = { ...MEMORY_DEFAULTS, ...options.settings };
    checkSettings(settings);
    this.#parts = { ...options, settings, receipt: (fields, ids) => this.#write(fields, ids) };
  }

  tenant(name: string): Promise<TenantMemory> {
    const known = this.#open.get(name);
    // The one used last is the last in the map, so the first gives way.
    if (known !== undefined) this.#open.delete(name);
    const opened = known ?? this.#load(checkTenant(name));
    this.#open.set(name, opened);
    opened.catch(() => this.#open.delete(name));
    for (const [other, memory] of this.#open) {
      if (this.#open.size <= TENANTS_OPEN) break;
      this.#open.delete(other);
      const closing = memory.then((old) => old.retire()).finally(() => this.#closing.delete(other));
      this.#closing.set(other, closing);
      closing.catch(() => undefined);
    }
    return opened;
  }

  async #load(name: string): Promise<TenantMemory> {
    await this.#closing.get(name);
    return TenantMemory.open(name, this.#parts);
  }

  tenants(): Promise<readonly string[]> {
    return this.#parts.storage.tenants();
  }

  async receipts(): Promise<readonly Receipt[]> {
    return (await this.#parts.storage.receipts()).toReversed();
  }

  async verifyReceipts(): ReturnType<MemoryVault['verifyReceipts']> {
    const receipts = await this.#parts.storage.receipts();
    let previous = '';
    for (const receipt of receipts) {
      if (receipt.previous !== previous || receipt.hash !== hashOf(receipt))
        return { ok: false, receipts: receipts.length, broken: receipt.id };
      previous = receipt.hash;
    }
    return { ok: true, receipts: receipts.length, broken: null };
  }

  async wasForgotten(id: string, content: string): Promise<boolean> {
    const receipt = (await this.#parts.storage.receipts()).find((r) => r.id === id);
    if (receipt === undefined) throw new NotFound(`there is no receipt '${id}'`);
    return receipt.digests.includes(saltedDigest(receipt.salt, content));
  }

  /** One at a time: each holds the hash of the one before. */
  #write(fields: Omit<Receipt, 'id' | 'previous' | 'hash'>, ids: readonly string[]): Promise<Receipt> {
    const { storage } = this.#parts;
    const next = this.#chain.then(async () => {
      const remaining = await storage.count(ids);
      if (remaining > 0) throw new Conflict(`${remaining} rows still hold what was to be forgotten`);
      const previous = (await storage.receipts()).at(-1)?.hash ?? '';
      const bare = { ...fields, remaining, id: this.#parts.ids('rcpt'), previous, hash: '' };
      const receipt = { ...bare, hash: hashOf(bare) };
      await storage.write({ receipt });
      return receipt;
    });
    this.#chain = next.catch(() => undefined);
    return next;
  }
}

/** SHA-256 of the receipt's canonical JSON without its own hash. */
function hashOf({ hash: _, ...rest }: Receipt): string {
  return createHash('sha256').update(canonicalJson(rest)).digest('hex');
}

function checkSettings({ weights, halfLifeMs, shortTermMs, maxEntries }: MemorySettings): void {
  const parts = [weights.similarity, weights.recency, weights.importance];
  const sum = parts.reduce((a, b) => a + b, 0);
  if (parts.some((w) => !(w >= 0 && w <= 1)) || Math.abs(sum - 1) > 1e-9)
    throw new InvalidInput(`the weights of memory are from 0 to 1 and add up to 1, not ${parts.join(' + ')} = ${sum}`);
  for (const [name, value] of Object.entries({ halfLifeMs, shortTermMs, maxEntries }))
    if (!(value > 0)) throw new InvalidInput(`${name} of memory is above 0, not ${value}`);
}
