import type { Clock, Ms, Timer, Us } from '../../kit/clock.ts';
import { Unavailable, errorMessage } from '../../kit/errors.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CoverageChange, CoverageHead } from '../domain/coverage.ts';
import type { StoredRecord } from '../domain/records.ts';
import type { TapeItem, TapePosition } from '../domain/tape.ts';
import type { IngestResult, MarketStore } from '../store/contract.ts';
import { ITEMS_LOST } from './ledger/notes.ts';
import type { Pipeline } from './pipeline.ts';
import type { TapeWriter } from './tape/writer.ts';

export interface IntakeOptions {
  readonly tape: TapeWriter;
  readonly pipeline: Pipeline;
  readonly store: MarketStore;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often rows are committed; asked for each commit. */
  readonly commitMs: () => Ms;
  /** Receive time of the newest item on the tape before this run; time goes on from there. */
  readonly lastRecvTime: Us;
  /** The sources should stop, or may go on, reading: more waits to be stored than should. */
  readonly onPressure: (paused: boolean) => void;
  /** The same for the rest of one turn of the event loop, which has received for long enough. */
  readonly onRest: (resting: boolean) => void;
  readonly onTapeError: (error: Unavailable) => void;
}

/**
 * Rows waiting beyond this bring the next commit forward. A commit costs 0.1 to 0.2 s of processor time however few rows
 * it has, since DuckDB plans its statements anew: more than a second's rows at 20,000 frames/s should share one …
 */
const EARLY_COMMIT_BYTES = 10_000_000;
/** … and beyond this the sources are paused until the store has caught up. As much again may be under way to it. */
const MAX_WAITING_BYTES = 24_000_000;
/** What a row takes in memory, about. */
const ROW_BYTES = 240;
const BOOK_ROW_BYTES = 1_600;
/** A turn of the event loop receives for so long at most: one socket alone may bring 2 MB, and commits have to wait. */
const MOST_TURN_MS = 20;
const FRAMES_A_LOOK = 64;
const MAX_TAPE_PRESSURE = 0.5;
/** How far the growing stretches of the completeness ledger reach is written this often. */
const HEADS_MS = 5_000;
/** A position without rows is committed this seldom. */
const IDLE_COMMIT_MS = 30_000;

