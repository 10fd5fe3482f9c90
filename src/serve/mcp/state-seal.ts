import { randomBytes } from 'node:crypto';
import { createRequestStateCodec, type RequestStateCodec } from '@modelcontextprotocol/server';

/** What a handler kept between two rounds of questions, and which handler. */
export interface KeptState {
  readonly handler: string;
  readonly state: unknown;
}

/**
 * Seals what handlers keep between rounds with a key of this process and the client's identity: what a client changed,
 * took from another or kept for more than ten minutes is refused. After a restart a call begins anew.
 */
export function createStateSeal(): RequestStateCodec<KeptState> {
  return createRequestStateCodec<KeptState>({
    key: randomBytes(32),
    bind: (context) => `${context.mcpReq.method}\0${context.http?.authInfo?.clientId ?? ''}`,
  });
}
