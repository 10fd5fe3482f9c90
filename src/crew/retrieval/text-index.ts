import MiniSearch from 'minisearch';
import { termsOf } from '../../kit/words.ts';

/** A text that matches a question, and how well. */
export interface TextHit {
  readonly id: string;
  /** BM25+ score; comparable within one question only. */
  readonly score: number;
  /** 0–1: how much of what the question asks for the text holds, rare words counting more. See `TextIndex.search`. */
  readonly similarity: number;
}

/** What MiniSearch scores by unless told otherwise (BM25+: k 1.2, b 0.7, d 0.5). */
const LOWER_BOUND = 0.5;

/**
 * Texts that are found by their words, with BM25+ (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25
 * and Beyond", 2009; Lv and Zhai, "Lower-Bounding Term Frequency Normalization", 2011) by MiniSearch. In memory; no
 * model, no network.
 */
export class TextIndex {
  readonly #index = new MiniSearch<{ readonly id: string; readonly text: string }>({
    fields: ['text'],
    tokenize: (text) => [...termsOf(text)],
    processTerm: (term) => term,
    autoVacuum: true,
  });

  get size(): number {
    return this.#index.documentCount;
  }

  /** Adds a text, or puts it in the place of the one of this id. */
  set(id: string, text: string): void {
    if (this.#index.has(id)) this.#index.discard(id);
    this.#index.add({ id, text });
  }

  delete(id: string): void {
    if (this.#index.has(id)) this.#index.discard(id);
  }

  /**
   * Texts with at least one word of the question, best first, equals by id. `similarity` is the BM25+ score over what a
   * text of average length would get that has every distinct word of the question once:
   * `min(1, score / Σ idf(t)·(1 + d))` with `idf(t) = ln(1 + (N − n + ½) / (n + ½))`. A word that no text has counts
   * in the sum, so a question about something else has a low similarity to all. `allowed` leaves texts out.
   */
  search(question: string, allowed: (id: string) => boolean = () => true): readonly TextHit[] {
    const terms = [...new Set(termsOf(question))];
    const texts = this.#index.documentCount;
    const scores = new Map<string, number>();
    let best = 0;
    for (const term of terms) {
      const hits = this.#index.search(term, { tokenize: (t) => [t], prefix: false, fuzzy: false });
      best += Math.log(1 + (texts - hits.length + 0.5) / (hits.length + 0.5)) * (1 + LOWER_BOUND);
      for (const { id, score } of hits) {
        const text = String(id);
        if (allowed(text)) scores.set(text, (scores.get(text) ?? 0) + score);
      }
    }
    return [...scores]
      .map(([id, score]) => ({ id, score, similarity: best === 0 ? 0 : Math.min(1, score / best) }))
      .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
  }
}
