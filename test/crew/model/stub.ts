import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** One scripted reply of the stub provider. */
export type StubReply =
  | { readonly json: unknown; readonly status?: number; readonly headers?: Readonly<Record<string, string>> }
  /** Sends this text as it is. */
  | { readonly raw: string; readonly status?: number; readonly headers?: Readonly<Record<string, string>> }
  /** Sends this much of a stream and ends it, or cuts the connection. */
  | { readonly stream: string; readonly type: string; readonly cut?: boolean }
  /** Sends half an answer and cuts the connection. */
  | { readonly cut: true }
  /** Answers once the promise has resolved. */
  | { readonly after: Promise<unknown>; readonly reply: StubReply }
  /** Never answers. */
  | { readonly silence: true };

export interface StubRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

/** A provider on a loopback port that answers from a script and keeps what it was sent. */
export class StubProvider {
  readonly requests: StubRequest[] = [];
  readonly #server: Server;
  #replies: StubReply[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<StubProvider> {
    const server = createServer();
    const stub = new StubProvider(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the stub has no port');
    return `http://127.0.0.1:${address.port}`;
  }

  script(...replies: StubReply[]): void {
    this.requests.length = 0;
    this.#replies = replies;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    this.requests.push({
      path: request.url ?? '',
      headers: request.headers,
      body: text === '' ? null : JSON.parse(text),
    });
    let reply = this.#replies.shift() ?? { json: { error: { message: 'the script is over' } }, status: 400 };
    while ('after' in reply) {
      await reply.after;
      reply = reply.reply;
    }
    if ('silence' in reply) return;
    if ('stream' in reply) {
      response.writeHead(200, { 'content-type': reply.type });
      response.write(reply.stream);
      if (reply.cut === true) setTimeout(() => request.socket.destroy(), 20);
      else response.end();
      return;
    }
    if ('cut' in reply) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"id":"half');
      setImmediate(() => request.socket.destroy());
      return;
    }
    const body = 'raw' in reply ? reply.raw : JSON.stringify(reply.json);
    response.writeHead(reply.status ?? 200, {
      'content-type': 'application/json',
      ...('headers' in reply ? reply.headers : {}),
    });
    response.end(body);
  }
}

interface Call {
  readonly id: string;
  readonly name: string;
  /** As the provider sends it: text for OpenAI, a value for Anthropic. */
  readonly args: unknown;
}

/** How one provider's wire says things. */
export interface Wire {
  readonly name: string;
  readonly model: string;
  readonly env: (url: string) => Readonly<Record<string, string>>;
  readonly text: (text: string) => StubReply;
  readonly calls: (...calls: readonly Call[]) => StubReply;
  readonly error: (status: number, headers?: Readonly<Record<string, string>>) => StubReply;
  /** The text in pieces; `end: false` leaves out how it ended, and the tokens. */
  readonly pieces: (
    texts: readonly string[],
    options?: { readonly end?: boolean; readonly cut?: boolean },
  ) => StubReply;
  /** A tool call whose arguments cannot be used. */
  readonly malformed: () => StubReply;
  /** Texts of the tool results in a request, in order. */
  readonly toolResults: (request: StubRequest | undefined) => readonly string[];
  readonly toolNames: (request: StubRequest | undefined) => readonly string[];
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).find(([k]) => k === name)?.[1] : undefined;
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function openaiReply(message: unknown, finish: string): StubReply {
  return {
    json: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'gpt-stub',
      choices: [{ index: 0, message, finish_reason: finish, logprobs: null }],
      usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
    },
  };
}

const openaiCalls = (...calls: readonly Call[]): StubReply =>
  openaiReply(
    {
      role: 'assistant',
      content: null,
      tool_calls: calls.map((c) => ({
        id: c.id,
        type: 'function',
        function: { name: c.name, arguments: typeof c.args === 'string' ? c.args : JSON.stringify(c.args) },
      })),
    },
    'tool_calls',
  );

