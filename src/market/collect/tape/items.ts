import { z } from 'zod';
import { Corrupt } from '../../../kit/errors.ts';
import type { Us } from '../../../kit/clock.ts';
import { MARKETS, STREAMS, type Market } from '../../domain/records.ts';
import { REST_CALLS, type ByteRange, type FrameItem, type TapeItem } from '../../domain/tape.ts';
import { GATHERED_AT, ITEM_HEADER_BYTES, KIND, SHOWN, WHOLE } from './block-items.mjs';
import { CODEC, encodeBlockHeader, type BlockHeader } from './format.ts';

/** Around the three names of a connection, as JSON. */
const CONNECTION_BYTES = 40;

/** Blocks' worth of memory that is kept for the next ones. */
const MOST_SPARE = 8;

/** The items of a block: so many `bytes` of the memory, from `GATHERED_AT`. */
export interface GatheredBlock {
  readonly memory: SharedArrayBuffer;
  readonly bytes: number;
  readonly items: number;
  /** Ordinal of the first item within the segment. */
  readonly firstItem: number;
  readonly firstRecvTime: Us;
  readonly lastRecvTime: Us;
}

/**
 * Gathers items of one block, in memory that the tape's thread reads without another copy, while it still grows too:
 * the memory begins with how far it may be read (`protocol.ts`). Adding copies, so that what was added can be forgotten.
 */
export class BlockBuilder {
  #memory: SharedArrayBuffer;
  #buffer: Buffer;
  #state: Int32Array;
  readonly #spare: SharedArrayBuffer[] = [];
  readonly #capacity: number;
  #offset = 0;
  #items = 0;
  readonly #connections = new Map<string, number>();
  firstItem = 0;
  firstRecvTime: Us = 0;
  lastRecvTime: Us = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#memory = new SharedArrayBuffer(GATHERED_AT + capacity);
    this.#buffer = Buffer.from(this.#memory, GATHERED_AT);
    this.#state = new Int32Array(this.#memory, 0, 2);
  }

  get memory(): SharedArrayBuffer {
    return this.#memory;
  }

  get items(): number {
    return this.#items;
  }

  get bytes(): number {
    return this.#offset;
  }

  /** Whether the item can be added without other memory, which only an empty block may get. */
  fits(item: TapeItem): boolean {
    const length = item.kind === 'frame' ? item.bytes.length : 3 * JSON.stringify(detail(item)).length;
    const named = 3 * (item.connection.length + item.exchange.length + item.market.length) + CONNECTION_BYTES;
    return this.#offset + 2 * ITEM_HEADER_BYTES + named + length <= this.#buffer.length;
  }

  /** Shows the thread all that was added so far. */
  show(): void {
    Atomics.store(this.#state, SHOWN, this.#offset);
  }

  add(item: TapeItem, ordinal: number): void {
    if (this.#items === 0) {
      this.firstItem = ordinal;
      this.firstRecvTime = item.recv_time;
    }
    this.lastRecvTime = item.recv_time;
    const connection = this.#connections.get(item.connection) ?? this.#define(item);
    if (item.kind === 'frame') this.#writeBytes(KIND.frame, connection, item.recv_time, item.bytes);
    else this.#write(KIND[item.kind], connection, item.recv_time, JSON.stringify(detail(item)));
    this.#items += 1;
  }

  /** What was gathered, shown as the whole block; and an empty builder, which goes on with other memory. */
  take(): GatheredBlock {
    const { items, firstItem, firstRecvTime, lastRecvTime } = this;
    const taken = { memory: this.#memory, bytes: this.#offset, items, firstItem, firstRecvTime, lastRecvTime };
    this.show();
    Atomics.store(this.#state, WHOLE, 1);
    this.#use(this.#spare.pop() ?? new SharedArrayBuffer(GATHERED_AT + this.#capacity));
    this.#state.fill(0);
    this.#offset = 0;
    this.#items = 0;
    this.#connections.clear();
    return taken;
  }

  /** Memory that `take` gave, for another block. */
  giveBack(memory: SharedArrayBuffer): void {
    if (memory.byteLength === GATHERED_AT + this.#capacity && this.#spare.length < MOST_SPARE) this.#spare.push(memory);
  }

  #define(item: TapeItem): number {
    const number = this.#connections.size;
    this.#connections.set(item.connection, number);
    this.#write(KIND.connection, number, 0, JSON.stringify([item.connection, item.exchange, item.market]));
    return number;
  }

  #write(kind: number, connection: number, recvTime: Us, text: string): void {
    const worst = this.#offset + ITEM_HEADER_BYTES + text.length * 3;
    if (worst > this.#buffer.length) this.#grow(worst);
    this.#finish(kind, connection, recvTime, this.#buffer.write(text, this.#offset + ITEM_HEADER_BYTES, 'utf8'));
  }

  #writeBytes(kind: number, connection: number, recvTime: Us, bytes: Uint8Array): void {
    const least = this.#offset + ITEM_HEADER_BYTES + bytes.length;
    if (least > this.#buffer.length) this.#grow(least);
    this.#buffer.set(bytes, this.#offset + ITEM_HEADER_BYTES);
    this.#finish(kind, connection, recvTime, bytes.length);
  }

  /** The header before what was written behind its place. */
  #finish(kind: number, connection: number, recvTime: Us, length: number): void {
    const buffer = this.#buffer;
    const start = this.#offset;
    buffer[start] = kind;
    buffer[start + 1] = connection & 0xff;
    buffer[start + 2] = connection >> 8;
    buffer.writeDoubleLE(recvTime, start + 3);
    buffer.writeUInt32LE(length, start + 11);
    this.#offset = start + ITEM_HEADER_BYTES + length;
  }

  #grow(least: number): void {
    const before = this.#buffer;
    this.#use(new SharedArrayBuffer(GATHERED_AT + Math.max(least, before.length * 2)));
    before.copy(this.#buffer, 0, 0, this.#offset);
  }

  #use(memory: SharedArrayBuffer): void {
    this.#memory = memory;
    this.#buffer = Buffer.from(memory, GATHERED_AT);
    this.#state = new Int32Array(memory, 0, 2);
  }
}

