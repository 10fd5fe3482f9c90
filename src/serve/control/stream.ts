import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { EventStream, StreamQuery } from '../../events/index.ts';
import type { OutgoingSocket } from '../../infra/upgrade.ts';
import { InvalidInput, Unavailable } from '../../kit/errors.ts';
import { STREAM_CHANNELS, type StreamItem } from '../../kit/stream-item.ts';

/** Where the stream is served, as server-sent events and over WebSocket. */
export const STREAM_PATH = '/stream';

/** A client that takes nothing for so long is cut off; it comes back with the number of its last item. */
const STALLED_MS = 30_000;
const SIGN_OF_LIFE_MS = 15_000;

const count = z.coerce.number().int().nonnegative();
const query = z.strictObject({
  after: count.optional(),
  run: z.string().min(1).optional(),
  channels: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(STREAM_CHANNELS)).min(1))
    .optional(),
});

/**
 * What a request asks for: `after`, `run`, `channels` of its address; the header `Last-Event-ID`, which a client that
 * reconnects sends by itself, goes before `after`. Throws InvalidInput.
 */
export function streamQuery(request: IncomingMessage): StreamQuery {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const parsed = query.safeParse(Object.fromEntries(searchParams));
  const header = count.optional().safeParse(request.headers['last-event-id']);
  if (!parsed.success) throw new InvalidInput(`that cannot be streamed: ${z.prettifyError(parsed.error)}`);
  if (!header.success) throw new InvalidInput('Last-Event-ID is the number of an item, as it came');
  return { ...parsed.data, after: header.data ?? parsed.data.after };
}

/** Writes the stream as server-sent events until the client goes. Throws what opening it throws, before the first byte. */
export async function serveEvents(
  stream: EventStream,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const items = await stream.open({ ...streamQuery(request), signal });
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.write('retry: 1000\n\n');
  const life = setInterval(() => response.write(': alive\n\n'), SIGN_OF_LIFE_MS);
  try {
    for await (const item of items) if (!response.write(frameOf(item))) await taken(response, signal);
  } finally {
    clearInterval(life);
  }
  response.end();
}

/** Writes the stream over a WebSocket, an item a frame. */
export async function serveSocketStream(
  stream: EventStream,
  request: IncomingMessage,
  socket: OutgoingSocket,
): Promise<void> {
  for await (const item of await stream.open({ ...streamQuery(request), signal: socket.signal })) {
    const stalled = setTimeout(() => socket.terminate(), STALLED_MS);
    try {
      await socket.send(JSON.stringify(item));
    } finally {
      clearTimeout(stalled);
    }
  }
}

/** A piece of text has no id: a client that reconnects names the last numbered item. */
function frameOf(item: StreamItem): string {
  const id = item.channel === 'text' ? '' : `id: ${item.seq}\n`;
  return `${id}event: ${item.channel}\ndata: ${JSON.stringify(item)}\n\n`;
}

/** Resolves when the client has taken what was written. Throws Unavailable when it takes too long. */
function taken(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      clearTimeout(timer);
      response.off('drain', over);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(() => {
      response.off('drain', over);
      signal.removeEventListener('abort', over);
      reject(new Unavailable(`a reader of the stream took nothing for ${STALLED_MS / 1000} s`));
    }, STALLED_MS);
    response.once('drain', over);
    signal.addEventListener('abort', over, { once: true });
    if (signal.aborted) over();
  });
}
