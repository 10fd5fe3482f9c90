import { StringDecoder } from 'node:string_decoder';
import { type OAuthClientProvider, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { InvalidInput, Unavailable } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { McpServerConfig } from '../config/mcp-schema.ts';

/** Gets and keeps OAuth tokens of a server. */
export interface McpAuth {
  readonly provider: OAuthClientProvider;
  /** Where the person came back to after the provider sent them to be asked: the parameters of that address. */
  readonly callback?: (() => Promise<URLSearchParams>) | undefined;
}

/** One message may be this long; a server that sends more loses the connection. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** Of a line that a program writes to stderr, this much is logged. */
const MAX_STDERR = 2048;

export interface TransportOptions {
  readonly id: string;
  readonly server: McpServerConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Gets and keeps OAuth tokens for the address; for programs that bring their own. */
  readonly auth?: McpAuth | undefined;
}

/** The way to a server: its own process, or its address. Throws Unavailable when a variable that it needs is not set. */
export function createTransport(options: TransportOptions): Transport {
  const { id, server, log } = options;
  if (server.command !== undefined) {
    const transport = new StdioClientTransport({
      command: server.command,
      args: server.args,
      env: Object.fromEntries(server.env.map((name) => [name, variableOf(options, name)])),
      stderr: 'pipe',
      maxBufferSize: MAX_MESSAGE_BYTES,
    });
    const lines = linesOf((text) => log.debug('mcp.server_stderr', { server: id, text }));
    transport.stderr?.on('data', (chunk: Buffer) => lines.write(chunk));
    transport.stderr?.on('end', () => lines.end());
    return transport;
  }
  if (server.url === undefined) throw new InvalidInput(`mcp server ${id}: neither command nor url is given`);
  const token = server.token_env === undefined ? undefined : variableOf(options, server.token_env);
  return new StreamableHTTPClientTransport(new URL(server.url), {
    ...(options.auth === undefined ? {} : { authProvider: options.auth.provider }),
    ...(token === undefined ? {} : { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
    fetch: boundedFetch,
    reconnectionOptions: {
      initialReconnectionDelay: 250,
      maxReconnectionDelay: 30_000,
      reconnectionDelayGrowFactor: 2,
      maxRetries: 5,
    },
  });
}

/**
 * Lines of what a program writes, whatever chunks it comes in, so that no word of it is told in halves. Of a line at
 * most `MAX_STDERR` characters are kept.
 */
function linesOf(told: (line: string) => void): { write(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder('utf8');
  let line = '';
  const tell = (): void => {
    if (line !== '') told(line);
    line = '';
  };
  const add = (text: string): void => {
    const [first = '', ...more] = text.split('\n');
    line += first.slice(0, MAX_STDERR - line.length);
    for (const next of more) {
      tell();
      line = next.slice(0, MAX_STDERR);
    }
  };
  return {
    write: (chunk) => add(decoder.write(chunk)),
    end: () => {
      add(decoder.end());
      tell();
    },
  };
}

function variableOf({ id, env }: TransportOptions, name: string): string {
  const value = env[name];
  if (value === undefined || value === '')
    throw new Unavailable(`mcp server ${id} needs the environment variable ${name}, which is not set`);
  return value;
}

/** `fetch` whose answers end with an error once a body, or one event of a stream, is longer than a message may be. */
async function boundedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.body === null) return response;
  const streamed = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  let size = 0;
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        // An event ends with a line break: only what came since the last one counts.
        const ended = streamed ? chunk.lastIndexOf(0x0a) : -1;
        size = ended >= 0 ? chunk.length - ended : size + chunk.length;
        if (size > MAX_MESSAGE_BYTES)
          controller.error(new Error(`a message is longer than ${MAX_MESSAGE_BYTES} bytes`));
        else controller.enqueue(chunk);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(counted, { status, statusText, headers });
}
