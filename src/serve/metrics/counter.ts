import type { Sample } from './text.ts';

/** Values that one label takes at most: names of tools and models can come from a model's mouth. */
const MOST_VALUES = 400;
const OTHER = 'other';

/** Sums by labels. What comes under a label after its 400th value is counted as `other`. */
export class Counter {
  readonly #labels: readonly string[];
  readonly #known: readonly Set<string>[];
  readonly #sums = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>();

  constructor(...labels: readonly string[]) {
    this.#labels = labels;
    this.#known = labels.map(() => new Set());
  }

  add(amount: number, ...values: readonly string[]): void {
    const bounded = values.map((value, i) => this.#bounded(value, i));
    const key = JSON.stringify(bounded);
    const sum = this.#sums.get(key);
    if (sum !== undefined) sum.value += amount;
    else {
      const labels = Object.fromEntries(this.#labels.map((label, i) => [label, bounded[i] ?? OTHER]));
      this.#sums.set(key, { labels, value: amount });
    }
  }

  samples(): readonly Sample[] {
    return [...this.#sums.values()];
  }

  #bounded(value: string, label: number): string {
    const known = this.#known[label];
    if (known === undefined || known.has(value)) return value;
    if (known.size >= MOST_VALUES) return OTHER;
    known.add(value);
    return value;
  }
}

/** Seconds, as calls of models and tools take them. */
const BOUNDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** How long things took. */
export class Histogram {
  readonly #counts = BOUNDS.map(() => 0);
  #sum = 0;
  #count = 0;

  observe(seconds: number): void {
    this.#sum += seconds;
    this.#count += 1;
    for (const [i, bound] of BOUNDS.entries()) if (seconds <= bound) this.#counts[i] = (this.#counts[i] ?? 0) + 1;
  }

  samples(): readonly Sample[] {
    return [
      ...BOUNDS.map((bound, i) => ({ suffix: '_bucket', labels: { le: String(bound) }, value: this.#counts[i] ?? 0 })),
      { suffix: '_bucket', labels: { le: '+Inf' }, value: this.#count },
      { suffix: '_sum', value: this.#sum },
      { suffix: '_count', value: this.#count },
    ];
  }
}
