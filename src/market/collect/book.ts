import type { PriceLevel } from '../domain/records.ts';

/**
 * One side of a book, best price last, so that the many changes near the best move few levels.
 * `order` is 1 for bids (best is the highest) and -1 for asks.
 */
class Side {
  #prices = new Float64Array(256);
  #quantities = new Float64Array(256);
  #size = 0;
  readonly #order: 1 | -1;

  constructor(order: 1 | -1) {
    this.#order = order;
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
  }

  set(price: number, quantity: number): void {
    const at = this.#find(price);
    const held = at < this.#size && this.#prices[at] === price;
    if (quantity === 0) {
      if (held) this.#remove(at);
    } else if (held) this.#quantities[at] = quantity;
    else this.#insert(at, price, quantity);
  }

  /** The best levels, best first. */
  top(depth: number): PriceLevel[] {
    const levels: PriceLevel[] = [];
    for (let i = this.#size - 1; i >= 0 && levels.length < depth; i--) {
      levels.push([this.#prices[i] ?? Number.NaN, this.#quantities[i] ?? Number.NaN]);
    }
    return levels;
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
    this.#size -= 1;
  }

  #grow(): void {
    const prices = new Float64Array(this.#size * 2);
    const quantities = new Float64Array(this.#size * 2);
    prices.set(this.#prices);
    quantities.set(this.#quantities);
    this.#prices = prices;
    this.#quantities = quantities;
  }
}

/** Price levels of both sides. Knows nothing of sequences: `BookSet` does. */
export class OrderBook {
  readonly #bids = new Side(1);
  readonly #asks = new Side(-1);

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
  apply(bids: readonly PriceLevel[], asks: readonly PriceLevel[]): void {
    for (const [price, quantity] of bids) this.#bids.set(price, quantity);
    for (const [price, quantity] of asks) this.#asks.set(price, quantity);
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
