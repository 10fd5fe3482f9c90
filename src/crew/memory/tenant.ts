import { Conflict, InvalidInput, NotFound, Unavailable } from '../../kit/errors.ts';
import { mergeOutside } from '../../kit/outside.ts';
import { type Match, PassageIndex } from '../retrieval/passage-index.ts';
import { DUPLICATE, nearest } from './consolidate.ts';
import type {
  Consolidation,
  Memory,
  MemoryFilter,
  NewMemory,
  Recalled,
  RecallOptions,
  Receipt,
  Remembered,
} from './contract.ts';
import { checkScope, isWithin } from './scopes.ts';
import { newSalt, recencyOf, saltedDigest, textDigest, type VaultParts } from './parts.ts';

const CONTENT_LIMIT = 20_000;
const VALUE_LIMIT = 200_000;
/** Memories that a new one is held against. */
const COMPARED = 25;
/** Texts of a receipt that other tables are searched for, and the shortest that says anything. */
const TRACED = 50;
const TRACED_LENGTH = 12;

/** What one tenant remembers. Changes come one after another; a recall waits for those that were asked for before it. */
export class TenantMemory {
  readonly name: string;
  readonly #parts: VaultParts;
  readonly #memories: Map<string, Memory>;
  readonly #index: PassageIndex;
  #turn: Promise<unknown> = Promise.resolve();
  #retired = false;

  private constructor(name: string, parts: VaultParts, memories: readonly Memory[]) {
    this.name = name;
    this.#parts = parts;
    this.#memories = new Map(memories.map((memory) => [memory.id, memory]));
    this.#index = new PassageIndex(parts.embedder);
  }

  static async open(name: string, parts: VaultParts): Promise<TenantMemory> {
    const memories = await parts.storage.load(name);
    const opened = new TenantMemory(name, parts, memories);
    const vectors = await opened.#knownVectors(memories);
    for (const memory of memories)
      opened.#index.set(memory.id, memory.content, vectors.get(textDigest(memory.content)));
    return opened;
  }

  /** Writes a memory. Throws InvalidInput for a scope, importance or size that cannot be. */
  remember(given: NewMemory): Promise<Remembered> {
    return this.#inTurn(() => this.#remember(given));
  }

  /** The memories that have most to say on a question, highest score first; recalling them is noted with them. */
  recall(question: string, options: RecallOptions): Promise<readonly Recalled[]> {
    return this.#inTurn(() => this.#recall(question, options));
  }

  /** The memory of a key in a scope; undefined when there is none or it has ended. */
  get(scope: string, key: string): Promise<Memory | undefined> {
    return this.#inTurn(() => Promise.resolve(this.#withKey(scope, key)));
  }