export const openai: Wire = {
  name: 'openai',
  model: 'openai:gpt-stub',
  env: (url) => ({ OPENAI_API_KEY: 'key-of-test', OPENAI_BASE_URL: `${url}/v1` }),
  text: (text) => openaiReply({ role: 'assistant', content: text }, 'stop'),
  calls: openaiCalls,
  pieces: (texts, { end = true, cut = false } = {}) => {
    const chunk = (choices: readonly unknown[], more: object = {}): string =>
      `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'gpt-stub', choices, ...more })}\n\n`;
    const piece = (content: string, i: number): string =>
      chunk([{ index: 0, delta: i === 0 ? { role: 'assistant', content } : { content }, finish_reason: null }]);
    const usage = {
      prompt_tokens: 11,
      completion_tokens: 7,
      total_tokens: 18,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 2 },
    };
    const tail = [chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]), chunk([], { usage }), 'data: [DONE]\n\n'];
    return { stream: [...texts.map(piece), ...(end ? tail : [])].join(''), type: 'text/event-stream', cut };
  },
  error: (status, headers = {}) => ({
    json: { error: { message: `stub says ${status}`, type: 'stub' } },
    status,
    headers,
  }),
  malformed: () => openaiCalls({ id: 'bad_1', name: 'look', args: '{"what": ' }),
  toolResults: (request) =>
    list(field(request?.body, 'messages'))
      .filter((m) => field(m, 'role') === 'tool')
      .map((m) => String(field(m, 'content'))),
  toolNames: (request) => list(field(request?.body, 'tools')).map((t) => String(field(field(t, 'function'), 'name'))),
};

function anthropicReply(content: unknown, stop: string): StubReply {
  return {
    json: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-stub',
      content,
      stop_reason: stop,
      stop_sequence: null,
      usage: { input_tokens: 11, output_tokens: 7 },
    },
  };
}

const anthropicCalls = (...calls: readonly Call[]): StubReply =>
  anthropicReply(
    calls.map((c) => ({ type: 'tool_use', id: c.id, name: c.name, input: c.args })),
    'tool_use',
  );

export const anthropic: Wire = {
  name: 'anthropic',
  model: 'anthropic:claude-stub',
  env: (url) => ({ ANTHROPIC_API_KEY: 'key-of-test', ANTHROPIC_BASE_URL: url }),
  text: (text) => anthropicReply([{ type: 'text', text }], 'end_turn'),
  calls: anthropicCalls,
  pieces: (texts, { end = true, cut = false } = {}) => {
    const event = (type: string, data: object): string =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
    const message = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-stub',
      content: [],
      stop_reason: null,
    };
    const usage = { input_tokens: 7, cache_read_input_tokens: 4, cache_creation_input_tokens: 0, output_tokens: 1 };
    const head = [
      event('message_start', { message: { ...message, usage } }),
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ];
    const body = texts.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }));
    // The count at the end is of the whole answer, the first one is part of it.
    const tail = [
      event('content_block_stop', { index: 0 }),
      event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } }),
      event('message_stop', {}),
    ];
    return { stream: [...head, ...body, ...(end ? tail : [])].join(''), type: 'text/event-stream', cut };
  },
  error: (status, headers = {}) => ({
    json: { type: 'error', error: { type: 'stub_error', message: `stub says ${status}` } },
    status,
    headers,
  }),
  malformed: () => anthropicCalls({ id: 'bad_1', name: 'look', args: 'not an object' }),
  toolResults: (request) =>
    list(field(request?.body, 'messages'))
      .flatMap((m) => list(field(m, 'content')))
      .filter((c) => field(c, 'type') === 'tool_result')
      .map((c) => {
        const content = field(c, 'content');
        return typeof content === 'string'
          ? content
          : list(content)
              .map((p) => String(field(p, 'text')))
              .join('');
      }),
  toolNames: (request) => list(field(request?.body, 'tools')).map((t) => String(field(t, 'name'))),
};
