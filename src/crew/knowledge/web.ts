import { HttpClient } from '../../infra/http.ts';
import type { Clock } from '../../kit/clock.ts';
import { Unavailable } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { htmlText } from './html.ts';
import { markdownPassages, type Passage, textPassages, valuePassages } from './passages.ts';

const TIMEOUT_MS = 20_000;
const PAGE_LIMIT = 5 * 1024 * 1024;
const REDIRECTS = 5;

/** Reads web pages that the user named, and no others: links are not followed, redirects at most five times. */
export interface WebReader extends AsyncDisposable {
  /** Throws Unavailable when the page cannot be had. */
  read(url: string, signal?: AbortSignal): Promise<readonly Passage[]>;
}

export function openWebReader(options: { readonly clock: Clock; readonly log: Logger }): WebReader {
  const client = new HttpClient(options);
  const get = async (url: string, signal: AbortSignal | undefined, left: number): Promise<readonly Passage[]> => {
    const { status, headers, body } = await client.get(url, { timeoutMs: TIMEOUT_MS, maxBytes: PAGE_LIMIT, signal });
    const location = text(headers['location']);
    if (status >= 300 && status < 400 && location !== '') {
      const next = new URL(location, url);
      if (left === 0 || !/^https?:$/.test(next.protocol)) throw new Unavailable(`${url} leads on and on`);
      return get(next.href, signal, left - 1);
    }
    if (status !== 200) throw new Unavailable(`${url} answered ${status}`);
    return passagesOf(body, text(headers['content-type']));
  };
  return {
    read: (url, signal) => get(url, signal, REDIRECTS),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

function passagesOf(body: string, type: string): readonly Passage[] {
  if (type.includes('json')) return valuePassages(JSON.parse(body));
  if (type.includes('html') || /^\s*<(?:!doctype|html)/i.test(body)) return markdownPassages(htmlText(body));
  return type.includes('markdown') ? markdownPassages(body) : textPassages(body);
}

function text(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : (header?.[0] ?? '');
}
