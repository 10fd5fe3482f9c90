import type { BookProof, FlatLevels, PriceLevel } from '../domain/records.ts';

/**
 * One side of a book, best price last, so that the many changes near the best move few levels.
 * `order` is 1 for bids (best is the highest) and -1 for asks.
 */
class Side {
  #prices = new Float64Array(256);
  #quantities = new Float64Array(256);
  #size = 0;
  readonly #order: 1 | -1;
  readonly #keepsTexts: boolean;
  /** Each level's text, where a checksum needs it; undefined while no level has one. */
  #texts: string[] | undefined;

  constructor(order: 1 | -1, texts: boolean) {
    this.#order = order;
    this.#keepsTexts = texts;
  }

  get size(): number {
    return this.#size;
  }

  /** NaN when the side is empty. */
  get best(): number {
    return this.#size === 0 ? Number.NaN : (this.#prices[this.#size - 1] ?? Number.NaN);
  }

  clear(): void {
    this.#size = 0;
    this.#texts = undefined;
  }

  /** Sets the levels of a stretch of flat ones: at once where the side is empty and they come best first. */
  setFlat(values: Float64Array, start: number, end: number, texts?: readonly string[]): void {
    if (this.#size === 0 && texts === undefined && this.#isBestFirst(values, start, end)) {
      const size = (end - start) / 2;
      while (this.#prices.length < size) this.#grow();
      for (let i = start, at = size - 1; i < end; i += 2, at--) {
        this.#prices[at] = values[i] ?? Number.NaN;
        this.#quantities[at] = values[i + 1] ?? Number.NaN;
      }
      this.#size = size;
      return;
    }
    for (let i = start, n = 0; i < end; i += 2, n++) {
      this.set(values[i] ?? Number.NaN, values[i + 1] ?? Number.NaN, texts?.[n]);
    }
  }

  #isBestFirst(values: Float64Array, start: number, end: number): boolean {
    let before = this.#order * Number.POSITIVE_INFINITY;
    for (let i = start; i < end; i += 2) {
      const price = values[i] ?? Number.NaN;
      if (!((before - price) * this.#order > 0) || values[i + 1] === 0) return false;
      before = price;
    }
    return true;
  }

  set(price: number, quantity: number, text = ''): void {
    const at = this.#find(price);
    const held = at < this.#size && this.#prices[at] === price;
    if (quantity === 0) {
      if (held) this.#remove(at);
      return;
    }
    if (!held) this.#insert(at, price, quantity);
    this.#quantities[at] = quantity;
    if (this.#texts !== undefined) {
      if (held) this.#texts[at] = text;
      else this.#texts.splice(at, 0, text);
    } else if (text !== '' && this.#keepsTexts) {
      this.#texts = new Array<string>(this.#size).fill('');
      this.#texts[at] = text;
    }
  }

  /** Drops the worst levels beyond the best `depth`. */
  truncate(depth: number): void {
    const extra = this.#size - depth;
    if (extra <= 0) return;
    this.#prices.copyWithin(0, extra, this.#size);
    this.#quantities.copyWithin(0, extra, this.#size);
    this.#size -= extra;
    this.#texts?.splice(0, extra);
  }

  /** The best levels, best first. */
  top(depth: number): PriceLevel[] {
    const levels: PriceLevel[] = [];
    for (let i = this.#size - 1; i >= 0 && levels.length < depth; i--) {
      levels.push([this.#prices[i] ?? Number.NaN, this.#quantities[i] ?? Number.NaN]);
    }
    return levels;
  }

  /** Texts of the best levels, best first; none when the side keeps no texts. */
  texts(depth: number): string[] {
    if (this.#texts !== undefined) return this.#texts.slice(-depth).reverse();
    return this.#keepsTexts ? new Array<string>(Math.min(depth, this.#size)).fill('') : [];
  }

  /** Σ quantity, always added from the worst level to the best, so that equal books give equal sums. */
  total(): number {
    let sum = 0;
    for (let i = 0; i < this.#size; i++) sum += this.#quantities[i] ?? 0;
    return sum;
  }

  #find(price: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#prices[middle] ?? 0) - price) * this.#order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(at: number, price: number, quantity: number): void {
    if (this.#size === this.#prices.length) this.#grow();
    this.#prices.copyWithin(at + 1, at, this.#size);
    this.#quantities.copyWithin(at + 1, at, this.#size);
    this.#prices[at] = price;
    this.#quantities[at] = quantity;
    this.#size += 1;
  }

  #remove(at: number): void {
    this.#prices.copyWithin(at, at + 1, this.#size);
    this.#quantities.copyWithin(at, at + 1, this.#size);
    this.#texts?.splice(at, 1);
    this.#size -= 1;
  }

  #grow(): void {
    const prices = new Float64Array(this.#prices.length * 2);
    const quantities = new Float64Array(this.#prices.length * 2);
    prices.set(this.#prices);
    quantities.set(this.#quantities);
    this.#prices = prices;
    this.#quantities = quantities;
  }
}

/** Price levels of both sides. Knows nothing of sequences: `BookSet` does. */
export class OrderBook {
  readonly #bids: Side;
  readonly #asks: Side;

  /** `texts`: keeps the levels' texts as well, for a checksum. */
  constructor(options: { readonly texts?: boolean } = {}) {
    const texts = options.texts === true;
    this.#bids = new Side(1, texts);
    this.#asks = new Side(-1, texts);
  }

  /** Highest bid; NaN when there is none. */
  get bestBid(): number {
    return this.#bids.best;
  }

  /** Lowest ask; NaN when there is none. */
  get bestAsk(): number {
    return this.#asks.best;
  }

  get bidLevels(): number {
    return this.#bids.size;
  }

  get askLevels(): number {
    return this.#asks.size;
  }

  /** True when a bid is at or above an ask: such a book cannot be. */
  get crossed(): boolean {
    return this.#bids.best >= this.#asks.best;
  }

  clear(): void {
    this.#bids.clear();
    this.#asks.clear();
  }

  /** Sets levels to their new quantities; 0 removes. */
  apply(bids: readonly PriceLevel[], asks: readonly PriceLevel[], texts?: Pick<BookProof, 'bids' | 'asks'>): void {
    if (texts !== undefined) {
      setWithTexts(this.#bids, bids, texts.bids);
      setWithTexts(this.#asks, asks, texts.asks);
      return;
    }
    for (const [price, quantity] of bids) this.#bids.set(price, quantity);
    for (const [price, quantity] of asks) this.#asks.set(price, quantity);
  }

  /** Keeps the best `depth` levels of each side. */
  truncate(depth: number): void {
    this.#bids.truncate(depth);
    this.#asks.truncate(depth);
  }

  /** The levels' texts, best first, where they are kept. */
  texts(depth: number): Pick<BookProof, 'bids' | 'asks'> {
    return { bids: this.#bids.texts(depth), asks: this.#asks.texts(depth) };
  }

  /** As `apply`. */
  applyFlat(
    { values, bidsStart, bidsEnd, asksStart, asksEnd }: FlatLevels,
    texts?: Pick<BookProof, 'bids' | 'asks'>,
  ): void {
    this.#bids.setFlat(values, bidsStart, bidsEnd, texts?.bids);
    this.#asks.setFlat(values, asksStart, asksEnd, texts?.asks);
  }

  /** Best first, at most `depth` a side (all when left out). */
  bids(depth = Number.POSITIVE_INFINITY): PriceLevel[] {
    return this.#bids.top(depth);
  }

  asks(depth = Number.POSITIVE_INFINITY): PriceLevel[] {
    return this.#asks.top(depth);
  }

  /** Σ quantity of all levels held. */
  totals(): { readonly bids: number; readonly asks: number } {
    return { bids: this.#bids.total(), asks: this.#asks.total() };
  }
}

function setWithTexts(side: Side, levels: readonly PriceLevel[], texts: readonly string[]): void {
  for (const [index, [price, quantity]] of levels.entries()) side.set(price, quantity, texts[index]);
}
