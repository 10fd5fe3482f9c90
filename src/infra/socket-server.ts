import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { errorMessage, Unavailable } from '../kit/errors.ts';
import type { Logger } from '../kit/logger.ts';

/** What a request is answered with. */
export interface ServerAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A GET, or a POST with its body. */
export interface ServerRequest {
  /** Path with query, as the client asked. */
  readonly path: string;
  /** Host and port that the client asked. */
  readonly host: string;
  /** As received, names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Text of a POST's body; undefined for a GET. */
  readonly body?: string | undefined;
}

/** One accepted WebSocket connection. */
export interface ServerSocket {
  /** Path with query, as the client asked. */
  readonly path: string;
  /** Bytes that the client has not taken yet. */
  readonly bufferedBytes: number;
  /** Text frames; ignored once the connection is over. */
  send(text: string): void;
  /** Says goodbye with a close code. */
  close(code: number, reason: string): void;
  /** Cuts the connection without a word. */
  terminate(): void;
}

export interface SocketServerOptions {
  readonly log: Logger;
  /** Loopback port; 0 takes a free one. */
  readonly port: number;
  /** Answers GET and POST requests. */
  readonly onRequest: (request: ServerRequest) => ServerAnswer | Promise<ServerAnswer>;
  /** Null refuses the upgrade with the answer given. */
  readonly onUpgrade: (request: Omit<ServerRequest, 'body'>) => ServerAnswer | null;
  readonly onConnection: (socket: ServerSocket) => SocketListener;
}

export interface SocketListener {
  onText(text: string): void;
  onClose(): void;
}

/** Longest body of a POST. */
const LARGEST_BODY_BYTES = 1 << 20;

/** A server for HTTP and WebSocket on 127.0.0.1 only; it keeps the process alive until closed. Throws Unavailable when the port is taken. */
export class SocketServer implements AsyncDisposable {
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #options: SocketServerOptions;
  #closed: Promise<void> | undefined;

  private constructor(options: SocketServerOptions) {
    this.#options = options;
    this.#sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 });
    this.#http = createServer((request, response) => this.#receive(request, response));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  static async listen(options: SocketServerOptions): Promise<SocketServer> {
    const server = new SocketServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#http.once('error', (error) =>
        reject(new Unavailable(`port ${options.port} on 127.0.0.1: ${errorMessage(error)}`, { cause: error })),
      );
      server.#http.listen(options.port, '127.0.0.1', resolve);
    });
    server.#http.on('error', (error) => options.log.warn('socket_server.error', { error: errorMessage(error) }));
    return server;
  }

  get port(): number {
    const address = this.#http.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.port;
  }

  /** Cuts all connections and stops listening. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      for (const client of this.#sockets.clients) client.terminate();
      this.#sockets.close();
      this.#http.close(() => resolve());
      this.#http.closeAllConnections();
    });
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const asked = this.#asked(request);
    if (request.method === 'GET') {
      void this.#answer(asked).then((answer) => respond(response, answer));
      return;
    }
    if (request.method !== 'POST') {
      respond(response, { status: 405, body: '' });
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST_BODY_BYTES) chunks.push(chunk);
    });
    request.once('end', () => {
      if (size > LARGEST_BODY_BYTES) respond(response, { status: 413, body: '' });
      else {
        const body = Buffer.concat(chunks).toString('utf8');
        void this.#answer({ ...asked, body }).then((answer) => respond(response, answer));
      }
    });
    request.on('error', () => response.destroy());
  }

  #asked({ url, headers }: IncomingMessage): Omit<ServerRequest, 'body'> {
    return { path: url ?? '/', host: headers.host ?? `127.0.0.1:${this.port}`, headers };
  }

  async #answer(request: ServerRequest): Promise<ServerAnswer> {
    try {
      return await this.#options.onRequest(request);
    } catch (error) {
      this.#options.log.error('socket_server.request_failed', { path: request.path, error: errorMessage(error) });
      return { status: 500, body: '' };
    }
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const asked = this.#asked(request);
    const { path } = asked;
    const refusal = this.#options.onUpgrade(asked);
    if (refusal !== null) {
      const headers = Object.entries({ ...refusal.headers, 'content-length': Buffer.byteLength(refusal.body) });
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      stream.end(`HTTP/1.1 ${refusal.status} Refused\r\nconnection: close\r\n${lines}\r\n${refusal.body}`);
      return;
    }
    this.#sockets.handleUpgrade(request, stream, head, (socket) => this.#accept(socket, path));
  }

  #accept(socket: WebSocket, path: string): void {
    const listener = this.#options.onConnection({
      path,
      get bufferedBytes() {
        return socket.bufferedAmount;
      },
      send(text) {
        if (socket.readyState === socket.OPEN) socket.send(text);
      },
      close: (code, reason) => socket.close(code, reason),
      terminate: () => socket.terminate(),
    });
    socket.on('message', (data, binary) => {
      if (!binary) listener.onText(textOf(data));
    });
    socket.on('error', (error) =>
      this.#options.log.debug('socket_server.socket_error', { error: errorMessage(error) }),
    );
    socket.once('close', () => listener.onClose());
  }
}

function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}

function respond(response: ServerResponse, answer: ServerAnswer): void {
  response.writeHead(answer.status, {
    'content-type': 'application/json;charset=UTF-8',
    'content-length': Buffer.byteLength(answer.body),
    ...answer.headers,
  });
  response.end(answer.body);
}
