import { setImmediate } from 'node:timers';
import type { Clock, Ms } from '../../kit/clock.ts';
import type { Logger } from '../../kit/logger.ts';
import {
  type ServerAnswer,
  type ServerRequest,
  type ServerSocket,
  type SocketListener,
  SocketServer,
} from '../../infra/socket-server.ts';
import { marketKey } from '../domain/records.ts';
import type { VenueMarket } from '../exchanges/contract.ts';
import type {
  SimulatedAnswer,
  SimulatedMarket,
  SimulatedRequest,
  VenueSimulator,
} from '../exchanges/simulator-contract.ts';
import { isAuthorised } from '../exchanges/credential.ts';
import type { FaultDesk, FaultState } from './fault-desk.ts';
import type { ModelMarket } from './model/market.ts';

export interface MarketServerOptions {
  readonly venue: VenueSimulator;
  /** The market as collectors know it. */
  readonly definition: Pick<VenueMarket, 'credential'>;
  readonly market: ModelMarket;
  readonly desk: FaultDesk;
  readonly port: number;
  readonly log: Logger;
  readonly clock: Clock;
  /** Simulated UTC ms. */
  readonly now: () => Ms;
  readonly onFirstConnection: (at: Ms) => void;
  /** A connection that is further behind is cut: the clock jumped, and nobody would send hours at once. */
  readonly mostBehindMs: Ms;
}

interface Connection {
  readonly socket: ServerSocket;
  readonly channels: Set<string>;
  /** Subscribed, but the 24 h window of their symbol is not ready. */
  readonly waiting: Set<string>;
  readonly since: Ms;
  /** Everything before this time was sent. */
  cursor: Ms;
  readonly faults: FaultState;
}

/** Real time a pump spends on 24 h windows, ms; minutes prepared between two looks at the clock, and at least. */
const WARM_MS = 6;
const WARM_MINUTES = 96;
/** A client that leaves so much unread is cut. */
const MOST_UNREAD_BYTES = 64 * 1024 * 1024;

const UNAUTHORISED: ServerAnswer = { status: 401, body: 'a key is wanted, which is missing or wrong' };

/** One market of one venue on one loopback port. */
export class MarketServer {
  readonly key: string;
  readonly desk: FaultDesk;
  readonly #options: MarketServerOptions;
  readonly #connections = new Set<Connection>();
  #server: SocketServer | undefined;
  #pumpedTo: Ms;
  #closed = false;
  #used = { since: Number.NEGATIVE_INFINITY, weight: 0 };

  private constructor(options: MarketServerOptions) {
    this.#options = options;
    this.key = marketKey(options.venue.exchange, options.venue.market);
    this.desk = options.desk;
    this.#pumpedTo = options.now();
  }

