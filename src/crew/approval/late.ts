import type { Approvals } from './contract.ts';

/** Approvals that are still being opened: whoever asks waits for that, and learns why it failed. */
export function lateApprovals(opening: Promise<Approvals>): Approvals {
  // Told to whoever asks; nobody may.
  opening.catch(() => undefined);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= opening.then(
      (approvals) => approvals.close(),
      () => undefined,
    ));
  return {
    check: async (request) => (await opening).check(request),
    list: async (query) => (await opening).list(query),
    get: async (id) => (await opening).get(id),
    approve: async (...given) => (await opening).approve(...given),
    reject: async (...given) => (await opening).reject(...given),
    standing: async () => (await opening).standing(),
    revoke: async (...given) => (await opening).revoke(...given),
    close,
    [Symbol.asyncDispose]: close,
  };
}
