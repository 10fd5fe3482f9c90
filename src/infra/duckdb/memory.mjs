// @ts-check
/**
 * How much memory DuckDB may keep. Little as a rule: what it has read it keeps up to the limit, for good. Most of what is
 * larger works on disk; what does not fit even so is done again with more, which is taken back a little later.
 */

/** @typedef {import('@duckdb/node-api').DuckDBConnection} Connection */

/** What needs more seldom comes alone: the larger limit stays so long after the last of them, ms. */
const LINGER_MS = 5000;
/**
 * The limit is said again this often. Whenever it is, DuckDB has the C library give back what lies free in it
 * (`malloc_trim`), of the whole process; JavaScript has no other way to. Of glibc's heaps under load a half was free.
 */
const GIVE_BACK_MS = 10_000;
/** How often raising the limit is tried, and how long between, ms: what takes all memory gives of it as it goes on. */
const RAISE_TRIES = 100;
const RAISE_WAIT_MS = 20;

/** A statement that ran out of memory changed nothing. After a fatal error that is not known. @param {unknown} error */
export function saysShort(error) {
  const text = String(/** @type {any} */ (error)?.message);
  // The latter is what a commit says, which is taken back as a whole.
  return /Out of Memory Error|[Ff]ailed to (pin|allocate) block/.test(text) && !/FATAL|has been invalidated/.test(text);
}

/** The memory limit of one open database. */
export class MemoryRoom {
  #usual;
  #most;
  /** @type {Connection | undefined} */
  #connection;
  #inNeed = 0;
  #held = false;
  #raised = false;
  /** @type {Promise<void>} */
  #change = Promise.resolve();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {NodeJS.Timeout | undefined} */
  #givingBack;

  /** @param {string} usual @param {string} most both as DuckDB takes them, `48MB` */
  constructor(usual, most) {
    this.#usual = usual;
    this.#most = most;
  }

  /**
   * The database was opened, with the usual limit or the larger one, which is taken back.
   * @param {Connection} connection that is used for nothing else @param {boolean} [raised] @returns {Promise<void>}
   */
  async attach(connection, raised = false) {
    this.#connection = connection;
    this.#raised = raised;
    // Refused while what was read from a log takes more.
    if (raised && this.#inNeed === 0) await this.#set(false).catch(() => this.#lowerLater());
    clearInterval(this.#givingBack);
    this.#givingBack = setInterval(() => {
      // Refused while DuckDB holds more just now; then the next time.
      if (this.#inNeed === 0 && !this.#raised) this.#set(false, true).catch(() => undefined);
    }, GIVE_BACK_MS);
    this.#givingBack.unref();
  }

  /** Before the database is closed. @returns {Promise<void>} */
  async detach() {
    clearTimeout(this.#timer);
    clearInterval(this.#givingBack);
    const connection = this.#connection;
    this.#connection = undefined;
    await this.#change;
    connection?.closeSync();
  }

  /**
   * Does the work, and once more with the larger limit when it ran out of memory and may be repeated.
   * @template T @param {() => Promise<T>} work @param {() => Promise<boolean>} mayRepeat @returns {Promise<T>}
   */
  async run(work, mayRepeat) {
    try {
      return await work();
    } catch (error) {
      if (this.#most === this.#usual || !saysShort(error) || !(await mayRepeat())) throw error;
    }
    await this.need();
    try {
      return await work();
    } finally {
      this.release();
    }
  }

  /** The larger limit until as many `release`. @returns {Promise<void>} */
  async need() {
    this.#inNeed += 1;
    clearTimeout(this.#timer);
    try {
      await this.#set(true);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release() {
    this.#inNeed -= 1;
    this.#lowerLater();
  }

  /** The larger limit until `letGo`. Once is enough. @returns {Promise<void>} */
  async hold() {
    if (this.#held) return;
    await this.need();
    this.#held = true;
  }

  letGo() {
    if (!this.#held) return;
    this.#held = false;
    this.release();
  }

  /** @param {boolean} raised @param {boolean} [again] said also when it is so already @returns {Promise<void>} */
  #set(raised, again = false) {
    const change = async () => {
      if (this.#connection === undefined || (again ? this.#raised !== raised : this.#raised === raised)) return;
      await this.#say(raised);
      this.#raised = raised;
    };
    const next = this.#change.then(change, change);
    this.#change = next.catch(() => undefined);
    return next;
  }

  /** To raise the limit takes memory too, of which there is none just then. @param {boolean} raised */
  async #say(raised) {
    for (let tries = 1; ; tries++) {
      try {
        await this.#connection?.run(`SET memory_limit = '${raised ? this.#most : this.#usual}'`);
        return;
      } catch (error) {
        if (!raised || !saysShort(error) || tries === RAISE_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, RAISE_WAIT_MS));
      }
    }
  }

  #lowerLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#inNeed > 0) return;
      // DuckDB refuses a limit below what it cannot let go of just now.
      this.#set(false).catch(() => this.#lowerLater());
    }, LINGER_MS);
    this.#timer.unref();
  }
}
