import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { z } from 'zod';
import type { Instrument } from '../../../src/market/domain/instrument.ts';
import type { RecordBase } from '../../../src/market/domain/records.ts';
import type { Decoder, FrameVerdict, Venue, VenueMarket } from '../../../src/market/exchanges/contract.ts';

/** A venue small enough to be understood at a glance: frames and bodies are the JSON below. */
const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('trade'), symbol: z.string(), id: z.number(), price: z.number(), at: z.number() }),
  z.object({
    type: z.literal('book'),
    symbol: z.string(),
    kind: z.enum(['snapshot', 'delta']),
    seq: z.number(),
    bids: z.array(z.tuple([z.number(), z.number()])),
    asks: z.array(z.tuple([z.number(), z.number()])),
    at: z.number(),
  }),
  z.object({ type: z.literal('interest'), symbol: z.string(), value: z.number(), at: z.number() }),
  z.object({ type: z.literal('pong') }),
  z.object({ type: z.literal('are_you_there') }),
]);
export type ToyMessage = z.output<typeof message>;

export const SYMBOLS = ['AAUSDT', 'BBUSDT'] as const;

export const instrument = (symbol: string, status: Instrument['status'] = 'trading'): Instrument => ({
  exchange: 'toy',
  market: 'spot',
  symbol,
  venue_symbol: symbol,
  base: symbol.slice(0, 2),
  quote: 'USDT',
  kind: 'spot',
  status,
  tick_size: 0.1,
  lot_size: 0.1,
  contract_size: 1,
  inverse: false,
  funding_interval_hours: null,
});

export const INSTRUMENTS: readonly Instrument[] = SYMBOLS.map((symbol) => instrument(symbol));

function createDecoder(): Decoder {
  let seen = 0;
  const decode = (text: string, recvTime: number, sink: Parameters<Decoder['frame']>[2]): FrameVerdict => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return { kind: 'rejected', reason: 'not JSON' };
    }
    const messages = z.array(message).safeParse(Array.isArray(value) ? value : [value]);
    if (!messages.success) return { kind: 'rejected', reason: 'not a toy message' };
    seen += 1;
    for (const m of messages.data) {
      if (m.type === 'pong') return { kind: 'control', what: 'pong' };
      if (m.type === 'are_you_there') return { kind: 'control', what: 'heartbeat', reply: '{"op":"here"}' };
      const base: RecordBase = {
        exchange: 'toy',
        market: 'spot',
        symbol: m.symbol,
        event_time: m.at * 1000,
        recv_time: recvTime,
        seq: null,
        origin: 'live',
      };
      if (m.type === 'trade') {
        sink({ ...base, stream: 'trades', trade_id: String(m.id), price: m.price, quantity: 1, side: 'buy' });
      } else if (m.type === 'interest') {
        sink({ ...base, stream: 'open_interest', open_interest: m.value, open_interest_usd: null });
      } else {
        const { kind, bids, asks, seq } = m;
        sink({ ...base, stream: 'book', kind, bids, asks, seq, first_seq: seq, prev_seq: seq - 1 });
      }
    }
    return { kind: 'data', records: messages.data.length };
  };
  return {
    frame: decode,
    rest: (call, _args, body, recvTime, sink) =>
      call === 'instruments' ? { kind: 'control', what: call } : decode(body, recvTime, sink),
    state: () => ({ seen }),
    restore: (state) => {
      seen = z.object({ seen: z.number() }).parse(state).seen;
    },
  };
}

