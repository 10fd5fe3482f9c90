import type { Clock, Ms } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { OpsRows, OpsStore, OpsStored } from '../../kit/ops.ts';

export type MemoryType = OpsRows['agent_memory']['memory_type'];

export interface MemoryOptions {
  readonly type?: MemoryType | undefined;
  /** 0–1. Default 0.5. */
  readonly importance?: number | undefined;
  /** Default by type: short term 1 hour, working 24 hours, long term for ever. */
  readonly expiresInMs?: Ms | undefined;
}

export interface MemoryLimits {
  readonly shortTermMs?: Ms | undefined;
  readonly workingMs?: Ms | undefined;
  /** Entries of one agent; beyond it the least important, then least recently used, end. Default 1000. */
  readonly maxEntries?: number | undefined;
}

type Entry = OpsStored<'agent_memory'>;

const HOUR: Ms = 3_600_000;

/** What agents remember: one value a key and agent, on disk, with expiry. */
export class AgentMemory {
  readonly #store: OpsStore;
  readonly #clock: Clock;
  readonly #lifetimes: Readonly<Record<MemoryType, Ms | null>>;
  readonly #maxEntries: number;
  /** Setting the same key twice at once must not make two rows. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(store: OpsStore, clock: Clock, limits: MemoryLimits = {}) {
    this.#store = store;
    this.#clock = clock;
    this.#lifetimes = {
      short_term: limits.shortTermMs ?? HOUR,
      working: limits.workingMs ?? 24 * HOUR,
      long_term: null,
    };
    this.#maxEntries = limits.maxEntries ?? 1000;
  }

  /** Sets or replaces the value of the agent's key. Throws InvalidInput for an importance outside 0–1. */
  set(agentId: string, key: string, value: unknown, options: MemoryOptions = {}): Promise<void> {
    const { type = 'working', importance = 0.5 } = options;
    if (!(importance >= 0 && importance <= 1))
      return Promise.reject(new InvalidInput(`importance is a number from 0 to 1, not ${importance}`));
    const lifetime = options.expiresInMs ?? this.#lifetimes[type];
    return this.#inTurn(agentId, async () => {
      const expires_at = lifetime === null ? null : this.#clock.now() + lifetime;
      const changes = { memory_type: type, value, expires_at, importance };
      const known = await this.#row(agentId, key);
      if (known !== undefined) {
        await this.#store.update('agent_memory', known.id, changes);
        return;
      }
      await this.#makeRoom(agentId);
      const used = { access_count: 0, last_accessed: null };
      await this.#store.insert('agent_memory', { agent_id: agentId, key, ...changes, ...used });
    });
  }

  /** The value of the agent's key, or `fallback` when it has none or it has expired. Counts the access. */
  get(agentId: string, key: string, fallback: unknown = null): Promise<unknown> {
    return this.#inTurn(agentId, async () => {
      const row = await this.#row(agentId, key);
      if (row === undefined || this.#expired(row)) return fallback;
      const used = { access_count: row.access_count + 1, last_accessed: this.#clock.now() };
      await this.#store.update('agent_memory', row.id, used);
      return row.value;
    });
  }

  /** Entries that have not expired: the most important first, among equals the newest. */
  async entries(agentId: string, type?: MemoryType): Promise<readonly Entry[]> {
    const where = type === undefined ? { agent_id: agentId } : { agent_id: agentId, memory_type: type };
    const rows = await this.#store.select('agent_memory', { where, limit: 100_000 });
    return rows.filter((row) => !this.#expired(row)).sort((a, b) => b.importance - a.importance || b.id - a.id);
  }

  /** Ends one key, or all of the agent's. Gives how many ended. */
  clear(agentId: string, key?: string): Promise<number> {
    return this.#inTurn(agentId, async () => {
      const rows = (await this.entries(agentId)).filter((row) => key === undefined || row.key === key);
      for (const row of rows) await this.#end(row);
      return rows.length;
    });
  }

  async #makeRoom(agentId: string): Promise<void> {
    const rows = await this.entries(agentId);
    const lastUse = (row: Entry): Ms => row.last_accessed ?? row.created_at;
    const weakest = [...rows].sort((a, b) => a.importance - b.importance || lastUse(a) - lastUse(b) || a.id - b.id);
    for (const row of weakest.slice(0, Math.max(0, rows.length - this.#maxEntries + 1))) await this.#end(row);
  }

  async #row(agentId: string, key: string): Promise<Entry | undefined> {
    const [row] = await this.#store.select('agent_memory', { where: { agent_id: agentId, key }, limit: 1 });
    return row;
  }

  #end(row: Entry): Promise<void> {
    return this.#store.update('agent_memory', row.id, { expires_at: this.#clock.now() });
  }

  #expired(row: Entry): boolean {
    return row.expires_at !== null && row.expires_at <= this.#clock.now();
  }

  #inTurn<T>(agentId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(agentId) ?? Promise.resolve();
    const result = before.then(work, work);
    this.#turns.set(agentId, result);
    const done = (): void => {
      if (this.#turns.get(agentId) === result) this.#turns.delete(agentId);
    };
    result.then(done, done);
    return result;
  }
}
