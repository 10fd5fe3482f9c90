import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { AIMessage } from '@langchain/core/messages';
import { z } from 'zod';
import { modelFailure } from '../crew/model/failure.ts';
import type { CrewModel } from '../crew/model/model.ts';
import { tokenCounts, withTokens } from '../crew/model/tokens.ts';
import { systemClock } from '../infra/clock.ts';
import { differences } from '../kit/difference.ts';
import { errorMessage, InvalidInput, NotFound } from '../kit/errors.ts';
import { canonicalJson } from '../kit/json.ts';
import { CassetteChat, type CassetteRequest } from './cassette-chat.ts';
import { createRedactor } from '../kit/redact.ts';

export interface CassetteOptions {
  readonly path: string;
  /** `replay` asks nobody; `record` asks and writes the file anew; `auto` (default) replays a file that is there, else records. */
  readonly mode?: 'replay' | 'record' | 'auto' | undefined;
  /** Environment whose secrets never reach the file: values of `…KEY`, `…TOKEN`, `…SECRET`, `…PASSWORD`. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Further variables that hold secrets, whatever they are called, as those that a configuration names. */
  readonly secrets?: readonly string[] | undefined;
}

const callSchema = z.object({ id: z.string().optional(), name: z.string(), args: z.record(z.string(), z.unknown()) });
const replySchema = z.union([
  z.object({
    text: z.string(),
    calls: z.array(callSchema),
    invalid_calls: z.array(
      z.object({ id: z.string().optional(), name: z.string().optional(), args: z.string().optional() }),
    ),
    tokens: z
      .object({
        input_tokens: z.number(),
        output_tokens: z.number(),
        cached_tokens: z.number(),
        cache_write_tokens: z.number(),
        reasoning_tokens: z.number(),
      })
      .nullable(),
  }),
  z.object({
    error: z.string(),
    name: z.string(),
    status: z.number().nullable(),
    code: z.string().nullable(),
    retry_after_ms: z.number().nullable(),
  }),
]);
const fileSchema = z.object({
  format: z.literal('crew-cassette'),
  version: z.literal(1),
  calls: z.array(z.object({ request: z.unknown(), reply: replySchema })),
});
type Reply = z.output<typeof replySchema>;
type Failure = Extract<Reply, { readonly error: string }>;
type Recorded = z.output<typeof fileSchema>['calls'][number];

/**
 * Answers of models, recorded once and replayed: tests take the real conversation without a key or a network. A call is
 * found again by what it asks, in any order, each answer once; one that is not on the cassette fails with what differs
 * from the nearest that is. Secrets are replaced by their variables' names before anything is compared or written:
 * a crew that replays sees them replaced.
 */
export class Cassette {
  readonly recording: boolean;
  readonly #path: string;
  readonly #redact: (value: unknown) => unknown;
  readonly #calls: Recorded[];
  readonly #used = new Set<Recorded>();
  #missed: Error | undefined;

  /** Throws InvalidInput when there is no such file to replay, or it is no cassette. */
  constructor({ path, mode = 'auto', env = process.env, secrets = [] }: CassetteOptions) {
    this.recording = mode === 'record' || (mode === 'auto' && !existsSync(path));
    this.#path = path;
    const redactor = createRedactor(env, secrets);
    this.#redact = (value) => redactor.value(value);
    this.#calls = this.recording ? [] : [...load(path)];
  }

  /** The model as crews take it. Replaying never asks it, so any model of the name will do. */
  model(model: CrewModel): CrewModel {
    return { ...model, chat: new CassetteChat(model, this) };
  }

