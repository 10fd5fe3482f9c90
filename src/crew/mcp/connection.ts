import {
  Client,
  StreamableHTTPClientTransport,
  type Transport,
  UnauthorizedError,
  ProtocolError,
  SdkError,
  SdkErrorCode,
} from '@modelcontextprotocol/client';
import type { Clock, Ms } from '../../kit/clock.ts';
import { AppError, DeadlineExceeded, errorMessage, OutcomeUnknown, Unavailable } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { McpServerConfig } from '../config/mcp-schema.ts';
import { serveAsking } from './asking.ts';
import type { ForeignAnswers, ForeignPrompt, ForeignResource, ForeignResult, ForeignTool } from './contract.ts';
import { boundedResult, boundedText, type RawResult } from './result.ts';
import { createTransport, type McpAuth } from './transport.ts';

export interface McpConnectionOptions {
  readonly id: string;
  readonly server: McpServerConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly answers: ForeignAnswers;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  readonly auth?: McpAuth | undefined;
  /** The server says that its list of tools is not as it was. */
  readonly onToolsChanged?: (() => void) | undefined;
}

export interface McpCallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((fraction: number, message?: string) => void) | undefined;
}

/**
 * A server of others. It is connected when first needed, and again after it was lost: at once, then after ever longer
 * pauses. Every method throws Unavailable when it cannot be reached, DeadlineExceeded when it does not answer in time.
 */
export interface McpConnection extends AsyncDisposable {
  readonly state: 'idle' | 'connected' | 'failed';
  readonly protocol: string | null;
  readonly lastError: string | null;
  /** Counts connections; a list that was read over an earlier one is old. */
  readonly generation: number;
  connect(): Promise<void>;
  tools(): Promise<readonly ForeignTool[]>;
  /** Throws OutcomeUnknown when the server went away while it worked, Unavailable with its words when it says no. */
  call(tool: string, args: Readonly<Record<string, unknown>>, options?: McpCallOptions): Promise<ForeignResult>;
  resources(options?: McpCallOptions): Promise<readonly ForeignResource[]>;
  read(uri: string, options?: McpCallOptions): Promise<ForeignResult>;
  prompts(options?: McpCallOptions): Promise<readonly ForeignPrompt[]>;
  prompt(name: string, args: Readonly<Record<string, string>>, options?: McpCallOptions): Promise<ForeignResult>;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** More tools than this are not read: no agent can choose among them. */
const MAX_PAGES = 16;

/** A person is asked to authorise at most this often for one thing: more is a server that is never content. */
const MAX_AUTHORISATIONS = 2;

class Unauthorised extends Unavailable {}

export function createMcpConnection(options: McpConnectionOptions): McpConnection {
  return new Connection(options);
}

class Connection implements McpConnection {
  readonly #options: McpConnectionOptions;
  readonly #timeoutMs: Ms;
  #client: Client | undefined;
  #transport: Transport | undefined;
  #connecting: Promise<Client> | undefined;
  #closed = false;
  #failures = 0;
  #notBefore = 0;
  lastError: string | null = null;
  generation = 0;

  constructor(options: McpConnectionOptions) {
    this.#options = options;
    this.#timeoutMs = options.server.timeout_seconds * 1000;
  }

  get state(): 'idle' | 'connected' | 'failed' {
    if (this.#client !== undefined) return 'connected';
    return this.lastError === null ? 'idle' : 'failed';
  }

  get protocol(): string | null {
    return this.#client?.getNegotiatedProtocolVersion() ?? null;
  }

  async connect(): Promise<void> {
    await this.#connected();
  }

  async tools(): Promise<readonly ForeignTool[]> {
    const { tools } = await this.#ask('tools/list', {}, (client, request) => client.listTools(undefined, request));
    return tools.map(({ name, title, description, inputSchema, outputSchema, annotations }) => ({
      name,
      title,
      description: description ?? '',
      inputSchema,
      outputSchema,
      annotations,
    }));
  }

  async call(
    tool: string,
    args: Readonly<Record<string, unknown>>,
    options: McpCallOptions = {},
  ): Promise<ForeignResult> {
    const result = await this.#ask(tool, options, (client, request) =>
      client.callTool({ name: tool, arguments: { ...args } }, request),
    );
    const bounded = this.#bounded(result);
    if (result.isError === true)
      throw new Unavailable(`${this.#options.id} says that ${tool} failed: ${bounded.text}`, {
        details: { origin: 'foreign' },
      });
    return bounded;
  }

