import type { Ms } from '../../kit/clock.ts';
import { errorMessage, isAbort } from '../../kit/errors.ts';
import type { SupervisedConnection } from './connection.ts';
import type { CollectEnvironment } from './environment.ts';
import type { Link } from './link.ts';
import type { RestClient } from './rest-client.ts';
import { subscribe } from './link.ts';

interface Request {
  attempts: number;
  notBefore: Ms;
  running: boolean;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
/** Books that break again right after they were mended are mended at once this often. */
const QUICK_TRIES = 5;
/** A snapshot asked for over the stream is given this long. */
const STREAM_GRACE_MS = 5_000;

/**
 * Sees to it that every book of a market becomes valid again: asks for a REST snapshot, resubscribes, or reconnects,
 * as the venue's rule says. One request a book at a time, further apart while they do not help.
 */
export class BookResync {
  readonly #environment: CollectEnvironment;
  readonly #rest: RestClient;
  readonly #requests = new Map<string, Request>();

  constructor(environment: CollectEnvironment, rest: RestClient) {
    this.#environment = environment;
    this.#rest = rest;
  }

  /**
   * Asks for a snapshot of the symbol's book on this connection's link, unless one is on its way. `fresh`: the book was
   * valid a moment ago, so that the last request did help and need not be waited for.
   */
  request(connection: SupervisedConnection, symbol: string, fresh = false): void {
    const { link } = connection;
    const { clock, log } = this.#environment;
    if (link === undefined) return;
    const key = `${link.id} ${symbol}`;
    const request = this.#requests.get(key) ?? { attempts: 0, notBefore: 0, running: false };
    this.#requests.set(key, request);
    const now = clock.monotonicMs();
    const patient = !fresh || request.attempts > QUICK_TRIES;
    if (request.running || (patient && request.attempts > 0 && now < request.notBefore)) return;
    request.running = true;
    request.attempts += 1;
    const wait = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (request.attempts - 1));
    this.#perform(connection, link, symbol)
      .then((graceMs) => {
        request.notBefore = clock.monotonicMs() + Math.max(wait, graceMs);
      })
      .catch((error: unknown) => {
        request.notBefore = clock.monotonicMs() + wait;
        if (!isAbort(error))
          log.warn('collect.resync_failed', { connection: link.id, symbol, error: errorMessage(error) });
      })
      .finally(() => {
        request.running = false;
      });
  }

  /** Asks again for each book that is still not valid. Called every second. */
  check(connection: SupervisedConnection): void {
    const { link, market } = connection;
    if (link === undefined) return;
    const early = this.#environment.clock.now() - link.connectedAt < STREAM_GRACE_MS;
    for (const symbol of bookSymbols(connection)) {
      // The subscription itself brings a snapshot: it is asked for again only when that did not come.
      if (early && market.book.snapshot === 'stream' && !this.#requests.has(`${link.id} ${symbol}`)) continue;
      const book = this.#environment.pipeline.bookOf(market.exchange, market.market, link.id, symbol);
      if (book?.state === 'valid') this.#requests.delete(`${link.id} ${symbol}`);
      else this.request(connection, symbol);
    }
  }

  forget(linkId: string): void {
    for (const key of [...this.#requests.keys()]) if (key.startsWith(`${linkId} `)) this.#requests.delete(key);
  }

  /** Gives how long the answer may take, ms. */
  async #perform(connection: SupervisedConnection, link: Link, symbol: string): Promise<Ms> {
    const { market, plan } = connection;
    if (market.book.snapshot === 'rest') {
      await this.#rest.ask({ call: 'book_snapshot', args: { symbol, limit: market.book.depth }, connection: link.id });
      return 0;
    }
    if (plan.resubscribeBook === null) {
      await connection.reconnect(`the book of ${symbol} needs a new snapshot`);
      return STREAM_GRACE_MS;
    }
    subscribe(this.#environment, market, { subscribe: plan.resubscribeBook(symbol), stamp: plan.stamp }, link.socket);
    return STREAM_GRACE_MS;
  }
}

/** Symbols whose book a connection carries. */
export function bookSymbols(connection: SupervisedConnection): readonly string[] {
  return connection.plan.series.filter(({ stream }) => stream === 'orderbooks').map(({ symbol }) => symbol);
}