/** The toy venue; `changes` replace parts of its one market. */
export function toyVenue(changes: Partial<VenueMarket> = {}): Venue {
  const market: VenueMarket = {
    exchange: 'toy',
    market: 'spot',
    streams: {
      trades: {
        via: 'websocket',
        staleAfterMs: 60_000,
        consecutiveIds: true,
        history: { call: 'trades', reachMs: null, paged: true },
      },
      orderbooks: { via: 'websocket', staleAfterMs: 60_000 },
      open_interest: { via: 'rest', staleAfterMs: null, pollMs: 100 },
    },
    addresses: { stream: 'ws://127.0.0.1:1', rest: 'http://127.0.0.1:1' },
    limits: {
      streamsPerConnection: 100,
      argsPerSubscribe: 10,
      messagesPerSecond: 100,
      rotateAfterMs: null,
      restWeightPerMinute: 10_000,
    },
    plan: (instruments, streams) => [
      {
        address: 'stream',
        path: '/ws',
        subscribe: [JSON.stringify({ op: 'subscribe', symbols: instruments.map(({ symbol }) => symbol), streams })],
        series: instruments.flatMap(({ symbol }) => streams.map((stream) => ({ symbol, stream }))),
        ping: { everyMs: 50, text: '{"op":"ping"}' },
        resubscribeBook: (symbol) => [JSON.stringify({ op: 'book', symbol })],
      },
    ],
    createDecoder,
    book: {
      snapshot: 'stream',
      depth: 10,
      next: ({ lastSeq }, { seq }) => {
        if (lastSeq === null || seq === null) return 'gap';
        if (seq <= lastSeq) return 'skip';
        return seq === lastSeq + 1 ? 'apply' : 'gap';
      },
    },
    rest: {
      instruments: { request: () => ({ address: 'rest', path: '/instruments', weight: 1 }), decode: rejected },
      open_interest: {
        request: ({ symbol }) => ({ address: 'rest', path: `/interest?symbol=${symbol ?? ''}`, weight: 1 }),
        decode: rejected,
      },
      trades: {
        request: ({ symbol, from, to, cursor }) => ({
          address: 'rest',
          path: `/trades?symbol=${symbol ?? ''}&from=${cursor ?? from ?? 0}&to=${to ?? 0}`,
          weight: 5,
        }),
        decode: rejected,
        nextPage: (args, body) => {
          const page = z.array(z.object({ at: z.number() })).parse(JSON.parse(body));
          const last = page.at(-1);
          return page.length < 10 || last === undefined ? undefined : { ...args, cursor: String(last.at + 1) };
        },
      },
    },
    parseInstruments: () => INSTRUMENTS,
    restError: (status, body) =>
      status === 451 ? { code: '0', message: body, retryAfterMs: null, kind: 'blocked_region' } : undefined,
    ...changes,
  };
  return { name: 'toy', title: 'Toy', markets: [market] };
}

function rejected(): FrameVerdict {
  return { kind: 'rejected', reason: 'the decoder reads answers' };
}

type Answer = (url: URL) => {
  readonly status?: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
};

/** The loopback server of the toy venue. */
export class ToyServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly clients: WebSocket[] = [];
  /** Text frames that clients sent. */
  readonly received: string[] = [];
  readonly requests: string[] = [];
  /** Bodies of POST requests. */
  readonly posted: string[] = [];
  /** HTTP status that refuses WebSocket upgrades; undefined: they are accepted. */
  refuseWith: { readonly status: number; readonly retryAfter?: string } | undefined;
  upgrades = 0;
  onOpen: (client: WebSocket, path: string) => void = () => undefined;
  answers: Record<string, Answer> = {
    '/instruments': () => ({ body: '[]' }),
    '/interest': (url) => ({
      body: JSON.stringify({ type: 'interest', symbol: url.searchParams.get('symbol'), value: 5, at: 1000 }),
    }),
    '/trades': () => ({ body: '[]' }),
  };

  private constructor() {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://toy');
      this.requests.push(request.url ?? '');
      const answer = this.answers[url.pathname]?.(url) ?? { status: 404, body: 'nothing here' };
      if (request.method === 'POST') request.on('data', (chunk: Buffer) => this.posted.push(chunk.toString()));
      response.writeHead(answer.status ?? 200, answer.headers ?? {}).end(answer.body);
    });
    this.#sockets = new WebSocketServer({ noServer: true });
    this.#server.on('upgrade', (request: IncomingMessage, socket, head) => {
      this.upgrades += 1;
      if (this.refuseWith !== undefined) {
        const { status, retryAfter } = this.refuseWith;
        const header = retryAfter === undefined ? '' : `Retry-After: ${retryAfter}\r\n`;
        socket.end(`HTTP/1.1 ${status} No\r\n${header}Content-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        this.clients.push(client);
        client.on('message', (data: Buffer) => this.received.push(data.toString()));
        client.on('close', () => this.clients.splice(this.clients.indexOf(client), 1));
        this.onOpen(client, request.url ?? '');
      });
    });
  }

  static async listen(): Promise<ToyServer> {
    const server = new ToyServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get addresses(): Record<string, Record<string, string>> {
    const { port } = this.#server.address() as AddressInfo;
    return { toy_spot: { stream: `ws://127.0.0.1:${port}`, rest: `http://127.0.0.1:${port}` } };
  }

  send(...messages: readonly (ToyMessage | string)[]): void {
    for (const m of messages) for (const c of this.clients) c.send(typeof m === 'string' ? m : JSON.stringify(m));
  }

  /** Cuts all connections without a goodbye. */
  cut(): void {
    for (const client of [...this.clients]) client.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
