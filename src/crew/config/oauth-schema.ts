import { z } from 'zod';

/** https, or http on this machine alone. */
const address = z
  .string()
  .refine((text) => URL.canParse(text), { message: 'is not an address' })
  .refine((text) => !URL.canParse(text) || isSafe(new URL(text)), {
    message: 'must be https (http on loopback alone)',
  });

/** Algorithms by which a token may be signed: of two keys each, so that what checks cannot sign. */
const algorithm = z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']);

/** `mcp.oauth` in system.yaml. */
export const oauthSchema = z.strictObject({
  resource: address.describe(
    'Address of this server as clients know it, as in https://desk.example/mcp; tokens must name it as audience',
  ),
  issuer: address.describe('Authorisation server whose tokens are taken, exactly as their iss has it'),
  jwks_url: address.describe('Where its public keys are'),
  algorithms: z
    .array(algorithm)
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
    .describe('Algorithms that tokens may be signed by'),
  scopes: z
    .record(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is not a scope'), z.string())
    .refine((scopes) => Object.keys(scopes).length > 0, { message: 'must name a scope' })
    .describe('Scope → role; a token that has several gets the role of the first'),
  leeway_seconds: z.number().min(0).max(300).default(30).describe('How far the clocks of issuer and server may differ'),
});

export type OAuthSettings = z.output<typeof oauthSchema>;

function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
}