  static async listen(options: MarketServerOptions): Promise<MarketServer> {
    const server = new MarketServer(options);
    server.#server = await SocketServer.listen({
      log: options.log,
      port: options.port,
      onRequest: (request) => server.#request(request),
      onUpgrade: (request) => server.#upgrade(request),
      onConnection: (socket) => server.#connect(socket),
    });
    return server;
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connections.clear();
    await this.#server?.close();
  }

  dropAll(reason: string): void {
    for (const connection of this.#connections) this.#drop(connection, reason);
  }

  /** Sends every connection what its channels made up to `now`. A clock that went back sends nothing until it catches up. */
  pump(now: Ms): void {
    if (this.desk.disconnect(this.#pumpedTo, now)) this.dropAll('disconnect');
    this.#pumpedTo = Math.max(this.#pumpedTo, now);
    for (const connection of this.#connections) this.#advance(connection, now);
    this.#prepareWindows(now);
  }

  #advance(connection: Connection, now: Ms): void {
    const { venue, market } = this.#options;
    const from = connection.cursor;
    if (now <= from) return;
    if (now - from > this.#options.mostBehindMs || now - connection.since >= venue.connectionLifetimeMs) {
      this.#drop(connection, 'behind or too old');
      return;
    }
    connection.cursor = now;
    const frames = venue.frames(market, connection.channels, from, now);
    const texts = this.desk.deliver(frames, connection.faults, venue, {
      path: connection.socket.path,
      to: now,
      channels: connection.channels,
      restate: (channel, at) => venue.onSubscribe(market, [channel], at),
    });
    for (const text of texts) connection.socket.send(text);
    if (connection.socket.bufferedBytes > MOST_UNREAD_BYTES) this.#drop(connection, 'unread');
  }

  #drop(connection: Connection, reason: string): void {
    this.#options.log.debug('simulator.dropped', { reason, unread_bytes: connection.socket.bufferedBytes });
    connection.socket.terminate();
    this.#connections.delete(connection);
  }

  /** Prepares the 24 h window of the symbols that channels wait for, a little a pump, and lets those channels begin. */
  #prepareWindows(now: Ms): void {
    const { market, venue, clock } = this.#options;
    const waiting = [...this.#connections].filter((c) => c.waiting.size > 0);
    const deadline = clock.monotonicMs() + WARM_MS;
    const symbols = new Set(waiting.flatMap((c) => [...c.waiting].map((channel) => venue.windowOf(channel) ?? '')));
    for (const symbol of symbols) {
      let ready = market.warm(symbol, now, WARM_MINUTES);
      while (!ready && clock.monotonicMs() < deadline) ready = market.warm(symbol, now, WARM_MINUTES);
      if (!ready) return;
      for (const connection of waiting) {
        const begun = [...connection.waiting].filter((channel) => venue.windowOf(channel) === symbol);
        for (const channel of begun) connection.waiting.delete(channel);
        this.#begin(connection, begun);
      }
    }
  }

  /** Adds channels to a connection whose frames are sent up to its cursor. */
  #begin(connection: Connection, channels: readonly string[]): void {
    const { venue, market } = this.#options;
    for (const frame of venue.onSubscribe(market, channels, connection.cursor)) {
      connection.socket.send(venue.envelope(connection.socket.path, frame));
    }
    for (const channel of channels) connection.channels.add(channel);
  }

  #subscribe(connection: Connection, channels: readonly string[]): void {
    const { venue } = this.#options;
    const fresh = channels.filter((c) => !connection.channels.has(c) && !connection.waiting.has(c));
    const held = fresh.filter((channel) => this.#needsWindow(channel));
    for (const channel of held) connection.waiting.add(channel);
    this.#begin(
      connection,
      fresh.filter((channel) => !held.includes(channel)),
    );
    // A second subscription gets its snapshot again.
    const again = channels.filter((c) => connection.channels.has(c) && !fresh.includes(c));
    for (const frame of venue.onSubscribe(this.#options.market, again, connection.cursor)) {
      connection.socket.send(venue.envelope(connection.socket.path, frame));
    }
  }

  #needsWindow(channel: string): boolean {
    const { venue, market } = this.#options;
    const symbol = venue.windowOf(channel);
    return symbol !== undefined && market.instruments.some((i) => i.symbol === symbol);
  }

  #connect(socket: ServerSocket): SocketListener {
    const { venue, market, now, onFirstConnection } = this.#options;
    const connection: Connection = {
      socket,
      channels: new Set(),
      waiting: new Set(),
      since: now(),
      cursor: now(),
      faults: { held: [], overtaken: new Map(), done: new Set() },
    };
    onFirstConnection(connection.cursor);
    this.#connections.add(connection);
    this.#subscribe(connection, venue.channelsOfPath(socket.path));
    return {
      onText: (text) => {
        if (!this.#connections.has(connection)) return;
        const answer = venue.onFrame(market, text, new Set([...connection.channels, ...connection.waiting]));
        this.#advance(connection, now());
        for (const reply of answer.reply) socket.send(reply);
        for (const channel of answer.unsubscribe) {
          connection.channels.delete(channel);
          connection.waiting.delete(channel);
        }
        this.#subscribe(connection, answer.subscribe);
      },
      onClose: () => void this.#connections.delete(connection),
    };
  }

  #upgrade({ path, headers }: Omit<ServerRequest, 'body'>): ServerAnswer | null {
    if (!isAuthorised(this.#options.definition, headers)) return UNAUTHORISED;
    if (!this.#options.venue.acceptsPath(path)) return { status: 404, body: '' };
    return this.desk.refuses(this.#options.now()) ? { status: 503, body: '' } : null;
  }

  async #request({ path, body, host, headers }: ServerRequest): Promise<ServerAnswer> {
    const { venue, now } = this.#options;
    if (!isAuthorised(this.#options.definition, headers)) return UNAUTHORISED;
    const at = now();
    const fault = this.desk.rest(at);
    if (fault !== undefined) return venue.limit.refuse(fault.status, fault.retryAfterSeconds);
    if (Math.abs(at - this.#used.since) >= venue.limit.windowMs) this.#used = { since: at, weight: 0 };
    const url = new URL(path, 'http://127.0.0.1');
    const answer = await this.#answer({ path: url.pathname, query: url.searchParams, body, host }, at);
    if (answer === undefined) return { status: 404, body: '' };
    this.#used.weight += answer.weight;
    if (this.#used.weight > venue.limit.weight) {
      const left = Math.max(1, Math.ceil((this.#used.since + venue.limit.windowMs - at) / 1000));
      return venue.limit.refuse(429, left);
    }
    return { ...answer, headers: { ...venue.limit.headers(this.#used.weight), ...answer.headers } };
  }

  /**
   * The answer as of `at`. A day's statistics of many symbols take a second to add up from cold: that is done in slices
   * between which frames are sent, and the answer is the same as if it had been done at once.
   */
  async #answer(request: SimulatedRequest, at: Ms): Promise<SimulatedAnswer | undefined> {
    const { venue, market } = this.#options;
    const guarded: SimulatedMarket = {
      ...market,
      ticker: (symbol, time) => {
        if (!market.warm(symbol, time, 0)) throw new ColdWindow(symbol, time);
        return market.ticker(symbol, time);
      },
    };
    for (;;) {
      try {
        return venue.rest(guarded, request, at);
      } catch (error) {
        if (!(error instanceof ColdWindow)) throw error;
        while (!market.warm(error.symbol, error.time, WARM_MINUTES)) {
          await others();
          if (this.#closed) return undefined;
        }
      }
    }
  }
}

/** Thrown out of a venue's answer that needs a 24 h window which is not ready; never leaves this file. */
class ColdWindow extends Error {
  readonly symbol: string;
  readonly time: Ms;

  constructor(symbol: string, time: Ms) {
    super(`the 24 h window of ${symbol} is not ready`);
    this.symbol = symbol;
    this.time = time;
  }
}

/** Lets everything else that waits have its turn. */
function others(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
