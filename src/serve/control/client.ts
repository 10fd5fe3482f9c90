import { request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';
import type { AnyEvent } from '../../kit/event.ts';
import {
  AppError,
  Conflict,
  Corrupt,
  DeadlineExceeded,
  type ErrorCode,
  InvalidInput,
  NotFound,
  PermissionDenied,
  Stale,
  Unavailable,
  Unsupported,
} from '../../kit/errors.ts';
import type { CallOptions, Desk, EventsQuery } from '../desk.ts';
import type { ControlAddress } from './address.ts';
import { type ControlLine, DESK_METHODS, type DeskMethod } from './server.ts';

type Remote = Record<DeskMethod, (argument?: unknown, options?: CallOptions) => Promise<unknown>>;

/** A desk that another process runs, reached over its control address. Closing it leaves the controller running. */
export function connectDesk(address: ControlAddress): Desk {
  const remote = Object.fromEntries(
    DESK_METHODS.map((method) => [
      method,
      (argument?: unknown, options?: CallOptions) => call(address, method, argument, options),
    ]),
  ) as Remote;
  return Object.assign(remote, {
    kind: 'remote' as const,
    follow: (query: EventsQuery, signal: AbortSignal) => follow(address, query, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }) as unknown as Desk;
}

async function call(
  address: ControlAddress,
  method: string,
  argument: unknown,
  options: CallOptions = {},
): Promise<unknown> {
  for await (const line of lines(address, method, argument, options.signal)) {
    if ('result' in line) return line.result;
    if ('error' in line) throw revive(line.error);
    if ('progress' in line) options.onProgress?.(line.progress, line.message);
  }
  throw new Unavailable(`the controller at ${address.url} stopped before it answered ${method}`);
}

async function* follow(address: ControlAddress, query: EventsQuery, signal: AbortSignal): AsyncGenerator<AnyEvent> {
  try {
    for await (const line of lines(address, 'follow', query, signal)) {
      if ('event' in line) yield line.event as AnyEvent;
      else if ('error' in line) throw revive(line.error);
      else if ('result' in line) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* lines(
  address: ControlAddress,
  method: string,
  argument: unknown,
  signal: AbortSignal | undefined,
): AsyncGenerator<ControlLine> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const request = httpRequest(`${address.url}/api/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${address.token}`, 'content-type': 'application/json' },
      ...(signal === undefined ? {} : { signal }),
    });
    request.on('response', resolve);
    request.on('error', (error) =>
      reject(
        signal?.aborted === true
          ? error
          : new Unavailable(`the controller at ${address.url} does not answer: ${error.message}`, { cause: error }),
      ),
    );
    request.end(argument === undefined ? '' : JSON.stringify(argument));
  });
  for await (const text of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (text !== '') yield JSON.parse(text) as ControlLine;
  }
}

/** The controller's error in this process: same class, same message. */
function revive(error: { readonly code: string; readonly message: string; readonly details?: unknown }): Error {
  const options = { details: error.details as Readonly<Record<string, unknown>> | undefined };
  const classes: Partial<
    Record<
      ErrorCode,
      new (
        message: string,
        options: { details: Readonly<Record<string, unknown>> | undefined },
      ) => AppError
    >
  > = {
    invalid_input: InvalidInput,
    not_found: NotFound,
    unsupported: Unsupported,
    stale: Stale,
    unavailable: Unavailable,
    permission_denied: PermissionDenied,
    deadline_exceeded: DeadlineExceeded,
    conflict: Conflict,
    corrupt: Corrupt,
  };
  const Class = classes[error.code as ErrorCode];
  return Class === undefined ? new Error(error.message) : new Class(error.message, options);
}