/** The block that ends a segment in good order: its totals. */
export function encodeFooter(
  totals: Pick<BlockHeader, 'rawBytes' | 'items' | 'firstRecvTime' | 'lastRecvTime'>,
): Buffer {
  const rawBytes = Math.min(totals.rawBytes, 0xffff_ffff);
  return encodeBlockHeader(
    { ...totals, rawBytes, payloadBytes: 0, codec: CODEC.footer, firstItem: 0 },
    new Uint8Array(0),
  );
}

function detail(item: Exclude<TapeItem, { kind: 'frame' }>): unknown {
  switch (item.kind) {
    case 'rest':
      return { call: item.call, args: item.args, body: item.body, origin: item.origin };
    case 'connected':
      return { url: item.url, series: item.series, acknowledgements: item.acknowledgements };
    case 'disconnected':
      return { reason: item.reason };
    case 'note':
      return { note: item.note, data: item.data };
  }
}

const connectionSchema = z.tuple([z.string(), z.string(), z.enum(MARKETS)]);
type Connection = z.output<typeof connectionSchema>;
const restSchema = z.object({
  call: z.enum(REST_CALLS),
  args: z.object({
    symbol: z.string().optional(),
    from: z.number().optional(),
    to: z.number().optional(),
    limit: z.number().optional(),
    cursor: z.string().optional(),
  }),
  body: z.string(),
  origin: z.literal('backfill').optional(),
});
const connectedSchema = z.object({
  url: z.string(),
  series: z.array(z.object({ symbol: z.string(), stream: z.enum(STREAMS) })).optional(),
  acknowledgements: z.number().optional(),
});
const disconnectedSchema = z.object({ reason: z.string() });
const noteSchema = z.object({ note: z.string(), data: z.unknown() });

interface Base {
  readonly recv_time: Us;
  readonly connection: string;
  readonly exchange: string;
  readonly market: Market;
}