  /** Memories that match, newest first. */
  list(filter: MemoryFilter = {}, limit = 100): Promise<readonly Memory[]> {
    return this.#inTurn(() =>
      Promise.resolve(
        this.#matching(filter)
          .sort((a, b) => b.updated_at - a.updated_at || (a.id < b.id ? 1 : -1))
          .slice(0, limit),
      ),
    );
  }

  /** Mergers and duplicates, newest first. */
  consolidations(limit = 100): Promise<readonly Consolidation[]> {
    return this.#inTurn(() => this.#parts.storage.consolidations(this.name, limit));
  }

  /** Makes two memories of one again. Throws NotFound, Conflict when it was undone before. */
  undo(id: string, by: string): Promise<Memory> {
    return this.#inTurn(async () => {
      const all = await this.#parts.storage.consolidations(this.name, 100_000);
      const found = all.find((c) => c.id === id);
      if (found === undefined) throw new NotFound(`there is no consolidation '${id}' of tenant ${this.name}`);
      if (found.undone_at !== null) throw new Conflict(`consolidation ${id} was undone by ${found.undone_by ?? ''}`);
      const undone = { ...found, undone_at: this.#parts.clock.now(), undone_by: by };
      await this.#parts.storage.write({ put: [found.other], consolidation: undone });
      this.#keep(found.other);
      return found.other;
    });
  }

  /**
   * Deletes the memories that match, with every trace of them in the tables of memory, and gives the proof. Throws
   * InvalidInput for a filter that names nothing, NotFound when nothing matches it.
   */
  forget(filter: MemoryFilter, why: { readonly by: string; readonly reason: string }): Promise<Receipt> {
    if (Object.values(filter).every((value) => value === undefined))
      return Promise.reject(new InvalidInput('say what is to be forgotten; reset forgets everything of a tenant'));
    return this.#inTurn(() => this.#forget(this.#matching(filter, true), why));
  }

  /** Forgets all of the tenant. Throws NotFound when there is nothing. */
  reset(why: { readonly by: string; readonly reason: string }): Promise<Receipt> {
    return this.#inTurn(() => this.#forget([...this.#memories.values()], why));
  }

  /** Ends what is past its time, or too much. Gives how many ended. */
  expire(): Promise<number> {
    return this.#inTurn(() => this.#sweep());
  }

  /** Waits for what was asked for. Later calls are refused: the vault opens the tenant anew. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.#turn;
  }

  async #remember(given: NewMemory): Promise<Remembered> {
    const { storage, events } = this.#parts;
    const fresh = this.#made(given);
    const earlier = fresh.key === null ? undefined : this.#withKey(fresh.scope, fresh.key, true);
    if (earlier !== undefined) {
      const memory = { ...fresh, id: earlier.id, created_at: earlier.created_at, recalls: earlier.recalls };
      await storage.write({ put: [memory] });
      this.#keep(memory);
      return { memory, outcome: 'replaced', consolidation: null };
    }
    const candidates = this.#index.alike(fresh.content, COMPARED).flatMap((id) => this.#memories.get(id) ?? []);
    const near =
      fresh.key === null
        ? nearest(
            candidates.filter((m) => !this.#ended(m)),
            fresh,
          )
        : undefined;
    if (near === undefined) {
      await storage.write({ put: [fresh] });
      this.#keep(fresh);
      await this.#sweep();
      return { memory: fresh, outcome: 'added', consolidation: null };
    }
    const { similarity } = near;
    const outcome = similarity >= DUPLICATE ? 'duplicate' : 'merged';
    const [stays, other] = outcome === 'duplicate' ? [near.memory, fresh] : [fresh, near.memory];
    const memory: Memory = {
      ...stays,
      importance: Math.max(fresh.importance, near.memory.importance),
      updated_at: fresh.updated_at,
      outside:
        fresh.outside === null || near.memory.outside === null
          ? null
          : mergeOutside(fresh.outside, near.memory.outside),
      expires_at: outcome === 'duplicate' ? fresh.expires_at : stays.expires_at,
    };
    const consolidation: Consolidation = {
      id: this.#parts.ids('cons'),
      tenant: this.name,
      at: fresh.updated_at,
      outcome,
      kept: memory.id,
      other,
      similarity,
      undone_at: null,
      undone_by: null,
    };
    await storage.write({ put: [memory], delete: outcome === 'merged' ? [other.id] : [], consolidation });
    if (outcome === 'merged') this.#drop(other.id);
    this.#keep(memory);
    events?.emit('memory.consolidated', {
      tenant: this.name,
      consolidation: consolidation.id,
      outcome,
      kept: memory.id,
      other: other.id,
      similarity,
    });
    return { memory, outcome, consolidation: consolidation.id };
  }

  #made({ scope, content, kind = 'long_term', importance = 0.5, by, ...given }: NewMemory): Memory {
    if (!(importance >= 0 && importance <= 1))
      throw new InvalidInput(`importance is a number from 0 to 1, not ${importance}`);
    if (content.trim() === '') throw new InvalidInput('a memory without content is none');
    if (content.length > CONTENT_LIMIT)
      throw new InvalidInput(`a memory has at most ${CONTENT_LIMIT} characters, not ${content.length}`);
    const value = given.value ?? null;
    const size = JSON.stringify(value).length;
    if (size > VALUE_LIMIT) throw new InvalidInput(`a memory's value has at most ${VALUE_LIMIT} bytes, not ${size}`);
    if (kind === 'entity' && given.entity === undefined) throw new InvalidInput('an entity memory names its entity');
    const { clock, ids, settings } = this.#parts;
    const now = clock.now();
    const lifetime =
      given.expiresInMs === undefined && kind === 'short_term' ? settings.shortTermMs : given.expiresInMs;
    return {
      id: ids('mem'),
      tenant: this.name,
      scope: checkScope(scope),
      kind,
      key: given.key ?? null,
      content,
      value,
      entity: given.entity ?? null,
      importance,
      written_by: { crew: null, agent: null, task: null, run: null, ...by },
      created_at: now,
      updated_at: now,
      expires_at: lifetime === undefined || lifetime === null ? null : now + lifetime,
      recalled_at: null,
      recalls: 0,
      outside: given.outside ?? null,
    };
  }

  async #recall(question: string, options: RecallOptions): Promise<readonly Recalled[]> {
    const { clock, settings, storage } = this.#parts;
    const { weights, halfLifeMs } = settings;
    const { limit = 5, minSimilarity = 0.1, kinds, entity, signal, except, leaveOut, note = true } = options;
    const roots = options.scopes?.map(checkScope);
    const now = clock.now();
    const seen = (id: string): boolean => {
      const memory = this.#memories.get(id);
      return (
        memory !== undefined &&
        !this.#ended(memory) &&
        (roots === undefined || roots.some((root) => isWithin(memory.scope, root))) &&
        except?.(memory.scope) !== true &&
        leaveOut?.(memory) !== true &&
        (kinds === undefined || kinds.includes(memory.kind)) &&
        (entity === undefined || memory.entity === entity)
      );
    };
    const matches = await this.#search(question, seen, signal);
    const scored = matches.flatMap(({ id, similarity }) => {
      const memory = this.#memories.get(id);
      if (memory === undefined || similarity < minSimilarity) return [];
      const recency = recencyOf(memory, now, halfLifeMs);
      const score =
        weights.similarity * similarity + weights.recency * recency + weights.importance * memory.importance;
      return [{ memory, score, similarity, recency }];
    });
    const best = scored.sort((a, b) => b.score - a.score || (a.memory.id < b.memory.id ? -1 : 1)).slice(0, limit);
    if (!note) return best;
    const noted = best.map(({ memory }) => ({ ...memory, recalled_at: now, recalls: memory.recalls + 1 }));
    if (noted.length > 0) await storage.write({ put: noted });
    for (const memory of noted) this.#memories.set(memory.id, memory);
    return best;
  }

  async #forget(
    memories: readonly Memory[],
    { by, reason }: { readonly by: string; readonly reason: string },
  ): Promise<Receipt> {
    if (memories.length === 0) throw new NotFound(`tenant ${this.name} remembers nothing of that kind`);
    if (by.trim() === '') throw new InvalidInput('forgetting needs the name of who asks for it');
    const { storage, clock, events, receipt } = this.#parts;
    const ids = memories.map((memory) => memory.id);
    const others = (await storage.consolidations(this.name, 100_000)).filter(
      (c) => ids.includes(c.kept) || ids.includes(c.other.id),
    );
    const texts = [...new Set([...memories, ...others.map((c) => c.other)].map((m) => m.content))];
    await storage.write({ delete: ids, erase: { ids, digests: texts.map(textDigest) } });
    for (const id of ids) this.#drop(id);
    const salt = newSalt();
    const traced = texts.filter((text) => text.trim().length >= TRACED_LENGTH).slice(0, TRACED);
    const proof = await receipt(
      {
        tenant: this.name,
        at: clock.now(),
        by,
        reason,
        memories: ids,
        salt,
        digests: memories.map((memory) => saltedDigest(salt, memory.content)),
        consolidations: others.length,
        remaining: 0,
        traces: await storage.traces(traced),
      },
      ids,
    );
    events?.emit('memory.forgotten', { tenant: this.name, receipt: proof.id, memories: ids.length, by, reason });
    return proof;
  }

  async #sweep(): Promise<number> {
    const { settings, clock, storage } = this.#parts;
    const all = [...this.#memories.values()];
    const ended = all.filter((memory) => this.#ended(memory));
    const left = all.length - ended.length - settings.maxEntries;
    const now = clock.now();
    const worth = (m: Memory): number => m.importance + recencyOf(m, now, settings.halfLifeMs);
    const weakest =
      left <= 0
        ? []
        : all
            .filter((memory) => !ended.includes(memory))
            .sort((a, b) => worth(a) - worth(b) || a.updated_at - b.updated_at || (a.id < b.id ? -1 : 1))
            .slice(0, left);
    const gone = [...ended, ...weakest].map((memory) => memory.id);
    if (gone.length === 0) return 0;
    await storage.write({ delete: gone });
    for (const id of gone) this.#drop(id);
    return gone.length;
  }

  #matching(filter: MemoryFilter, withEnded = false): Memory[] {
    const { ids, scope, kind, agent, run, entity } = filter;
    const about = filter.about?.toLowerCase();
    return [...this.#memories.values()].filter(
      (m) =>
        (withEnded || !this.#ended(m)) &&
        (ids === undefined || ids.includes(m.id)) &&
        (scope === undefined || isWithin(m.scope, scope)) &&
        (kind === undefined || m.kind === kind) &&
        (agent === undefined || m.written_by.agent === agent) &&
        (run === undefined || m.written_by.run === run) &&
        (entity === undefined || m.entity === entity) &&
        (about === undefined || `${m.content}\n${m.entity ?? ''}`.toLowerCase().includes(about)),
    );
  }

  #withKey(scope: string, key: string, withEnded = false): Memory | undefined {
    for (const memory of this.#memories.values()) {
      if (memory.key === key && memory.scope === scope) return withEnded || !this.#ended(memory) ? memory : undefined;
    }
    return undefined;
  }

  #ended({ expires_at }: Memory): boolean {
    return expires_at !== null && expires_at <= this.#parts.clock.now();
  }

  #keep(memory: Memory): void {
    this.#memories.set(memory.id, memory);
    this.#index.set(memory.id, memory.content);
  }

  #drop(id: string): void {
    this.#memories.delete(id);
    this.#index.delete(id);
  }

  /** By words alone, and with an event, when the embedder cannot be asked. */
  async #search(
    question: string,
    allowed: (id: string) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<readonly Match[]> {
    try {
      await this.#embed(signal);
      return await this.#index.search(question, { allowed, signal });
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      this.#parts.events?.emit('memory.failed', {
        tenant: this.name,
        what: 'meaning could not be asked; found by words alone',
        error: error.message,
      });
      return this.#index.searchWords(question, allowed);
    }
  }

  async #embed(signal: AbortSignal | undefined): Promise<void> {
    const { embedder, storage } = this.#parts;
    if (embedder === undefined) return;
    const made = await this.#index.embedMissing(signal);
    const vectors = new Map<string, Float32Array>();
    for (const [id, vector] of made) {
      const memory = this.#memories.get(id);
      if (memory !== undefined) vectors.set(textDigest(memory.content), vector);
    }
    if (vectors.size > 0) await storage.keepVectors(embedder.name, vectors);
  }

  async #knownVectors(memories: readonly Memory[]): Promise<ReadonlyMap<string, Float32Array>> {
    const { embedder, storage } = this.#parts;
    if (embedder === undefined) return new Map();
    return storage.vectors(
      embedder.name,
      memories.map((memory) => textDigest(memory.content)),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#retired)
      return Promise.reject(new Conflict(`the memory of tenant ${this.name} was closed: open it again`));
    const next = this.#turn.then(work, work);
    this.#turn = next.catch(() => undefined);
    return next;
  }
}
