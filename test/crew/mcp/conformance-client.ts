import type { OAuthClientProvider } from '@modelcontextprotocol/client';
import { mcpServerSchema } from '../../../src/crew/config/mcp-schema.ts';
import { createMcpConnection } from '../../../src/crew/mcp/connection.ts';
import { systemClock } from '../../../src/infra/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';

/** What the official suite hands to a client: its address, and its `MCP_CONFORMANCE_*` variables. */
export interface Scenario {
  readonly url: string;
  readonly scenario: string;
  readonly version: string;
  readonly context: Context;
}

interface Context {
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly issuer?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }[];
}

type Saved = Parameters<NonNullable<OAuthClientProvider['saveClientInformation']>>[0];
type Tokens = Parameters<OAuthClientProvider['saveTokens']>[0];

/** Keeps credentials by their issuer, and follows the address that a person would be sent to. */
function person(given: Context): {
  readonly provider: OAuthClientProvider;
  readonly callback: () => Promise<URLSearchParams>;
} {
  const clients = new Map<string, Saved>();
  const tokens = new Map<string, Tokens>();
  let verifier = '';
  let sentTo: URL | undefined;
  const key = (issuer: string | undefined): string => issuer ?? '';
  let last: Tokens | undefined;
  const redirectUrl = 'http://localhost:3000/callback';
  return {
    provider: {
      redirectUrl,
      clientMetadataUrl: 'https://conformance-test.local/client-metadata.json',
      clientMetadata: {
        client_name: 'orderflow-crew',
        redirect_uris: [redirectUrl],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
      clientInformation(context) {
        if (given.client_id !== undefined)
          return {
            client_id: given.client_id,
            ...(given.client_secret === undefined ? {} : { client_secret: given.client_secret }),
            ...(given.issuer === undefined ? {} : { issuer: given.issuer }),
          };
        return clients.get(key(context?.issuer));
      },
      saveClientInformation: (information, context) => void clients.set(key(context?.issuer), information),
      tokens: (context) => (context === undefined ? last : tokens.get(key(context.issuer))),
      saveTokens(saved, context) {
        tokens.set(key(context?.issuer), saved);
        last = saved;
      },
      redirectToAuthorization(address) {
        sentTo = address;
      },
      saveCodeVerifier(text) {
        verifier = text;
      },
      codeVerifier: () => verifier,
      invalidateCredentials(what) {
        if (what === 'all' || what === 'client') clients.clear();
        if (what === 'all' || what === 'tokens') {
          tokens.clear();
          last = undefined;
        }
      },
    },
    async callback() {
      if (sentTo === undefined) throw new Error('nobody was sent anywhere');
      const response = await fetch(sentTo, { redirect: 'manual' });
      return new URL(response.headers.get('location') ?? '').searchParams;
    },
  };
}

/** What a value for a field may be that nobody said anything about. */
function sample(schema: Readonly<Record<string, any>>): unknown {
  if (schema['default'] !== undefined) return schema['default'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  if (schema['type'] === 'number' || schema['type'] === 'integer') return 2;
  return schema['type'] === 'boolean' ? true : 'text';
}

/** Our client at a scenario: it lists and calls the server's tools; where authorisation is asked for it plays the person. */
export async function runScenario({ url, scenario, version, context }: Scenario): Promise<void> {
  await using connection = createMcpConnection({
    id: 'suite',
    server: mcpServerSchema.parse({ url, protocol: version, timeout_seconds: 60, sampling: true }),
    env: {},
    clock: systemClock,
    log: silentLogger,
    version: '0.0.0',
    ...(scenario.startsWith('auth/') ? { auth: person(context) } : {}),
    answers: {
      elicit: ({ schema }) => Promise.resolve({ action: 'accept', content: filledIn(schema ?? {}) as never }),
      sample: () => Promise.resolve({ text: 'Paris', model: 'test' }),
    },
  });
  const tools = (await attempt(() => connection.tools())) ?? [];
  const calls = context.toolCalls ?? tools.map(({ name, inputSchema }) => ({ name, arguments: filledIn(inputSchema) }));
  // What one scenario changes between two calls only the second can show.
  const rounds = scenario === 'auth/authorization-server-migration' ? 2 : 1;
  for (let round = 0; round < rounds; round++) {
    for (const call of calls) await attempt(() => connection.call(call.name, call.arguments));
  }
  if (scenario !== 'http-standard-headers') return;
  for (const { uri } of (await attempt(() => connection.resources())) ?? []) await attempt(() => connection.read(uri));
  for (const { name } of (await attempt(() => connection.prompts())) ?? [])
    await attempt(() => connection.prompt(name, {}));
}

function filledIn(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const properties = (schema['properties'] ?? {}) as Record<string, Record<string, any>>;
  return Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, sample(field)]));
}

/** A call that the server refuses is part of what the suite looks at. */
async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}
