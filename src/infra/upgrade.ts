import type { IncomingMessage, Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { Unavailable } from '../kit/errors.ts';

/** A WebSocket that a client opened on a server that serves HTTP as well. */
export interface OutgoingSocket {
  /** Resolves when the frame was handed to the network: awaited, nothing piles up. Rejects with Unavailable when cut. */
  send(text: string): Promise<void>;
  /** Aborts when the connection is over. */
  readonly signal: AbortSignal;
  close(code: number, reason: string): void;
  terminate(): void;
}

export interface UpgradeOptions {
  /** Status and text to refuse with; null lets the client in. */
  readonly refuse: (request: IncomingMessage) => { readonly status: number; readonly body: string } | null;
  /** Serves one connection until it resolves or the connection is over; a rejection closes it with code 1011. */
  readonly serve: (socket: OutgoingSocket, request: IncomingMessage) => Promise<void>;
}

/** Largest frame that a client may send: what it says is not read. */
const LARGEST_FRAME = 4096;
/** Between two signs of life. */
const PING_MS = 15_000;

/** Lets an HTTP server accept WebSockets. The function returned cuts those that are open. */
export function acceptUpgrades(server: Server, options: UpgradeOptions): () => void {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: LARGEST_FRAME });
  server.on('upgrade', (request, stream, head) => {
    const refusal = options.refuse(request);
    if (refusal === null) {
      sockets.handleUpgrade(request, stream, head, (socket) => void serveSocket(socket, request, options));
      return;
    }
    const { status, body } = refusal;
    stream.end(
      `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
  return () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  };
}

async function serveSocket(socket: WebSocket, request: IncomingMessage, options: UpgradeOptions): Promise<void> {
  const over = new AbortController();
  const ping = setInterval(() => socket.ping(), PING_MS);
  socket.once('close', () => {
    clearInterval(ping);
    over.abort(new DOMException('the client went away', 'AbortError'));
  });
  socket.on('error', () => socket.terminate());
  try {
    await options.serve(
      {
        send: (text) =>
          new Promise((resolve, reject) => {
            socket.send(text, (error) => {
              if (error == null) resolve();
              else reject(new Unavailable(`the client is gone: ${error.message}`, { cause: error }));
            });
          }),
        signal: over.signal,
        close: (code, reason) => socket.close(code, reason),
        terminate: () => socket.terminate(),
      },
      request,
    );
    socket.close(1000, 'the end');
  } catch (error) {
    // A close frame holds at most 123 bytes of text.
    if (!over.signal.aborted) socket.close(1011, error instanceof Error ? error.message.slice(0, 100) : 'it failed');
  }
}
