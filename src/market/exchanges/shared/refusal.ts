import type { RestErrorInfo } from '../contract.ts';

/** What an HTTP status means where the body holds no code of the venue's. */
export function kindOfStatus(status: number): RestErrorInfo['kind'] {
  if (status === 429) return 'rate_limited';
  if (status === 418) return 'banned';
  if (status === 451) return 'blocked_region';
  if (status === 401 || status === 403) return 'forbidden';
  return status >= 500 || status < 300 ? 'unavailable' : 'bad_request';
}

/** A refusal told by its status alone: the code is the status, the message the beginning of the body. */
export function plainRefusal(status: number, body: string): RestErrorInfo {
  return { code: String(status), message: body.slice(0, 200), retryAfterMs: null, kind: kindOfStatus(status) };
}

/** The kinds that a venue's codes mean; a code that is not listed means `bad_request`. */
export type CodeKinds = Readonly<Partial<Record<RestErrorInfo['kind'], readonly string[]>>>;

/** Looks a code up in such a list. Undefined when it is in none. */
export function kindOfCode(kinds: CodeKinds, code: string): RestErrorInfo['kind'] | undefined {
  for (const [kind, codes] of Object.entries(kinds)) {
    if (codes.includes(code)) return kind as RestErrorInfo['kind'];
  }
  return undefined;
}
