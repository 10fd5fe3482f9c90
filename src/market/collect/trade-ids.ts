import { z } from 'zod';
import type { Us } from '../../kit/clock.ts';
import type { TradeRecord } from '../domain/records.ts';

/** Trades that a venue with consecutive ids never sent. Ids are inclusive; times are those of the trades around them. */
export interface TradeHole {
  readonly symbol: string;
  readonly fromId: number;
  readonly toId: number;
  readonly after: Us;
  readonly before: Us;
}

interface Last {
  id: number;
  time: Us;
}

const lastSchema = z.object({ id: z.number(), time: z.number() });
export const tradeIdsStateSchema = z.record(z.string(), lastSchema);

/** So many digits are a safe integer. */
const SAFE_DIGITS = 15;
const ZERO = 48;

/** The safe integer that an id is; NaN when it is none. */
export function numberOfId(id: string): number {
  if (id.length > 0 && id.length <= SAFE_DIGITS) {
    let number = 0;
    let at = 0;
    for (; at < id.length; at++) {
      const digit = id.charCodeAt(at) - ZERO;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    if (at === id.length) return number;
  }
  const number = Number(id);
  return Number.isSafeInteger(number) ? number : Number.NaN;
}

/**
 * Follows the trade ids of one market's symbols over all connections. While two connections overlap (rotation) the one
 * ahead must not make the other's trades look lost, so each connection is judged by what it brought itself, and its
 * first trade by what the market brought before.
 */
export class TradeIds {
  #newest = new Map<string, Last>();
  readonly #byConnection = new Map<string, Map<string, Last>>();

  /** The hole before this trade, if there is one. Late and repeated ids give none. `id`: `numberOfId` of the trade's. */
  next(connection: string, trade: TradeRecord, id: number): TradeHole | undefined {
    if (Number.isNaN(id)) return undefined;
    const own = this.#of(connection);
    const newest = this.#newest.get(trade.symbol);
    const mine = own.get(trade.symbol);
    const last = mine ?? (this.#overlaps(connection, trade.symbol) ? undefined : newest);
    const hole =
      last !== undefined && id > last.id + 1
        ? { symbol: trade.symbol, fromId: last.id + 1, toId: id - 1, after: last.time, before: trade.event_time }
        : undefined;
    if (mine === undefined) own.set(trade.symbol, { id, time: trade.event_time });
    else if (id > mine.id) {
      mine.id = id;
      mine.time = trade.event_time;
    }
    if (newest === undefined) this.#newest.set(trade.symbol, { id, time: trade.event_time });
    else if (id > newest.id) {
      newest.id = id;
      newest.time = trade.event_time;
    }
    return hole;
  }

  /** Forgets a connection; what the market brought stays known. */
  close(connection: string): void {
    this.#byConnection.delete(connection);
  }

  state(): z.output<typeof tradeIdsStateSchema> {
    return Object.fromEntries([...this.#newest].map(([symbol, last]) => [symbol, { ...last }]));
  }

  restore(state: z.output<typeof tradeIdsStateSchema>): void {
    this.#newest = new Map(Object.entries(state).map(([symbol, last]) => [symbol, { ...last }]));
  }

  #of(connection: string): Map<string, Last> {
    let own = this.#byConnection.get(connection);
    if (own === undefined) {
      own = new Map();
      this.#byConnection.set(connection, own);
    }
    return own;
  }

  #overlaps(connection: string, symbol: string): boolean {
    for (const [other, symbols] of this.#byConnection) if (other !== connection && symbols.has(symbol)) return true;
    return false;
  }
}
