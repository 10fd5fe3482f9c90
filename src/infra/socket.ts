import { HttpsProxyAgent } from 'https-proxy-agent';
import { WebSocket, type RawData } from 'ws';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Clock, Ms } from '../kit/clock.ts';
import { AppError, DeadlineExceeded, RateLimited, Unavailable, errorMessage } from '../kit/errors.ts';
import { quoteOutside } from '../kit/outside.ts';
import { explainStatus, retryAfterMs, safeUrl } from './http.ts';
import { proxyFor, throughProxy } from './proxy.ts';

export interface SocketOptions {
  /** `ws://` or `wss://`. Over HTTPS_PROXY or HTTP_PROXY when set, unless NO_PROXY exempts the host. */
  readonly url: string;
  readonly clock: Clock;
  /** Called with each text frame's UTF-8 bytes, in order, on the event loop turn that received it. */
  readonly onFrame: (bytes: Uint8Array) => void;
  /** Called for each binary frame with its size; the bytes are not kept. */
  readonly onBinary?: ((bytes: number) => void) | undefined;
  /** Called once when the connection is over, whoever ended it. Not called when opening fails. */
  readonly onClose: (info: SocketClosed) => void;
  readonly connectTimeoutMs: Ms;
  /** Protocol ping this often; when neither a pong nor a frame came since the one before, the socket is cut. */
  readonly pingMs?: Ms | undefined;
  /** Frames larger than this end the connection. Default 16 MiB. */
  readonly maxPayloadBytes?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SocketClosed {
  /** WebSocket close code; 1006 when the peer vanished. */
  readonly code: number;
  readonly reason: string;
}

/** An open connection. Sending on a closed one is ignored: `onClose` has told. */
export interface Socket {
  readonly url: string;
  readonly open: boolean;
  send(text: string): void;
  /** Stops reading, so that the peer feels back-pressure; `resume` goes on. */
  pause(): void;
  resume(): void;
  /** Says goodbye, and cuts after a second without an answer. Idempotent; resolves when it is over. */
  close(reason?: string): Promise<void>;
}

/**
 * Opens a WebSocket. Compression is off: inflating costs 30 times what receiving does. Throws RateLimited on HTTP 418
 * and 429 (with the venue's Retry-After), Unavailable for other refusals (HTTP 403 and 451 explained) and network
 * errors, DeadlineExceeded after `connectTimeoutMs`, and the signal's reason when aborted.
 */
export function openSocket(options: SocketOptions): Promise<Socket> {
  if (options.signal?.aborted === true) return Promise.reject(options.signal.reason as Error);
  const socket = connect(options);
  return new Promise((resolve, reject) => {
    let opened = false;
    const fail = (error: unknown): void => {
      finish();
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.terminate();
      reject(error instanceof Error ? error : new Unavailable(errorMessage(error)));
    };
    const timer = options.clock.schedule(
      options.connectTimeoutMs,
      () => fail(new DeadlineExceeded(`${safeUrl(options.url)} did not open within ${options.connectTimeoutMs} ms`)),
      { keepAlive: true },
    );
    const onAbort = (): void => {
      if (opened) socket.terminate();
      else fail(options.signal?.reason);
    };
    const finish = (): void => {
      timer.cancel();
      if (!opened) options.signal?.removeEventListener('abort', onAbort);
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('unexpected-response', (_request: ClientRequest, response: IncomingMessage) =>
      fail(refusal(options, response)),
    );
    socket.on('error', (error) => {
      if (opened) return;
      const way = throughProxy(options.url, options.environment ?? process.env);
      fail(new Unavailable(`${safeUrl(options.url)}${way}: ${errorMessage(error)}`, { cause: error }));
    });
    socket.once('open', () => {
      opened = true;
      finish();
      resolve(wire(socket, options, () => options.signal?.removeEventListener('abort', onAbort)));
    });
  });
}

function connect(options: SocketOptions): WebSocket {
  const proxy = proxyFor(new URL(options.url), options.environment ?? process.env);
  return new WebSocket(options.url, {
    perMessageDeflate: false,
    maxPayload: options.maxPayloadBytes ?? 16 * 1024 * 1024,
    followRedirects: false,
    headers: { ...options.headers },
    ...(proxy === undefined ? {} : { agent: new HttpsProxyAgent(proxy) }),
  });
}

function wire(socket: WebSocket, options: SocketOptions, release: () => void): Socket {
  let heard = true;
  let cut: string | undefined;
  let pinging = schedulePing();
  socket.on('message', (data, isBinary) => {
    heard = true;
    if (isBinary) options.onBinary?.(byteLength(data));
    else options.onFrame(bytesOf(data));
  });
  socket.on('pong', () => {
    heard = true;
  });
  socket.on('error', (error) => {
    cut = errorMessage(error);
  });
  const over = new Promise<void>((resolve) => {
    socket.once('close', (code, reason) => {
      pinging?.cancel();
      release();
      resolve();
      const words = reason.toString();
      options.onClose({
        code,
        reason: cut ?? (words === '' ? '' : `closed with code ${code}: ${quoteOutside(words)}`),
      });
    });
  });

  function schedulePing(): ReturnType<Clock['schedule']> | undefined {
    if (options.pingMs === undefined) return undefined;
    return options.clock.schedule(options.pingMs, () => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (!heard && !socket.isPaused) {
        cut = `no frame and no pong for ${options.pingMs} ms`;
        socket.terminate();
        return;
      }
      heard = false;
      socket.ping();
      pinging = schedulePing();
    });
  }

  return {
    url: options.url,
    get open() {
      return socket.readyState === WebSocket.OPEN;
    },
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: (reason = '') => {
      if (socket.readyState === WebSocket.OPEN) socket.close(1000, reason.slice(0, 100));
      socket.resume();
      const timer = options.clock.schedule(1000, () => socket.terminate(), { keepAlive: true });
      return over.finally(() => timer.cancel());
    },
  };
}

function refusal(options: SocketOptions, response: IncomingMessage): AppError {
  const status = response.statusCode ?? 0;
  response.destroy();
  const message = `${safeUrl(options.url)} refused the connection: ${explainStatus(status)}`;
  if (status === 418 || status === 429) {
    const wait = retryAfterMs(response.headers['retry-after'], options.clock.now());
    return new RateLimited(message, wait ?? 10_000, { details: { status } });
  }
  return new Unavailable(message, { details: { status } });
}

function bytesOf(data: RawData): Uint8Array {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data);
}

function byteLength(data: unknown): number {
  if (Array.isArray(data)) return data.reduce((sum: number, part) => sum + byteLength(part), 0);
  return ArrayBuffer.isView(data) || data instanceof ArrayBuffer ? data.byteLength : 0;
}