  async resources(options: McpCallOptions = {}): Promise<readonly ForeignResource[]> {
    const { resources } = await this.#ask('resources/list', options, (client, request) =>
      client.listResources(undefined, request),
    );
    return resources.map(({ uri, name, description, mimeType }) => ({
      uri,
      name,
      description: description ?? null,
      mime_type: mimeType ?? null,
    }));
  }

  async read(uri: string, options: McpCallOptions = {}): Promise<ForeignResult> {
    const { contents } = await this.#ask('resources/read', options, (client, request) =>
      client.readResource({ uri }, request),
    );
    return this.#bounded({ content: contents.map((resource) => ({ type: 'resource', resource })) });
  }

  async prompts(options: McpCallOptions = {}): Promise<readonly ForeignPrompt[]> {
    const { prompts } = await this.#ask('prompts/list', options, (client, request) =>
      client.listPrompts(undefined, request),
    );
    return prompts.map(({ name, description, arguments: args }) => ({
      name,
      description: description ?? null,
      arguments: (args ?? []).map((a) => ({
        name: a.name,
        description: a.description ?? null,
        required: a.required ?? false,
      })),
    }));
  }

  async prompt(
    name: string,
    args: Readonly<Record<string, string>>,
    options: McpCallOptions = {},
  ): Promise<ForeignResult> {
    const { messages } = await this.#ask('prompts/get', options, (client, request) =>
      client.getPrompt({ name, arguments: { ...args } }, request),
    );
    return this.#bounded({ content: messages.map((message) => message.content) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const client = this.#client ?? (await this.#connecting?.catch(() => undefined));
    this.#client = undefined;
    await client?.close();
  }

  #bounded(result: RawResult): ForeignResult {
    return boundedResult(result, this.#options.server.max_result_kb * 1024);
  }

  /** Asks, and asks again after the person authorised what the server wants authorised. */
  async #ask<T>(
    what: string,
    options: McpCallOptions,
    ask: (client: Client, request: NonNullable<Parameters<Client['callTool']>[1]>) => Promise<T>,
  ): Promise<T> {
    for (let asked = 0; ; asked++) {
      try {
        return await this.#askOnce(what, options, ask);
      } catch (error) {
        if (!(error instanceof Unauthorised) || asked >= MAX_AUTHORISATIONS) throw error;
        await this.#authorised(error);
      }
    }
  }

  async #askOnce<T>(
    what: string,
    options: McpCallOptions,
    ask: (client: Client, request: NonNullable<Parameters<Client['callTool']>[1]>) => Promise<T>,
  ): Promise<T> {
    const client = await this.#connected();
    const { signal, onProgress } = options;
    try {
      return await ask(client, {
        timeout: this.#timeoutMs,
        maxTotalTimeout: this.#timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined
          ? {}
          : {
              onprogress: ({ progress, total, message }) =>
                onProgress(total === undefined || total <= 0 ? 0 : Math.min(1, progress / total), message),
            }),
      });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw this.#explained(error, what);
    }
  }

  #explained(error: unknown, what: string): AppError {
    const { id } = this.#options;
    const text = boundedText(errorMessage(error));
    if (error instanceof AppError) return error;
    if (error instanceof UnauthorizedError) return new Unauthorised(`mcp server ${id} wants authorisation for ${what}`);
    if (error instanceof ProtocolError)
      return new Unavailable(`mcp server ${id} refuses ${what}: ${text}`, {
        cause: error,
        details: { origin: 'foreign' },
      });
    if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)
      return new DeadlineExceeded(`mcp server ${id} did not answer ${what} within ${this.#timeoutMs} ms`, {
        cause: error,
      });
    return new OutcomeUnknown(`mcp server ${id} was lost while it worked on ${what}: ${text}`, { cause: error });
  }

  #connected(): Promise<Client> {
    if (this.#closed) return Promise.reject(new Unavailable(`mcp server ${this.#options.id}: the desk is closing`));
    if (this.#client !== undefined) return Promise.resolve(this.#client);
    const waitMs = this.#notBefore - this.#options.clock.monotonicMs();
    if (waitMs > 0) {
      const after = `${this.#failures} ${this.#failures === 1 ? 'failure' : 'failures'}`;
      const text = `mcp server ${this.#options.id} is left alone for ${Math.ceil(waitMs)} ms after ${after}: ${this.lastError}`;
      return Promise.reject(new Unavailable(text));
    }
    return (this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    }));
  }

  /** The person comes back with what the authorisation server gave; the tokens for it are the provider's to keep. */
  async #authorised(cause: Error): Promise<void> {
    const { id, auth } = this.#options;
    if (auth?.callback === undefined || !(this.#transport instanceof StreamableHTTPClientTransport))
      throw new Unavailable(`mcp server ${id} wants authorisation, and nobody is there to give it`, { cause });
    await this.#transport.finishAuth(await auth.callback());
  }

  async #connectedClient(): Promise<Client> {
    for (let asked = 0; ; asked++) {
      const client = this.#createClient();
      try {
        this.#transport = createTransport(this.#options);
        await client.connect(this.#transport, { timeout: this.#timeoutMs });
        return client;
      } catch (error) {
        await client.close();
        if (!(error instanceof UnauthorizedError) || asked >= MAX_AUTHORISATIONS) throw error;
        await this.#authorised(error);
      }
    }
  }

  async #open(): Promise<Client> {
    const { id, log, clock } = this.#options;
    try {
      const client = await this.#connectedClient();
      const opened = client;
      client.onclose = () => this.#lost(opened);
      this.#client = client;
      this.#failures = 0;
      this.lastError = null;
      this.generation++;
      log.info('mcp.server_connected', { server: id, protocol: this.protocol });
      return client;
    } catch (error) {
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
      this.#notBefore = clock.monotonicMs() + pause;
      this.lastError = boundedText(errorMessage(error));
      log.warn('mcp.server_unreachable', { server: id, error, pause_ms: pause });
      throw new Unavailable(`mcp server ${id} cannot be reached: ${this.lastError}`, { cause: error });
    }
  }

  #createClient(): Client {
    const { id, server, answers, log, version } = this.#options;
    const mode =
      server.protocol === 'auto' ? 'auto' : server.protocol === '2026-07-28' ? { pin: server.protocol } : 'legacy';
    const changed = (): void => this.#options.onToolsChanged?.();
    const mayAsk = server.sampling && answers.sample !== undefined;
    const client = new Client(
      { name: 'orderflow-crew', version },
      {
        capabilities: { elicitation: { form: {} }, ...(mayAsk ? { sampling: {} } : {}) },
        versionNegotiation: { mode, probe: { timeoutMs: this.#timeoutMs } },
        listChanged: { tools: { onChanged: changed, autoRefresh: false } },
        listMaxPages: MAX_PAGES,
      },
    );
    client.onerror = (error) => log.debug('mcp.server_error', { server: id, error });
    serveAsking(client, { id, answers: mayAsk ? answers : { elicit: answers.elicit }, log });
    return client;
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    if (this.#closed) return;
    this.lastError = 'the connection was lost';
    this.#options.log.warn('mcp.server_lost', { server: this.#options.id });
  }
}
