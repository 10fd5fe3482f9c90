import type { Us } from '../../../../kit/clock.ts';
import type { Market, MarketRecord, RecordSink } from '../../../domain/records.ts';
import { textOfBytes, type ByteRange } from '../../../domain/tape.ts';
import type { Decoder, FrameVerdict } from '../../contract.ts';
import type { SymbolTable } from '../symbols.ts';
import { timeOf, type WireObject } from '../values.ts';
import { dataVerdict } from '../verdicts.ts';
import { compile, type Leaf, type Program } from './program.ts';
import { isMs, recordOf, type FrameFacts } from './records.ts';
import { Scan } from './scan.ts';
import { AT, type Shape } from './template.ts';

/** A frame whose objects are read as if they had been JSON. */
export interface ObjectsFrame {
  /** What the shape says that they are. */
  readonly what: string;
  readonly objects: readonly WireObject[];
  /** What the instrument that was named last is called on the wire. */
  readonly name: string;
  /** The frame's own, UTC µs; when it was received where its shape has none. */
  readonly time: Us;
  readonly recvTime: Us;
  readonly sink: RecordSink;
}

/** Reads frames of known shapes from their bytes; undefined for every other, of which nothing was handed on. */
export type FastReader = (frame: ByteRange, recvTime: Us, sink: RecordSink) => FrameVerdict | undefined;

/** Decodes a frame from its bytes: by the decoder's shapes where it has one that fits, else as text. */
export function decodeBytes(decoder: Decoder, frame: ByteRange, recvTime: Us, sink: RecordSink): FrameVerdict {
  return decoder.bytes?.(frame, recvTime, sink) ?? decoder.frame(textOfBytes(frame), recvTime, sink);
}

/**
 * The shapes of one market, to be made once. The function it gives makes a reader for a decoder's symbols. Whatever a
 * reader accepts gives the records that the decoder's `frame` gives for the same text. The first reader compiles the
 * shapes: throws when they are ambiguous. In a process that forbids code made at run time
 * (`--disallow-code-generation-from-strings`) readers take no frame, so that all go to `frame`.
 */
export function fastReader(
  exchange: string,
  market: Market,
  shapes: readonly Shape[],
): (symbols: SymbolTable, readObjects?: (frame: ObjectsFrame) => FrameVerdict | undefined) => FastReader {
  let program: Program | undefined;
  return (symbols, readObjects) => {
    program ??= compiled(shapes);
    const reader = new Reader(program, { exchange, market, symbols, readObjects });
    return (frame, recvTime, sink) => reader.read(frame, recvTime, sink);
  };
}

function compiled(shapes: readonly Shape[]): Program {
  try {
    return compile(shapes);
  } catch (error) {
    if (error instanceof EvalError) return { read: () => -1, leaves: [] };
    throw error;
  }
}

class Reader {
  readonly #program: Program;
  readonly #facts: { exchange: string; market: Market; recvTime: Us };
  readonly #scan: Scan;
  readonly #rows: MarketRecord[] = [];
  readonly #readObjects: ((frame: ObjectsFrame) => FrameVerdict | undefined) | undefined;
  #objects: WireObject[] = [];

  constructor(
    program: Program,
    {
      exchange,
      market,
      symbols,
      readObjects,
    }: {
      readonly exchange: string;
      readonly market: Market;
      readonly symbols: SymbolTable;
      readonly readObjects: ((frame: ObjectsFrame) => FrameVerdict | undefined) | undefined;
    },
  ) {
    this.#program = program;
    this.#readObjects = readObjects;
    this.#facts = { exchange, market, recvTime: 0 } satisfies FrameFacts;
    this.#scan = new Scan(symbols, (leaf) => this.#row(leaf));
  }

  read(frame: ByteRange, recvTime: Us, sink: RecordSink): FrameVerdict | undefined {
    this.#facts.recvTime = recvTime;
    const rows = this.#rows;
    if (rows.length > 0) rows.length = 0;
    const scan = this.#scan;
    scan.show(frame);
    const start = frame.byteOffset;
    const end = start + frame.byteLength;
    if (this.#program.read(scan, scan.bytes, scan.view, start, end) !== end) {
      if (this.#objects.length > 0) this.#objects = [];
      return undefined;
    }
    const leaf = this.#program.leaves[scan.leaf];
    if (leaf === undefined) return undefined;
    if (leaf.objects) return this.#objectsOf(leaf, recvTime, sink);
    if (leaf.rows) {
      // A frame is taken whole or not at all.
      for (const row of rows) sink(row);
      return dataVerdict(rows.length);
    }
    const record = recordOf(leaf, scan, this.#facts);
    if (record === undefined) return undefined;
    sink(record);
    return dataVerdict(1);
  }

  #objectsOf({ rows, has, make }: Leaf, recvTime: Us, sink: RecordSink): FrameVerdict | undefined {
    const objects = rows ? this.#objects : [this.#scan.object];
    this.#objects = [];
    const time = has.time ? timeOf(this.#scan.numbers[AT.time]) : recvTime;
    if (Number.isNaN(time) || (make.timeInMs === true && !isMs(this.#scan.numbers[AT.time] ?? 0))) return undefined;
    return this.#readObjects?.({ what: make.what ?? '', objects, name: this.#scan.name, time, recvTime, sink });
  }

  #row(at: number): boolean {
    const leaf = this.#program.leaves[at];
    if (leaf?.objects === true) {
      this.#objects.push(this.#scan.object);
      return true;
    }
    const record = leaf === undefined ? undefined : recordOf(leaf, this.#scan, this.#facts);
    if (record === undefined) return false;
    this.#scan.bounds.fill(0);
    this.#rows.push(record);
    return true;
  }
}
