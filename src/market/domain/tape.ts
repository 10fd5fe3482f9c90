import type { Us } from '../../kit/clock.ts';
import type { Market, SeriesKey } from './records.ts';

/**
 * What goes on the tape, in the order it happened: live and replay are the same async iterable of these.
 * A disconnect is an item like any other; it resets derived state.
 */
export type TapeItem = FrameItem | RestItem | ConnectedItem | DisconnectedItem | NoteItem;

interface ItemBase {
  /** When we received it, UTC µs; never goes back within a tape. */
  readonly recv_time: Us;
  /** `binance_futures#3`: venue market and connection number, unique within a tape. */
  readonly connection: string;
  readonly exchange: string;
  readonly market: Market;
}

/** A WebSocket text frame, as received: its UTF-8 bytes, so that no text is made where none is needed. */
export interface FrameItem extends ItemBase {
  readonly kind: 'frame';
  readonly bytes: Uint8Array;
  /** Where the same bytes are, when `bytes` would make a view of them only now. */
  readonly range?: ByteRange | undefined;
}

/** A REST answer's body, with the call that asked for it, so that replay can decode it. */
export interface RestItem extends ItemBase {
  readonly kind: 'rest';
  readonly call: RestCallName;
  readonly args: RestArgs;
  readonly body: string;
  /** Set on answers fetched after the event: their records carry `origin: backfill`. Absent: live. */
  readonly origin?: 'backfill' | undefined;
}

export interface ConnectedItem extends ItemBase {
  readonly kind: 'connected';
  readonly url: string;
  /** The series that the connection was opened for. */
  readonly series?: readonly Pick<SeriesKey, 'symbol' | 'stream'>[] | undefined;
  /** Subscription acknowledgements to come; absent where the venue sends none that can be counted. */
  readonly acknowledgements?: number | undefined;
}

export interface DisconnectedItem extends ItemBase {
  readonly kind: 'disconnected';
  readonly reason: string;
}

/** Anything else that replay must repeat, as JSON: instrument lists in force, streams added or removed. */
export interface NoteItem extends ItemBase {
  readonly kind: 'note';
  readonly note: string;
  readonly data: unknown;
}

export const REST_CALLS = [
  'instruments',
  'book_snapshot',
  'prices',
  'open_interest',
  'trades',
  'candles',
  'funding_rates',
  'mark_prices',
  'open_interest_history',
  'ticker_24h',
  'server_time',
] as const;
export type RestCallName = (typeof REST_CALLS)[number];

/** Bounds are half-open [from, to), UTC ms. */
export interface RestArgs {
  readonly symbol?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit?: number | undefined;
  /** The venue's cursor or first id, for paging. */
  readonly cursor?: string | undefined;
}

/** Where an item lies: segment number and ordinal within it. Positions order the whole tape. */
export interface TapePosition {
  readonly segment: number;
  readonly item: number;
}

/** A stretch of memory, as a view of it has it. */
export type ByteRange = Pick<Uint8Array, 'buffer' | 'byteOffset' | 'byteLength'>;

/** UTF-8 bytes as text. */
export function textOfBytes(bytes: ByteRange): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
