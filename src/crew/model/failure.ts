import { AppError, errorMessage, RateLimited } from '../../kit/errors.ts';

/** What a failed model call means for the next one. */
export interface ModelFailure {
  readonly message: string;
  /** The same call may succeed later. */
  readonly retryable: boolean;
  /** The provider answered, with a no: it bills nothing. */
  readonly refused: boolean;
  /** It said that we ask too often. */
  readonly limited: boolean;
  /** What the provider asked us to wait, ms. */
  readonly retryAfterMs: number | null;
  /** The conversation is longer than the model can read. */
  readonly overflow: boolean;
}

/**
 * Reads a provider's error. Retryable: time-outs, cut connections, 408, 409, 425, 429 and 5xx.
 * Not retryable: other 4xx (key, quota, request) and errors of our own code.
 */
export function modelFailure(error: unknown, now: number): ModelFailure {
  const message = errorMessage(error).split('\n')[0] ?? '';
  const overflow = OVERFLOW.test(message);
  const own = { message, refused: false, limited: false, retryAfterMs: null, overflow };
  if (error instanceof RateLimited) return { ...own, retryable: true, retryAfterMs: error.retryAfterMs };
  if (error instanceof AppError) return { ...own, retryable: error.retryable && !overflow };
  const status = numberField(error, 'status') ?? numberField(error, 'status_code');
  if (status !== null) {
    const retryable = status >= 500 || [408, 409, 425, 429].includes(status);
    return {
      message: `${status}${MEANING[status] ?? ''}: ${providersWords(message, status)}`,
      retryable,
      refused: status >= 400,
      limited: status === 429,
      retryAfterMs: retryAfter(error, now),
      // A provider that limits tokens a minute words it much the same.
      overflow: overflow && status !== 429,
    };
  }
  return { ...own, retryable: !overflow && isTransport(error) };
}

const MEANING: Readonly<Record<number, string>> = {
  401: ' (the key is not accepted)',
  403: ' (the key does not allow it)',
};

/** What the provider says, without the status and the envelope that its client puts around it. */
function providersWords(message: string, status: number): string {
  const words = message.startsWith(`${status} `) ? message.slice(`${status} `.length) : message;
  return /^\{.*"message":\s*"((?:[^"\\]|\\.)+)"/.exec(words)?.[1]?.replaceAll(/\\(["\\/])/g, '$1') ?? words;
}

/** How providers say that a conversation is too long: OpenAI and its like, Anthropic, Ollama, Google, Mistral. */
const OVERFLOW =
  /context.?(length|window)|maximum (context|prompt)|prompt is too long|too many (input )?tokens|input.{0,20}too (long|large)|exceeds?.{0,30}(token|context) (limit|count)|reduce the length/i;

const TRANSPORT =
  /fetch failed|network|socket|connection|terminated|timed? ?out|ECONN|EPIPE|UND_ERR|Unexpected (end|token)|JSON/i;

function isTransport(error: unknown): boolean {
  for (let e = error, depth = 0; e instanceof Error && depth < 4; e = e.cause, depth++) {
    const code = 'code' in e && typeof e.code === 'string' ? e.code : '';
    if (TRANSPORT.test(e.name) || TRANSPORT.test(e.message) || TRANSPORT.test(code)) return true;
  }
  return false;
}

function retryAfter(error: unknown, now: number): number | null {
  const headers = typeof error === 'object' && error !== null && 'headers' in error ? error.headers : undefined;
  const ms = Number(headerValue(headers, 'retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(ms)) return Math.max(0, ms);
  const value = headerValue(headers, 'retry-after');
  if (value === null) return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

function headerValue(headers: unknown, name: string): string | null {
  if (headers instanceof Headers) return headers.get(name);
  if (typeof headers !== 'object' || headers === null) return null;
  const value: unknown = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === 'string' ? value : null;
}

function numberField(error: unknown, name: string): number | null {
  if (typeof error !== 'object' || error === null) return null;
  const value: unknown = Object.entries(error).find(([key]) => key === name)?.[1];
  return typeof value === 'number' ? value : null;
}
