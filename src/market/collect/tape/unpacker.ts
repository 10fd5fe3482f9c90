import { Worker } from 'node:worker_threads';
import { Corrupt, Unavailable, errorMessage } from '../../../kit/errors.ts';
import { CODEC } from './format.ts';
import type { PackedBlocks, UnpackedBlocks } from './protocol.ts';
import { unpack, type RawBlock } from './segments.ts';

/** So much is unpacked by the caller's thread: to start another for less takes longer. */
const OWN_BYTES = 2 * 1024 * 1024;
/** Handed over at once, packed: to hand over each block costs more than unpacking it. */
const BATCH_BYTES = 256 * 1024;
/** Bytes to add after a block before it is asked for, so that the thread has had the time. */
export const UNPACK_AHEAD_BYTES = 2 * BATCH_BYTES;

/** A block that is being unpacked. */
export interface Unpacking {
  /** The raw bytes of its items. Rejects with Corrupt when it does not unpack. */
  readonly raw: () => Promise<Buffer>;
  /** The raw bytes are looked at no more: others may take their place. */
  readonly free: () => void;
}

/** Blocks that were handed over together lie in one memory. */
interface Shared {
  /** So many of them may still be looked at. */
  used: number;
  memory: ArrayBuffer | undefined;
}

interface Waiting {
  readonly block: RawBlock;
  readonly where: string;
  readonly resolve: (raw: Buffer) => void;
  readonly reject: (error: Error) => void;
  /** What it was handed over with, once the thread has it. */
  sent: Shared | undefined;
}

/** Unpacks blocks in order; those of a long tape by a thread of its own, so that who reads them need not wait for it. */
export class Unpacker implements AsyncDisposable {
  #own = 0;
  #worker: Worker | undefined;
  #gathered: Waiting[] = [];
  #gatheredBytes = 0;
  readonly #sent: Waiting[][] = [];
  /** Memory that nobody looks at any more. */
  readonly #spare: ArrayBuffer[] = [];
  #dead: Error | undefined;

  /** Begins with a block. */
  add(block: RawBlock, path: string): Unpacking {
    const { codec, payloadBytes } = block.header;
    if (codec !== CODEC.deflateRaw || this.#own < OWN_BYTES) {
      this.#own += payloadBytes;
      const raw = unpack(block, path);
      raw.catch(unasked);
      return { raw: () => raw, free: unasked };
    }
    const { promise, resolve, reject } = pending<Buffer>();
    promise.catch(unasked);
    const waiting: Waiting = { block, where: `${path} at byte ${block.offset}`, resolve, reject, sent: undefined };
    this.#gathered.push(waiting);
    this.#gatheredBytes += payloadBytes;
    if (this.#gatheredBytes >= BATCH_BYTES) this.#flush();
    const raw = (): Promise<Buffer> => {
      // Blocks that are not packed may follow it for long, and fill no batch.
      if (waiting.sent === undefined) this.#flush();
      return promise;
    };
    return { raw, free: () => this.#free(waiting) };
  }

  #free({ sent }: Waiting): void {
    if (sent?.memory === undefined || --sent.used > 0) return;
    this.#spare.push(sent.memory);
    sent.memory = undefined;
  }

  /** Hands over what has gathered. */
  #flush(): void {
    const waiting = this.#gathered;
    const shared: Shared = { used: waiting.length, memory: undefined };
    for (const one of waiting) one.sent = shared;
    const bytes = new Uint8Array(this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    let at = 0;
    for (const { block } of waiting) {
      bytes.set(block.payload, at);
      at += block.payload.length;
    }
    const blocks = waiting.map(({ block: { header } }) => ({
      payloadBytes: header.payloadBytes,
      rawBytes: header.rawBytes,
    }));
    this.#sent.push(waiting);
    if (this.#dead !== undefined) return this.#fail(this.#dead);
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    const memory = this.#spare.pop() ?? null;
    const moved = memory === null ? [bytes.buffer] : [bytes.buffer, memory];
    worker.postMessage({ bytes, blocks, memory } satisfies PackedBlocks, moved);
  }

  /** Ends the thread, whatever is left to do. */
  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./unpack-worker.mjs', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    worker.on('message', (unpacked: UnpackedBlocks) => this.#settle(unpacked));
    worker.on('error', (error) => this.#fail(gone(errorMessage(error))));
    worker.on('exit', (code) => this.#fail(gone(`it ended with code ${code}`)));
    return worker;
  }

  #settle({ raw, failures }: UnpackedBlocks): void {
    const waiting = this.#sent.shift() ?? [];
    const shared = waiting[0]?.sent;
    if (shared !== undefined) shared.memory = raw.buffer;
    let at = raw.byteOffset;
    for (const [i, { block, where, resolve, reject }] of waiting.entries()) {
      const failure = failures[i] ?? null;
      if (failure === null) resolve(Buffer.from(raw.buffer, at, block.header.rawBytes));
      else reject(new Corrupt(`${where}: ${failure}`));
      at += block.header.rawBytes;
    }
    // The process need not stay alive for a reader that has gone away.
    if (this.#sent.length === 0) this.#worker?.unref();
  }

  #fail(error: Error): void {
    this.#dead ??= error;
    for (const waiting of this.#sent.splice(0)) for (const { reject } of waiting) reject(this.#dead);
  }
}

/** What is unpacked is handed on at once: a small nursery is enough. */
const YOUNG_MB = 2;

/** A failure is thrown where the bytes are asked for, if they ever are. */
function unasked(): void {}

function pending<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((taken, refused) => {
    resolve = taken;
    reject = refused;
  });
  return { promise, resolve, reject };
}

function gone(reason: string): Unavailable {
  return new Unavailable(`the thread that unpacks the tape is gone: ${reason}; read it again`);
}
