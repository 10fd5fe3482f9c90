/** What is read: a connection, as far as taking turns needs it. */
export interface Source {
  /** Frames received since it began. */
  readonly frames: number;
  pause(): void;
  resume(): void;
}

/**
 * Stops and resumes the reading of all connections so that each has its turn. The system hands over the sockets that
 * have something in an order that stays the same, the first of them up to 2 MB: were all resumed each time, those at the
 * end would be read never while more comes than can be taken, and their venues would cut them. So a round goes on with
 * those that brought nothing in it yet, and ends when these have nothing more.
 */
export class FairReading {
  readonly #sources: () => readonly Source[];
  readonly #afterReading: (work: () => void) => void;
  /** What each had received when the round began. */
  #begun = new Map<Source, number>();
  #stopped = false;

  /** `afterReading` runs its work when all that may be read has been read once. */
  constructor(sources: () => readonly Source[], afterReading: (work: () => void) => void) {
    this.#sources = sources;
    this.#afterReading = afterReading;
  }

  /** Has the reading go on, or stops it. */
  let(read: boolean): void {
    this.#stopped = !read;
    if (read) this.#goOn();
    else for (const source of this.#sources()) source.pause();
  }

  #goOn(): void {
    const waiting = this.#sources().filter((source) => (this.#begun.get(source) ?? source.frames) === source.frames);
    if (waiting.length === 0 || this.#begun.size === 0) {
      this.#beginRound();
      return;
    }
    for (const source of waiting) source.resume();
    this.#afterReading(() => {
      if (!this.#stopped) this.#beginRound();
    });
  }

  #beginRound(): void {
    const sources = this.#sources();
    this.#begun = new Map(sources.map((source) => [source, source.frames]));
    for (const source of sources) source.resume();
  }
}
