import { cosine, type Embedder } from './vector.ts';
import { TextIndex } from './text-index.ts';

/** A text that may answer a question. */
export interface Match {
  readonly id: string;
  /** 0–1; see `PassageIndex`. */
  readonly similarity: number;
  /** By words alone, 0–1. */
  readonly words: number;
  /** By meaning alone: the cosine, at least 0; null without an embedder. */
  readonly meaning: number | null;
}

/** Words and meaning count the same. */
const WORDS_WEIGHT = 0.5;
/** Questions whose vectors are kept. */
const QUESTIONS_KEPT = 200;

/**
 * Texts that are found by their words and, with an embedder, by meaning too. Without one, `similarity` is that of
 * `TextIndex.search`; with one it is `½·words + ½·max(0, cosine)`, over all texts. The caller keeps the vectors; those
 * of texts that have none yet are made at the next search.
 */
export class PassageIndex {
  readonly #words = new TextIndex();
  readonly #texts = new Map<string, string>();
  readonly #vectors = new Map<string, Float32Array>();
  readonly #questions = new Map<string, Float32Array>();
  readonly #embedder: Embedder | undefined;

  constructor(embedder?: Embedder) {
    this.#embedder = embedder;
  }

  get size(): number {
    return this.#texts.size;
  }

  set(id: string, text: string, vector?: Float32Array): void {
    if (this.#texts.get(id) !== text) this.#vectors.delete(id);
    this.#texts.set(id, text);
    this.#words.set(id, text);
    if (vector !== undefined) this.#vectors.set(id, vector);
  }

  delete(id: string): void {
    this.#words.delete(id);
    this.#texts.delete(id);
    this.#vectors.delete(id);
  }

  /** The vector of a text; undefined while it has none. */
  vectorOf(id: string): Float32Array | undefined {
    return this.#vectors.get(id);
  }

  /** Makes the vectors that are missing, and gives those. Throws what the embedder throws. */
  async embedMissing(signal?: AbortSignal): Promise<ReadonlyMap<string, Float32Array>> {
    const made = new Map<string, Float32Array>();
    const embedder = this.#embedder;
    if (embedder === undefined) return made;
    const missing = [...this.#texts].filter(([id]) => !this.#vectors.has(id));
    if (missing.length === 0) return made;
    const vectors = await embedder.embed(
      missing.map(([, text]) => text),
      signal,
    );
    missing.forEach(([id, text], i) => {
      const vector = vectors[i];
      // The text may have changed meanwhile; then its vector comes with the next search.
      if (vector === undefined || this.#texts.get(id) !== text) return;
      this.#vectors.set(id, vector);
      made.set(id, vector);
    });
    return made;
  }

  /** Ids of texts that share words with this one, nearest first; without the embedder. */
  alike(text: string, limit: number): readonly string[] {
    return this.#words
      .search(text)
      .slice(0, limit)
      .map(({ id }) => id);
  }

  /** Matches with a similarity above 0, best first, equals by id. Throws what the embedder throws. */
  async search(
    question: string,
    options: {
      readonly allowed?: ((id: string) => boolean) | undefined;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<readonly Match[]> {
    const { allowed = () => true, signal } = options;
    const byWords = this.searchWords(question, allowed);
    if (this.#embedder === undefined) return byWords;
    await this.embedMissing(signal);
    const asked = await this.#vectorFor(question, signal);
    const words = new Map(byWords.map((match) => [match.id, match.words]));
    return [...this.#texts.keys()]
      .filter(allowed)
      .map((id) => {
        const vector = this.#vectors.get(id);
        const meaning = vector === undefined ? 0 : Math.max(0, cosine(asked, vector));
        const said = words.get(id) ?? 0;
        return { id, similarity: WORDS_WEIGHT * said + (1 - WORDS_WEIGHT) * meaning, words: said, meaning };
      })
      .filter(({ similarity }) => similarity > 0)
      .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1));
  }

  /** As `search` without an embedder. */
  searchWords(question: string, allowed: (id: string) => boolean): readonly Match[] {
    return this.#words
      .search(question, allowed)
      .map(({ id, similarity }) => ({ id, similarity, words: similarity, meaning: null }));
  }

  async #vectorFor(question: string, signal: AbortSignal | undefined): Promise<Float32Array> {
    const known = this.#questions.get(question);
    if (known !== undefined) return known;
    const [vector = new Float32Array(0)] = (await this.#embedder?.embed([question], signal)) ?? [];
    if (this.#questions.size >= QUESTIONS_KEPT) this.#questions.clear();
    this.#questions.set(question, vector);
    return vector;
  }
}
