import { randomBytes } from 'node:crypto';
import { type ControlOptions, type ControlServer, serveControl } from '../control/server.ts';
import type { Desk } from '../desk.ts';

/** Serves a running desk to other processes, with the token given or one made for this start. */
export async function serveRunning(
  desk: Desk,
  options: Omit<ControlOptions, 'token'> & { readonly token: string | undefined },
): Promise<ControlServer & { readonly token: string }> {
  const token = options.token ?? randomBytes(24).toString('base64url');
  const server = await serveControl(desk, { ...options, token });
  return { url: server.url, token, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
