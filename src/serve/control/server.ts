import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventStream } from '../../events/index.ts';
import { acceptUpgrades } from '../../infra/upgrade.ts';
import { AppError, InvalidInput, errorMessage, StopRequested } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CallOptions, Desk, EventsQuery } from '../desk.ts';
import { serveEvents, serveSocketStream, STREAM_PATH } from './stream.ts';

/** Methods of `Desk` that are served; each takes one JSON argument. */
export const DESK_METHODS = [
  'status',
  'health',
  'crews',
  'agents',
  'tasks',
  'tools',
  'describeTool',
  'callTool',
  'kickoff',
  'flows',
  'runFlow',
  'runs',
  'run',
  'resumeRun',
  'cancelRun',
  'forkRun',
  'runSteps',
  'usage',
  'judge',
  'modelCalls',
  'prices',
  'budgets',
  'events',
  'query',
  'questions',
  'answerQuestion',
  'approvals',
  'decide',
  'standingApprovals',
  'revokeApproval',
  'unknownEffects',
  'settleEffect',
  'audit',
  'verifyAudit',
  'memories',
  'searchMemory',
  'forgetMemory',
  'consolidations',
  'undoConsolidation',
  'memoryReceipts',
  'feedback',
  'giveFeedback',
  'forgetFeedback',
  'explain',
  'mcpServers',
  'mcpTools',
  'acceptMcpTools',
  'forgetMcpTools',
  'behaviours',
  'runBehaviour',
  'shadowReport',
  'pause',
  'resume',
  'pruneTape',
  'createBackup',
] as const;
export type DeskMethod = (typeof DESK_METHODS)[number];

const MAX_BODY = 4 * 1024 * 1024;

/** One line of an answer: progress while it lasts, then the result or the error. */
export type ControlLine =
  | { readonly progress: number; readonly message?: string | undefined }
  | { readonly event: unknown }
  | { readonly result: unknown }
  | {
      readonly error: {
        readonly name: string;
        readonly code: string;
        readonly message: string;
        readonly details?: unknown;
      };
    };

export interface ControlServer extends AsyncDisposable {
  readonly url: string;
}

export interface ControlOptions {
  readonly token: string;
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
  /** Served at `/stream`; without one there is no such address. */
  readonly stream?: EventStream | undefined;
  /** Pages to be read with GET, by path. */
  readonly pages?: Readonly<Record<string, () => Promise<Page>>> | undefined;
}

export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Serves a desk to other processes of this machine: `POST /api/<method>` with a JSON argument, answered as JSON lines,
 * `/stream` and the pages. Listens on loopback unless `host` says otherwise; every request needs the token.
 */
export async function serveControl(desk: Desk, options: ControlOptions): Promise<ControlServer> {
  const active = new Set<AbortController>();
  const server = createServer((request, response) => {
    const abort = new AbortController();
    active.add(abort);
    response.on('close', () => {
      active.delete(abort);
      if (!response.writableFinished) abort.abort(new DOMException('the caller went away', 'AbortError'));
    });
    handle(desk, options, request, response, abort.signal).catch((error: unknown) => {
      options.log.error('control.failed', { error });
      response.destroy();
    });
  });
  server.keepAliveTimeout = 1000;
  const cut = acceptStreams(server, options);
  const port = await listen(server, options.port, options.host);
  return {
    url: `http://${options.host}:${port}`,
    async [Symbol.asyncDispose]() {
      for (const abort of active) abort.abort(new StopRequested('the controller stops'));
      await new Promise<void>((resolve) => {
        cut();
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

async function handle(
  desk: Desk,
  { token, stream, pages }: ControlOptions,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  if (!authorised(request, token)) return reply(response, 401, UNKNOWN_CALLER);
  if (stream !== undefined && request.method === 'GET' && pathOf(request) === STREAM_PATH) {
    try {
      await serveEvents(stream, request, response, signal);
    } catch (error) {
      if (response.headersSent) throw error;
      reply(response, statusOf(error), { error: describe(error) });
    }
    return;
  }
  const page = request.method === 'GET' ? pages?.[pathOf(request)] : undefined;
  if (page !== undefined) return sendPage(response, page);
  const method = /^\/api\/([a-zA-Z]+)$/.exec(request.url ?? '')?.[1];
  if (request.method !== 'POST' || method === undefined) {
    return reply(response, 404, {
      error: {
        name: 'NotFound',
        code: 'not_found',
        message: `no such address: ${request.method ?? ''} ${request.url ?? ''}`,
      },
    });
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  const send = (line: ControlLine): void => void response.write(`${JSON.stringify(line)}\n`);
  try {
    const argument = await readBody(request);
    if (method === 'follow') {
      for await (const event of desk.follow(argument as EventsQuery, signal)) send({ event });
      send({ result: null });
    } else {
      send({
        result:
          (await dispatch(desk, method, argument, {
            signal,
            onProgress: (progress, message) => send({ progress, message }),
          })) ?? null,
      });
    }
  } catch (error) {
    send({ error: describe(error) });
  }
  response.end();
}

async function sendPage(response: ServerResponse, page: () => Promise<Page>): Promise<void> {
  try {
    const { status, type, body } = await page();
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(body);
  } catch (error) {
    reply(response, statusOf(error), { error: describe(error) });
  }
}

const UNKNOWN_CALLER: ControlLine = {
  error: { name: 'PermissionDenied', code: 'permission_denied', message: 'missing or wrong token' },
};

function acceptStreams(server: Server, { token, stream }: ControlOptions): () => void {
  return acceptUpgrades(server, {
    refuse: (request) => {
      if (!authorised(request, token)) return { status: 401, body: JSON.stringify(UNKNOWN_CALLER) };
      return stream !== undefined && pathOf(request) === STREAM_PATH ? null : { status: 404, body: '{}' };
    },
    serve: async (socket, request) => {
      if (stream !== undefined) await serveSocketStream(stream, request, socket);
    },
  });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?')[0] ?? '';
}

function statusOf(error: unknown): number {
  const code = error instanceof AppError ? error.code : 'internal';
  return code === 'invalid_input' ? 400 : code === 'stale' ? 410 : code === 'unavailable' ? 503 : 500;
}

function dispatch(desk: Desk, method: string, argument: unknown, options: CallOptions): Promise<unknown> {
  if (!DESK_METHODS.includes(method as DeskMethod)) throw new InvalidInput(`the controller has no method '${method}'`);
  const methods = desk as unknown as Record<DeskMethod, (argument: unknown, options: CallOptions) => Promise<unknown>>;
  return methods[method as DeskMethod](argument, options);
}

function describe(error: unknown): { name: string; code: string; message: string; details?: unknown } {
  if (error instanceof AppError)
    return {
      name: error.name,
      code: error.code,
      message: error.message,
      ...(error.details === undefined ? {} : { details: error.details }),
    };
  return { name: 'Error', code: 'internal', message: errorMessage(error) };
}

function authorised(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY) throw new InvalidInput(`the request is larger than ${MAX_BODY} bytes`);
    chunks.push(chunk as Buffer);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new InvalidInput(`the request is not JSON: ${errorMessage(error)}`);
  }
}

function reply(response: ServerResponse, status: number, line: ControlLine): void {
  response.writeHead(status, { 'content-type': 'application/x-ndjson' });
  response.end(`${JSON.stringify(line)}\n`);
}

/** Listens and gives the port. Throws InvalidInput when the port is taken or not allowed. */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'is taken by another program; choose another port'
          : `cannot be used: ${error.message}`;
      reject(new InvalidInput(`address ${host}:${port} ${why}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}
