import type { Clock } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { OpsStore, OpsStored } from '../../kit/ops.ts';

export interface Finding {
  readonly discoveredBy: string;
  readonly category: string;
  readonly title: string;
  readonly content: string;
  readonly metadata?: unknown;
  /** 0–1. Default 0.5. */
  readonly confidence?: number | undefined;
  /** 0–1. Default 0.5. */
  readonly usefulness?: number | undefined;
}

export interface KnowledgeQuery {
  readonly category?: string | undefined;
  /** Part of the title or content, in any case. */
  readonly text?: string | undefined;
  readonly minConfidence?: number | undefined;
  /** Default 50. */
  readonly limit?: number | undefined;
}

type Stored = OpsStored<'knowledge_base'>;

/** What agents found out and others may use. */
export class Knowledge {
  readonly #store: OpsStore;
  readonly #clock: Clock;

  constructor(store: OpsStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The entry's id. Throws InvalidInput for a confidence or usefulness outside 0–1. */
  async add(finding: Finding): Promise<number> {
    const { confidence = 0.5, usefulness = 0.5 } = finding;
    for (const [name, value] of Object.entries({ confidence, usefulness })) {
      if (!(value >= 0 && value <= 1)) throw new InvalidInput(`${name} is a number from 0 to 1, not ${value}`);
    }
    return this.#store.insert('knowledge_base', {
      timestamp: this.#clock.now(),
      discovered_by: finding.discoveredBy,
      category: finding.category,
      title: finding.title,
      content: finding.content,
      metadata: finding.metadata ?? null,
      confidence,
      verified: false,
      verified_by: null,
      access_count: 0,
      usefulness_score: usefulness,
    });
  }

  /** The most useful first, among equals the most certain. Looks through the newest 10,000 entries; counts the access. */
  async search(query: KnowledgeQuery = {}): Promise<readonly Stored[]> {
    const where = query.category === undefined ? {} : { category: query.category };
    const rows = await this.#store.select('knowledge_base', { where, limit: 10_000 });
    const text = query.text?.toLowerCase() ?? '';
    const found = rows
      .filter((row) => row.confidence >= (query.minConfidence ?? 0))
      .filter((row) => `${row.title}\n${row.content}`.toLowerCase().includes(text))
      .sort((a, b) => b.usefulness_score - a.usefulness_score || b.confidence - a.confidence || b.id - a.id)
      .slice(0, query.limit ?? 50);
    await Promise.all(
      found.map((row) => this.#store.update('knowledge_base', row.id, { access_count: row.access_count + 1 })),
    );
    return found;
  }

  /** Marks an entry as checked. Throws NotFound. */
  verify(id: number, by: string): Promise<void> {
    return this.#store.update('knowledge_base', id, { verified: true, verified_by: by });
  }
}
