import { Unavailable } from '../../kit/errors.ts';
import type { AnyEvent } from '../../kit/event.ts';
import { isWithin, itemOf, type StreamChannel, type StreamItem, textItem } from '../../kit/stream-item.ts';
import type { AnswerPiece, TextListener } from '../hooks.ts';
import type { RunDocument } from '../run/document.ts';
import type { CrewRunner, KickoffOptions } from '../run/contract.ts';
import type { EventSource } from '../run/event-source.ts';

/** A run that was started. Iterate it once for what happens in it; leaving the loop leaves the run at work. */
export interface RunStream extends AsyncIterable<StreamItem> {
  readonly runId: string;
  /** What it came to, when it ends or waits. */
  readonly done: Promise<RunDocument>;
}

export interface RunStreamOptions extends KickoffOptions {
  /** Default: all of them. */
  readonly channels?: readonly StreamChannel[] | undefined;
}

/** Items that one reader may leave untaken. */
const MOST_WAITING = 10_000;

interface Reader {
  readonly run: string;
  readonly channels: readonly StreamChannel[] | undefined;
  readonly items: StreamItem[];
  wake: (() => void) | undefined;
  ended: boolean;
  overflowed: boolean;
}

/**
 * Streams of runs on a host that keeps its events nowhere. Each reader has a queue of 10,000 items; one that leaves more
 * untaken gets an error in the place of a stream with holes.
 */
export class LocalStreams implements TextListener {
  readonly #source: EventSource;
  readonly #readers = new Set<Reader>();
  readonly #now: () => number;
  #seq = 0;
  #pieces = 0;

  constructor(source: EventSource, now: () => number) {
    this.#source = source;
    this.#now = now;
  }

  wantsText(runId: string): boolean {
    return this.#textReaders(runId).length > 0;
  }

  tell(piece: AnswerPiece): void {
    const item = textItem(piece, { seq: this.#seq, n: ++this.#pieces, time: this.#now() });
    for (const reader of this.#textReaders(piece.run_id)) give(reader, item);
  }

  /** Starts a crew; its items come from the first to the last. Throws what starting it throws. */
  async start(
    runner: CrewRunner,
    runId: string,
    crew: string,
    inputs: Readonly<Record<string, unknown>>,
    { channels, ...options }: RunStreamOptions,
  ): Promise<RunStream> {
    const reader: Reader = { run: runId, channels, items: [], wake: undefined, ended: false, overflowed: false };
    if (this.#readers.size === 0) this.#source.on('*', this.#heard);
    this.#readers.add(reader);
    try {
      const { done } = await runner.start(crew, inputs, { ...options, runId });
      // Whoever only iterates hears of a failure by the last item.
      done.catch(() => undefined).finally(() => this.#end(reader));
      return { runId, done, [Symbol.asyncIterator]: () => itemsOf(reader) };
    } catch (error) {
      this.#end(reader);
      throw error;
    }
  }

  #textReaders(runId: string): readonly Reader[] {
    return [...this.#readers].filter(
      ({ run, channels }) => isWithin(runId, run) && (channels === undefined || channels.includes('text')),
    );
  }

  #end(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#source.off('*', this.#heard);
    reader.ended = true;
    reader.wake?.();
  }

  readonly #heard = (event: AnyEvent): void => {
    this.#seq = event.seq;
    const item = itemOf(event);
    for (const reader of this.#readers)
      if (isWithin(item.run, reader.run) && (reader.channels === undefined || reader.channels.includes(item.channel)))
        give(reader, item);
  };
}

function give(reader: Reader, item: StreamItem): void {
  if (reader.items.length < MOST_WAITING) reader.items.push(item);
  else reader.overflowed = true;
  reader.wake?.();
}

async function* itemsOf(reader: Reader): AsyncGenerator<StreamItem, void, undefined> {
  for (;;) {
    const item = reader.items.shift();
    if (item !== undefined) yield item;
    else if (reader.overflowed)
      throw new Unavailable(
        `more than ${MOST_WAITING} items of run ${reader.run} were not taken: read them as they come`,
      );
    else if (reader.ended) return;
    else
      await new Promise<void>((resolve) => {
        reader.wake = resolve;
      });
  }
}