/** A frame of a block: a view of its bytes is made when it is asked for, which a replay hardly ever does. */
class BlockFrame implements FrameItem {
  readonly kind = 'frame';
  readonly recv_time: Us;
  readonly connection: string;
  readonly exchange: string;
  readonly market: Market;
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;

  constructor(recvTime: Us, [id, exchange, market]: Connection, buffer: ArrayBufferLike, start: number, end: number) {
    this.recv_time = recvTime;
    this.connection = id;
    this.exchange = exchange;
    this.market = market;
    this.buffer = buffer;
    this.byteOffset = start;
    this.byteLength = end - start;
  }

  get bytes(): Uint8Array {
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength);
  }

  get range(): ByteRange {
    return this;
  }
}

/** A frame as it is written: with its bytes, and nothing that only this program's memory has. */
export function plainItem(item: TapeItem): TapeItem {
  if (item.kind !== 'frame') return item;
  const { kind, recv_time, connection, exchange, market, bytes } = item;
  return { kind, recv_time, connection, exchange, market, bytes };
}

/** Connections by the text that names them: every block names its own, mostly those of the block before. */
export type KnownConnections = Map<string, Connection>;

const MOST_CONNECTIONS = 1_000;

/** The items of a block's raw bytes, in order. Throws Corrupt when the bytes are not items (`where` names them). */
export function decodeItems(
  raw: Buffer,
  where: string,
  known: KnownConnections = new Map<string, Connection>(),
): TapeItem[] {
  const items: TapeItem[] = [];
  const connections: Connection[] = [];
  const { buffer, byteOffset, length } = raw;
  const view = new DataView(buffer, byteOffset, length);
  let offset = 0;
  while (offset < length) {
    if (offset + ITEM_HEADER_BYTES > length) throw new Corrupt(`${where}: an item is cut short`);
    const kind = view.getUint8(offset);
    const number = view.getUint16(offset + 1, true);
    const recvTime = view.getFloat64(offset + 3, true);
    const start = offset + ITEM_HEADER_BYTES;
    offset = start + view.getUint32(offset + 11, true);
    if (offset > length) throw new Corrupt(`${where}: an item is cut short`);
    if (kind === KIND.connection) {
      connections[number] = connectionOf(raw.toString('utf8', start, offset), known, where);
      continue;
    }
    const connection = connections[number];
    if (connection === undefined) throw new Corrupt(`${where}: an item names a connection that is not defined`);
    if (kind === KIND.frame) {
      items.push(new BlockFrame(recvTime, connection, buffer, byteOffset + start, byteOffset + offset));
      continue;
    }
    const [id, exchange, market] = connection;
    const base: Base = { recv_time: recvTime, connection: id, exchange, market };
    items.push(other(kind, base, raw.toString('utf8', start, offset), where));
  }
  return items;
}

function connectionOf(text: string, known: KnownConnections, where: string): Connection {
  const held = known.get(text);
  if (held !== undefined) return held;
  const connection = parse(connectionSchema, text, where);
  if (known.size >= MOST_CONNECTIONS) known.clear();
  known.set(text, connection);
  return connection;
}

function other(kind: number, base: Base, text: string, where: string): TapeItem {
  switch (kind) {
    case KIND.rest:
      return { kind: 'rest', ...base, ...parse(restSchema, text, where) };
    case KIND.connected:
      return { kind: 'connected', ...base, ...parse(connectedSchema, text, where) };
    case KIND.disconnected:
      return { kind: 'disconnected', ...base, ...parse(disconnectedSchema, text, where) };
    case KIND.note: {
      const { note, data } = parse(noteSchema, text, where);
      return { kind: 'note', ...base, note, data };
    }
    default:
      throw new Corrupt(`${where}: item kind ${kind} is not known`);
  }
}

function parse<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Corrupt(`${where}: an item's fields are not JSON`, { cause: error });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new Corrupt(`${where}: an item's fields are wrong: ${result.error.message}`);
  return result.data;
}
