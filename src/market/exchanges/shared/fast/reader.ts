import type { Us } from '../../../../kit/clock.ts';
import type { Market, MarketRecord, RecordSink } from '../../../domain/records.ts';
import { textOfBytes } from '../../../domain/tape.ts';
import type { Decoder, FrameVerdict } from '../../contract.ts';
import type { SymbolTable } from '../symbols.ts';
import { dataVerdict } from '../verdicts.ts';
import { compile, type Leaf, type Step } from './program.ts';
import { recordOf, type FrameFacts } from './records.ts';
import { Scan, scan } from './scanner.ts';
import type { Shape } from './template.ts';

/** Reads frames of known shapes from their bytes; undefined for every other, of which nothing was handed on. */
export type FastReader = (frame: Uint8Array, recvTime: Us, sink: RecordSink) => FrameVerdict | undefined;

/** Decodes a frame from its bytes: by the decoder's shapes where it has one that fits, else as text. */
export function decodeBytes(decoder: Decoder, frame: Uint8Array, recvTime: Us, sink: RecordSink): FrameVerdict {
  return decoder.bytes?.(frame, recvTime, sink) ?? decoder.frame(textOfBytes(frame), recvTime, sink);
}

/**
 * The shapes of one market, to be made once. The function it gives makes a reader for a decoder's symbols. Whatever a
 * reader accepts gives the records that the decoder's `frame` gives for the same text. Throws when shapes are ambiguous.
 */
export function fastReader(
  exchange: string,
  market: Market,
  shapes: readonly Shape[],
): (symbols: SymbolTable) => FastReader {
  const program = compile(shapes);
  return (symbols) => {
    const reader = new Reader(program, exchange, market, symbols);
    return (frame, recvTime, sink) => reader.read(frame, recvTime, sink);
  };
}

class Reader {
  readonly #program: Step;
  readonly #facts: { exchange: string; market: Market; recvTime: Us };
  readonly #scanner: Scan;
  readonly #rows: MarketRecord[] = [];

  constructor(program: Step, exchange: string, market: Market, symbols: SymbolTable) {
    this.#program = program;
    this.#facts = { exchange, market, recvTime: 0 } satisfies FrameFacts;
    this.#scanner = new Scan(symbols, (leaf) => this.#row(leaf));
  }

  read(frame: Uint8Array, recvTime: Us, sink: RecordSink): FrameVerdict | undefined {
    this.#facts.recvTime = recvTime;
    const rows = this.#rows;
    if (rows.length > 0) rows.length = 0;
    const leaf = scan(this.#scanner, this.#program, frame);
    if (leaf === undefined) return undefined;
    if (leaf.rows) {
      // A frame is taken whole or not at all.
      for (const row of rows) sink(row);
      return dataVerdict(rows.length);
    }
    const record = recordOf(leaf, this.#scanner, this.#facts);
    if (record === undefined) return undefined;
    sink(record);
    return dataVerdict(1);
  }

  #row(leaf: Leaf): boolean {
    const record = recordOf(leaf, this.#scanner, this.#facts);
    if (record === undefined) return false;
    this.#rows.push(record);
    return true;
  }
}
