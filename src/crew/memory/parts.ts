import { createHash, randomBytes } from 'node:crypto';
import type { Clock, Ms } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { SystemConfig } from '../config/system-schema.ts';
import type { Embedder } from '../retrieval/vector.ts';
import type { Memory, MemoryStorage, RecallWeights, Receipt } from './contract.ts';

const DAY: Ms = 86_400_000;

export interface VaultOptions {
  readonly storage: MemoryStorage;
  readonly clock: Clock;
  readonly events?: EventSink | undefined;
  readonly ids: (prefix: string) => string;
  /** Finds by meaning too; without one by words alone. */
  readonly embedder?: Embedder | undefined;
  readonly settings?: Partial<MemorySettings> | undefined;
}

export interface MemorySettings {
  /** How much the parts of a score count. Default 0.5, 0.3, 0.2. */
  readonly weights: RecallWeights;
  /** Time after which the recency of a memory has halved. Default 30 days. */
  readonly halfLifeMs: Ms;
  /** How long `short_term` stays. Default 1 day. */
  readonly shortTermMs: Ms;
  /** Memories of one tenant; beyond it those with the lowest importance and recency end. Default 10,000. */
  readonly maxEntries: number;
}

export const MEMORY_DEFAULTS: MemorySettings = {
  weights: { similarity: 0.5, recency: 0.3, importance: 0.2 },
  halfLifeMs: 30 * DAY,
  shortTermMs: DAY,
  maxEntries: 10_000,
};

const HOUR: Ms = 3_600_000;

/** The settings that system.yaml gives. */
export function memorySettings(memory: SystemConfig['memory']): MemorySettings {
  return {
    weights: {
      similarity: memory.similarity_weight,
      recency: memory.recency_weight,
      importance: memory.importance_weight,
    },
    halfLifeMs: memory.half_life_days * DAY,
    shortTermMs: memory.short_term_hours * HOUR,
    maxEntries: memory.max_entries,
  };
}

/** What a tenant's memory needs from its vault. */
export interface VaultParts extends Omit<VaultOptions, 'settings'> {
  readonly settings: MemorySettings;
  /** Writes a receipt after the last of the chain. */
  readonly receipt: (fields: Omit<Receipt, 'id' | 'previous' | 'hash'>, ids: readonly string[]) => Promise<Receipt>;
}

/** What a receipt keeps of a text. */
export function saltedDigest(salt: string, content: string): string {
  return createHash('sha256').update(`${salt}\n${content}`).digest('hex');
}

/** A fresh salt for a receipt. */
export function newSalt(): string {
  return randomBytes(16).toString('hex');
}

/** Names the vector of a text. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Half as much after each half-life; 1 for what is new. */
export function recencyOf(memory: Memory, now: Ms, halfLifeMs: Ms): number {
  return 0.5 ** (Math.max(0, now - memory.updated_at) / halfLifeMs);
}