  /** Replays or records one call. Throws what was recorded as an error, and NotFound for a call that is not there. */
  async answer(model: CrewModel, asked: CassetteRequest, ask: () => Promise<AIMessage>): Promise<AIMessage> {
    const request = this.#redact(requestOf(model, asked));
    if (!this.recording) return messageOf(this.#find(request));
    let reply: Reply;
    try {
      reply = replyOf(await ask());
    } catch (error) {
      this.#keep(request, failureOf(error));
      throw error;
    }
    this.#keep(request, reply);
    return messageOf(reply);
  }

  /** Throws the first call that was not on the cassette, and when answers are left that nobody asked for. */
  assertUsed(): void {
    if (this.#missed !== undefined) throw this.#missed;
    const left = this.#calls.length - this.#used.size;
    if (!this.recording && left > 0) throw new Error(`${this.#path} has ${left} answers that nobody asked for`);
  }

  #find(request: unknown): Reply {
    const wanted = canonicalJson(request);
    const open = this.#calls.filter((call) => !this.#used.has(call));
    const found = open.find((call) => canonicalJson(call.request) === wanted);
    if (found === undefined) {
      const error = new NotFound(missing(this.#path, this.#calls, open, request));
      this.#missed ??= error;
      throw error;
    }
    this.#used.add(found);
    return found.reply;
  }

  #keep(request: unknown, reply: Reply): void {
    this.#calls.push({ request, reply: replySchema.parse(this.#redact(reply)) });
    const draft = `${this.#path}.${process.pid}`;
    const file = { format: 'crew-cassette', version: 1, calls: this.#calls };
    writeFileSync(draft, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, this.#path);
  }
}

function load(path: string): readonly Recorded[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new InvalidInput(`cassette ${path} cannot be read: ${String(cause)}; record it with mode: 'record'`, {
      cause,
    });
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data.calls;
  throw new InvalidInput(`${path} is no cassette: ${z.prettifyError(parsed.error)}`);
}

function requestOf(model: CrewModel, { messages, tools, options }: CassetteRequest): unknown {
  return {
    model: model.name,
    messages: messages.map((message) => ({
      role: message.type,
      content: message.content,
      ...('tool_calls' in message ? { calls: message.tool_calls } : {}),
      ...('tool_call_id' in message ? { call_id: message.tool_call_id } : {}),
    })),
    tools: tools.map((tool) => tool.function),
    options,
  };
}

function replyOf(message: AIMessage): Reply {
  return {
    text: message.text,
    calls: (message.tool_calls ?? []).map(({ id, name, args }) => ({
      name,
      args,
      ...(id === undefined ? {} : { id }),
    })),
    invalid_calls: (message.invalid_tool_calls ?? []).map(partsOf),
    tokens: tokenCounts(message),
  };
}

/** A call that could not be read, as far as it has parts. */
function partsOf({
  id,
  name,
  args,
}: {
  id?: string | undefined;
  name?: string | undefined;
  args?: string | undefined;
}): {
  id?: string;
  name?: string;
  args?: string;
} {
  return {
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(args === undefined ? {} : { args }),
  };
}

/** What decides whether a crew tries again: status, wait, and the name and code of a cut connection. */
function failureOf(error: unknown): Failure {
  const status = field(error, 'status');
  return {
    error: errorMessage(error),
    name: error instanceof Error ? error.name : 'Error',
    status: typeof status === 'number' ? status : null,
    code: codeOf(error),
    retry_after_ms: modelFailure(error, systemClock.now()).retryAfterMs,
  };
}

/** The first code of an error or its causes, as `ECONNRESET`. */
function codeOf(error: unknown): string | null {
  for (let e = error, depth = 0; e instanceof Error && depth < 4; e = e.cause, depth++) {
    const code = field(e, 'code');
    if (typeof code === 'string') return code;
  }
  return null;
}

function field(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Object.entries(error).find(([key]) => key === name)?.[1] : null;
}

function errorOf({ error: message, name, status, code, retry_after_ms: wait }: Failure): Error {
  return Object.assign(new Error(message), {
    name,
    ...(status === null ? {} : { status }),
    ...(code === null ? {} : { code }),
    ...(wait === null ? {} : { headers: { 'retry-after-ms': String(wait) } }),
  });
}

function messageOf(reply: Reply): AIMessage {
  if ('error' in reply) throw errorOf(reply);
  const message = new AIMessage({
    content: reply.text,
    tool_calls: reply.calls.map(({ id, name, args }) => ({
      name,
      args,
      type: 'tool_call' as const,
      ...(id === undefined ? {} : { id }),
    })),
    invalid_tool_calls: reply.invalid_calls.map((call) => ({ ...partsOf(call), type: 'invalid_tool_call' as const })),
  });
  return reply.tokens === null ? message : withTokens(message, reply.tokens);
}

/** Differences shown of the nearest call. */
const SHOWN = 10;

function missing(path: string, all: readonly Recorded[], open: readonly Recorded[], request: unknown): string {
  const near = open
    .map((call) => ({ call, differs: differences(call.request, request) }))
    .sort((a, b) => a.differs.length - b.differs.length)[0];
  const head = `this call is not on the cassette ${path}`;
  if (near === undefined) return `${head}: all its ${all.length} answers are used`;
  const lines = near.differs
    .slice(0, SHOWN)
    .map(({ path: at, a, b }) => `  ${at}\n    recorded ${short(a)}\n    asked    ${short(b)}`);
  const more = near.differs.length > SHOWN ? `\n  and ${near.differs.length - SHOWN} more` : '';
  return `${head}. Nearest is its call ${all.indexOf(near.call) + 1}, which differs at\n${lines.join('\n')}${more}`;
}

function short(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