/**
 * The one way in: an item goes on the tape, then through the pipeline, and its rows wait for the next commit. A commit
 * flushes the tape first, so that the store never holds a row whose frame could be lost.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #rows: StoredRecord[] = [];
  #rowBytes = 0;
  #changes: CoverageChange[] = [];
  /** Heads of a commit that failed. */
  #heads: CoverageHead[] = [];
  #headsAt: Ms = Number.NEGATIVE_INFINITY;
  /** Position that the heads written last were taken at. */
  #headsOf: TapePosition | null = null;
  #losing: { readonly from: Us; items: number } | undefined;
  #position: TapePosition | null = null;
  #committed: TapePosition | null = null;
  #committedAt: Ms;
  #lastRecvTime: Us;
  #pushes = 0;
  #paused = false;
  /** When the turn under way began to receive. */
  #turn: Ms | undefined;
  #resting = false;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  /** The commit after the one under way, which all who ask meanwhile share. */
  #next: { readonly done: Promise<void>; always: boolean } | undefined;
  /** The loop commits, or is about to: nothing need be brought forward. */
  #due = false;
  #stopped = false;
  #lost = 0;
  #frames = 0;
  #stored = 0;
  #storeError: string | undefined;
  #oldestWaiting: Us | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#lastRecvTime = options.lastRecvTime;
    this.#committedAt = options.clock.monotonicMs();
    this.#schedule();
  }

  /** Rows stored since the start, duplicates not counted. */
  get stored(): number {
    return this.#stored;
  }

  /** Items that could not be put on the tape and were therefore not used. */
  get lost(): number {
    return this.#lost;
  }

  /** WebSocket frames taken since the start. */
  get frames(): number {
    return this.#frames;
  }

  /** Why rows cannot be committed now; undefined when all is well. */
  get storeError(): string | undefined {
    return this.#storeError;
  }

  /** Age of the oldest row that is not committed, ms. */
  get lagMs(): Ms {
    return this.#oldestWaiting === null ? 0 : Math.max(0, this.#options.clock.now() - this.#oldestWaiting / 1000);
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Our time for the next item, UTC µs; when the clock was set back it stands still until the clock caught up. */
  recvTime(): Us {
    const now = this.#options.clock.now() * 1000;
    if (now > this.#lastRecvTime) this.#lastRecvTime = now;
    return this.#lastRecvTime;
  }

  /** Receive time of the newest item on the tape, UTC µs; 0 when there is none. */
  recvTimeOfTape(): Us {
    return this.#lastRecvTime;
  }

  /** Where the pipeline's records go. */
  readonly take = (record: StoredRecord): void => {
    this.#rows.push(record);
    this.#rowBytes += bytesOf(record);
  };

  /** Where the pipeline's steps of the completeness ledger go. */
  readonly note = (change: CoverageChange): void => {
    this.#changes.push(change);
  };

  /** Puts an item on the tape and through the pipeline. False when the tape did not take it (counted and reported). */
  push(item: TapeItem): boolean {
    const losing = this.#losing;
    if (losing !== undefined) {
      // Told before the first item that is kept again, in every market; while it cannot be told, nothing is kept.
      this.#losing = undefined;
      for (const note of lossNotes(losing, item.recv_time, this.#options.pipeline)) {
        if (this.#losing === undefined && !this.push(note)) this.#losing = losing;
      }
      if (this.#losing !== undefined) {
        this.#lost += 1;
        losing.items += 1;
        return false;
      }
    }
    try {
      this.#position = this.#options.tape.append(item);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      this.#lost += 1;
      this.#losing ??= { from: item.recv_time, items: 0 };
      this.#losing.items += 1;
      if (this.#lost === 1) this.#options.onTapeError(error);
      return false;
    }
    if (item.kind === 'frame') this.#frames += 1;
    const before = this.#rows.length;
    this.#options.pipeline.process(item);
    if (before === 0 && this.#rows.length > 0) this.#oldestWaiting ??= item.recv_time;
    if (++this.#pushes % FRAMES_A_LOOK === 0) {
      this.#relieve();
      this.#lookAtTurn();
    }
    return true;
  }

  /** Commits everything taken so far. Rejects with Unavailable when tape or store refuses; nothing is dropped. */
  flush(): Promise<void> {
    return this.#commit(true);
  }

  /** Resolves when the sources may push on. */
  async relieved(): Promise<void> {
    while (this.#overloaded() && !this.#stopped) await this.flush();
  }

  /** Ends the commit loop; a last `flush` is the caller's. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #overloaded(): boolean {
    return this.#rowBytes > MAX_WAITING_BYTES || this.#options.tape.pressure > MAX_TAPE_PRESSURE;
  }

  /** True when a commit is under way or about to be. */
  #relieve(): boolean {
    // A store that refuses is asked again in its time.
    const early = this.#rowBytes > EARLY_COMMIT_BYTES && this.#storeError === undefined && !this.#stopped;
    if (early && !this.#due) {
      this.#due = true;
      this.#timer?.cancel();
      this.#timer = this.#options.clock.schedule(0, () => this.#tick());
    }
    const overloaded = this.#overloaded();
    if (overloaded !== this.#paused) {
      this.#paused = overloaded;
      this.#options.onPressure(overloaded);
    }
    return this.#due;
  }

  /** Has the sources rest until the turn is over when it has taken long enough. */
  #lookAtTurn(): void {
    const now = this.#options.clock.monotonicMs();
    if (this.#turn === undefined) {
      this.#turn = now;
      setImmediate(() => this.#endTurn());
    } else if (now - this.#turn > MOST_TURN_MS && !this.#resting && !this.#paused) {
      this.#resting = true;
      this.#options.onRest(true);
    }
  }

  #endTurn(): void {
    this.#turn = undefined;
    if (!this.#resting) return;
    this.#resting = false;
    if (!this.#paused) this.#options.onRest(false);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(this.#options.commitMs(), () => this.#tick());
  }

  #tick(): void {
    const idle = this.#options.clock.monotonicMs() - this.#committedAt >= IDLE_COMMIT_MS;
    if (this.#rows.length + this.#changes.length === 0 && !idle) {
      this.#goOn();
      return;
    }
    this.#due = true;
    this.#commit(idle)
      .catch(() => undefined)
      .finally(() => this.#goOn());
  }

  /** The loop's next turn: at once when much waits. */
  #goOn(): void {
    this.#due = false;
    if (!this.#relieve()) this.#schedule();
  }

  /** One commit at a time. All who ask while one is under way share the one after it, which takes what came until then. */
  #commit(always: boolean): Promise<void> {
    if (this.#next === undefined) {
      if (this.#running === undefined) return this.#begin(always);
      const done = this.#running
        .catch(() => undefined)
        .then(() => {
          const asked = this.#next?.always ?? false;
          this.#next = undefined;
          return this.#begin(asked);
        });
      this.#next = { done, always };
    }
    this.#next.always ||= always;
    return this.#next.done;
  }

  async #begin(always: boolean): Promise<void> {
    const nothing = this.#rows.length + this.#changes.length === 0;
    const told = samePosition(this.#position, this.#committed) && samePosition(this.#position, this.#headsOf);
    if (nothing && (!always || told)) return;
    this.#running = this.#commitNow(always).finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  async #commitNow(always: boolean): Promise<void> {
    const rows = this.#rows;
    const rowBytes = this.#rowBytes;
    const changes = this.#changes;
    const heads = this.#takeHeads(always);
    const position = this.#position;
    const oldest = this.#oldestWaiting;
    this.#rows = [];
    this.#rowBytes = 0;
    this.#changes = [];
    this.#oldestWaiting = null;
    try {
      await this.#options.tape.flush();
      this.#told(await this.#options.store.ingest(rows, position, { changes, heads }));
      this.#committed = position;
      this.#committedAt = this.#options.clock.monotonicMs();
      this.#storeError = undefined;
    } catch (error) {
      this.#rows = rows.concat(this.#rows);
      this.#rowBytes += rowBytes;
      this.#changes = changes.concat(this.#changes);
      this.#heads = heads;
      this.#oldestWaiting = oldest;
      const message = errorMessage(error);
      if (this.#storeError === undefined) {
        this.#options.log.error('collect.commit_failed', { rows: this.#rows.length, error: message });
      }
      this.#storeError = message;
      throw error;
    }
  }

  #takeHeads(always: boolean): CoverageHead[] {
    const now = this.#options.clock.monotonicMs();
    const heads = this.#heads;
    this.#heads = [];
    if (!always && now - this.#headsAt < HEADS_MS) return heads;
    this.#headsAt = now;
    this.#headsOf = this.#position;
    return [...heads, ...this.#options.pipeline.takeHeads()];
  }

  #told(result: IngestResult): void {
    for (const table of result.tables) {
      this.#stored += table.rows;
      if (table.rejected > 0) {
        this.#options.events.emit('data.quality_alert', {
          alert_type: 'unfit_record',
          message: `${table.rejected} records of ${table.stream} could not be stored: a value is missing or not a number`,
          severity: 'medium',
          stream: table.stream,
        });
      }
    }
  }
}

function bytesOf({ stream }: StoredRecord): number {
  return stream === 'orderbooks' ? BOOK_ROW_BYTES : ROW_BYTES;
}

/** One note a market: what was received meanwhile is on no tape. */
function lossNotes(losing: { readonly from: Us; readonly items: number }, to: Us, pipeline: Pipeline): TapeItem[] {
  return pipeline.markets.map(({ exchange, market }) => ({
    kind: 'note',
    recv_time: to,
    connection: `${exchange}_${market}#state`,
    exchange,
    market,
    note: ITEMS_LOST,
    data: { ...losing, to },
  }));
}

function samePosition(a: TapePosition | null, b: TapePosition | null): boolean {
  return a?.segment === b?.segment && a?.item === b?.item;
}
