import { z } from 'zod';
import type { Us } from '../../../kit/clock.ts';

/** Trade ids that are not held, both inclusive, and the stretch of time [after, before) in which they were. */
export interface IdHole {
  readonly fromId: number;
  readonly toId: number;
  readonly after: Us;
  readonly before: Us;
}

export const idHoleSchema = z.object({ fromId: z.number(), toId: z.number(), after: z.number(), before: z.number() });

/** More holes than this are not remembered: the shortest are forgotten, and stay missing. */
export const MAX_HOLES = 256;

/** The holes in the consecutive trade ids of one series, by id. Each id that comes late narrows, splits or closes one. */
export class TradeHoles {
  #holes: IdHole[] = [];

  all(): readonly IdHole[] {
    return this.#holes;
  }

  restore(holes: readonly IdHole[]): void {
    this.#holes = [...holes];
  }

  /** A hole after all others. */
  add(hole: IdHole): void {
    this.#holes.push(hole);
    this.#bound();
  }

  /** Takes an id out. Gives the stretch that is whole because of it; undefined when there is none. */
  take(id: number, time: Us): { readonly from: Us; readonly to: Us } | undefined {
    const index = this.#find(id);
    const hole = this.#holes[index];
    if (hole === undefined || id < hole.fromId || id > hole.toId) return undefined;
    // A venue's times need not rise with its ids; what is told here must stay within the hole.
    const at = Math.min(Math.max(time, hole.after), hole.before - 1);
    if (hole.fromId === hole.toId) {
      this.#holes.splice(index, 1);
      return { from: hole.after, to: hole.before };
    }
    if (id === hole.fromId) {
      this.#holes[index] = { ...hole, fromId: id + 1, after: at };
      return { from: hole.after, to: at };
    }
    if (id === hole.toId) {
      this.#holes[index] = { ...hole, toId: id - 1, before: at + 1 };
      return { from: at + 1, to: hole.before };
    }
    this.#holes.splice(index, 1, { ...hole, toId: id - 1, before: at + 1 }, { ...hole, fromId: id + 1, after: at });
    this.#bound();
    return undefined;
  }

  /** Index of the first hole that ends at or after the id. */
  #find(id: number): number {
    let low = 0;
    let high = this.#holes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#holes[middle]?.toId ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #bound(): void {
    if (this.#holes.length <= MAX_HOLES) return;
    let shortest = 0;
    for (const [index, hole] of this.#holes.entries()) {
      const held = this.#holes[shortest];
      if (held !== undefined && hole.before - hole.after < held.before - held.after) shortest = index;
    }
    this.#holes.splice(shortest, 1);
  }
}
