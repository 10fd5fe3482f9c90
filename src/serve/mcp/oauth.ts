import type { IncomingMessage } from 'node:http';
import { createRemoteJWKSet, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../../kit/clock.ts';
import type { OAuthSettings } from '../../crew/config/oauth-schema.ts';

/** Whoever showed a token that is good. */
export interface McpIdentity {
  readonly subject: string;
  readonly role: string;
  /** UTC ms. */
  readonly expiresAt: number;
}

/** Why a request may not pass, as it is told: status, header and a sentence. */
export interface McpRefusal {
  readonly status: 401 | 403 | 503;
  readonly challenge: string;
  readonly message: string;
}

/** The server's side of OAuth 2.1: it gives no tokens, it checks those of an authorisation server. */
export interface ResourceServer {
  /** Never throws for a bad token. */
  check(request: IncomingMessage): Promise<McpIdentity | McpRefusal>;
  /** Path of the metadata and the document (RFC 9728). */
  readonly metadata: { readonly paths: readonly string[]; readonly body: Readonly<Record<string, unknown>> };
}

/** Longer than any honest token; the header's key may not make us read more. */
const MAX_TOKEN = 8192;
const COMPACT = /^[A-Za-z0-9_-]{1,}\.[A-Za-z0-9_-]{1,}\.[A-Za-z0-9_-]{1,}$/;
/** Ways in which a token names its own key, or asks for a rule that we may not know. */
const FORBIDDEN = ['jku', 'jwk', 'x5u', 'x5c', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'cty'];
/** An ID token or a logout token is none for us, whoever signed it. */
const TYPES: ReadonlySet<string> = new Set(['at+jwt', 'application/at+jwt', 'jwt']);
const FETCH_MS = 5000;

/** Makes the check of tokens. Keys are fetched when they are first needed, and anew for an unknown one, at most every 30 s. */
export function createResourceServer(oauth: OAuthSettings, clock: Clock): ResourceServer {
  const { resource, issuer, scopes } = oauth;
  const keys = createRemoteJWKSet(new URL(oauth.jwks_url), { timeoutDuration: FETCH_MS });
  const url = new URL(resource);
  const path = `/.well-known/oauth-protected-resource${url.pathname === '/' ? '' : url.pathname}`;
  const challenge = (fields: Readonly<Record<string, string>>): string =>
    `Bearer ${Object.entries({ ...fields, resource_metadata: `${url.origin}${path}` })
      .map(([name, value]) => `${name}="${value}"`)
      .join(', ')}`;
  const known = Object.keys(scopes).join(' ');
  const invalid = (why: string): McpRefusal => ({
    status: 401,
    challenge: challenge({ error: 'invalid_token', error_description: why }),
    message: why,
  });

  async function check(request: IncomingMessage): Promise<McpIdentity | McpRefusal> {
    const token = tokenOf(request);
    if (token === null) return { status: 401, challenge: challenge({ scope: known }), message: 'a token is needed' };
    const fault = 'fault' in token ? token.fault : headerFault(token.text);
    if (fault !== null || 'fault' in token) return invalid(fault ?? 'not a token');
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token.text, keys, {
        issuer,
        audience: resource,
        algorithms: [...oauth.algorithms],
        clockTolerance: oauth.leeway_seconds,
        requiredClaims: ['exp', 'iat', 'sub'],
        currentDate: new Date(clock.now()),
      }));
    } catch (error) {
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError))
        return { status: 503, challenge: challenge({}), message: 'the keys of the issuer cannot be fetched now' };
      return invalid(reasonOf(error));
    }
    const { sub, exp = 0, iat = 0 } = payload;
    if (typeof sub !== 'string' || sub === '') return invalid('the token names nobody');
    if (iat > clock.now() / 1000 + oauth.leeway_seconds) return invalid('the token is of the future');
    const given = scopesOf(payload);
    const role = Object.entries(scopes).find(([scope]) => given.has(scope))?.[1];
    if (role === undefined) {
      const fields = { error: 'insufficient_scope', error_description: 'no scope of the token is known here' };
      return { status: 403, challenge: challenge({ ...fields, scope: known }), message: fields.error_description };
    }
    return { subject: sub, role, expiresAt: exp * 1000 };
  }

  return {
    check,
    metadata: {
      paths: [...new Set([path, '/.well-known/oauth-protected-resource'])],
      body: {
        resource,
        authorization_servers: [issuer],
        scopes_supported: Object.keys(scopes),
        bearer_methods_supported: ['header'],
      },
    },
  };
}

/** The one token of a request, from the one place where it may be; null: there is none. */
function tokenOf({
  rawHeaders,
  url = '/',
}: IncomingMessage): { readonly text: string } | { readonly fault: string } | null {
  const given = rawHeaders.flatMap((name, i) =>
    i % 2 === 0 && name.toLowerCase() === 'authorization' ? [rawHeaders[i + 1] ?? ''] : [],
  );
  if (new URL(url, 'http://localhost').searchParams.has('access_token'))
    return { fault: 'a token in the address is not taken' };
  const [header] = given;
  if (header === undefined) return null;
  if (given.length > 1) return { fault: 'more than one Authorization header' };
  const text = /^Bearer ([^\s]+)$/i.exec(header)?.[1];
  if (text === undefined) return { fault: 'the Authorization header is not Bearer TOKEN' };
  return { text };
}

/** What is wrong with a token by its form and header alone, before anything is asked or computed; null: nothing. */
function headerFault(token: string): string | null {
  if (token.length > MAX_TOKEN) return `the token is longer than ${MAX_TOKEN} characters`;
  if (!COMPACT.test(token)) return 'the token is not three parts of base64url';
  const [encoded = ''] = token.split('.');
  let header: Readonly<Record<string, unknown>>;
  try {
    header = { ...decodeProtectedHeader(token) };
  } catch {
    return 'the header of the token is not JSON';
  }
  const text = Buffer.from(encoded, 'base64url').toString('utf8');
  const names = [...text.matchAll(/"(?:[^"\\]|\\.)*"(?=\s*:)/g)].map(([name]) => name);
  if (new Set(names).size < names.length || names.some((name) => name.includes('\\')))
    return 'the header of the token says something twice';
  const forbidden = FORBIDDEN.find((name) => Object.hasOwn(header, name));
  if (forbidden !== undefined) return `the header of the token may not have ${forbidden}`;
  const { typ } = header;
  if (typ !== undefined && (typeof typ !== 'string' || !TYPES.has(typ.toLowerCase())))
    return 'the token is not an access token';
  return null;
}

/** In our words, since those of the library quote the token. */
function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    const names: Readonly<Record<string, string>> = {
      aud: 'the token is for another server',
      iss: 'the token is of another issuer',
      nbf: 'the token is not valid yet',
    };
    return (
      names[error.claim] ??
      `the claim ${/^\w{1,20}$/.test(error.claim) ? error.claim : ''} of the token is missing or wrong`
    );
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the algorithm of the token is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'the key of the token is not one of the issuer';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token is wrong';
  return 'the token is not valid';
}

/** `scope` as in RFC 8693, or `scp` as some issuers have it. */
function scopesOf({
  scope,
  scp,
}: JWTPayload & { readonly scope?: unknown; readonly scp?: unknown }): ReadonlySet<string> {
  const given = scope ?? scp;
  const list: unknown = typeof given === 'string' ? given.split(' ') : given;
  return new Set(Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []);
}
