import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export const RESOURCE = 'https://desk.example/mcp';
export const ISSUER = 'https://issuer.example/';
/** UTC s of the tests. */
export const NOW = 1_796_000_000;

export type Json = Readonly<Record<string, unknown>>;

/** A key of the issuer, or of somebody else. */
export interface Signer {
  readonly alg: string;
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function pair(alg: string, kid: string): Signer {
  const keys =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { alg, kid, ...keys };
}

/** The issuer's keys, and as many of an attacker under the same names. */
export const KEYS = ['RS256', 'ES256', 'EdDSA'].map((alg) => pair(alg, `key-${alg}`));
export const FOREIGN = KEYS.map(({ alg, kid }) => pair(alg, kid));

export const jwk = ({ alg, kid, publicKey }: Signer): Json => ({
  ...publicKey.export({ format: 'jwk' }),
  alg,
  kid,
  use: 'sig',
});

export const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export function signature(text: string, { alg, privateKey }: Signer, der = false): string {
  const data = Buffer.from(text);
  if (alg === 'EdDSA') return sign(null, data, privateKey).toString('base64url');
  if (alg === 'ES256') {
    return sign('sha256', data, { key: privateKey, dsaEncoding: der ? 'der' : 'ieee-p1363' }).toString('base64url');
  }
  return sign(`RSA-SHA${alg.slice(2)}`, data, privateKey).toString('base64url');
}

export const claims = (changes: Json = {}): Json => ({
  iss: ISSUER,
  aud: RESOURCE,
  sub: 'ann',
  scope: 'desk:read',
  iat: NOW,
  exp: NOW + 600,
  ...changes,
});

/** A token; header and payload may be text, to say what JSON cannot. Undefined fields are left out. */
export function tokenOf(
  signer: Signer,
  given: { readonly header?: Json | string; readonly payload?: Json | string; readonly by?: Signer } = {},
): string {
  const { header = {}, payload = claims(), by = signer } = given;
  const head = typeof header === 'string' ? header : { alg: signer.alg, kid: signer.kid, typ: 'at+jwt', ...header };
  const text = `${part(head)}.${part(payload)}`;
  return `${text}.${signature(text, by)}`;
}

/** What is sent: an address after `/mcp`, and headers as name, value, name, value. */
export interface Attempt {
  readonly name: string;
  readonly query?: string;
  readonly headers: readonly string[];
}

const bearer = (token: string): readonly string[] => ['authorization', `Bearer ${token}`];

/** Hundreds of requests, none of which may pass. */
export function hostileAttempts(): readonly Attempt[] {
  const cases: Attempt[] = [];
  const add = (name: string, token: string): void => void cases.push({ name, headers: bearer(token) });
  KEYS.forEach((signer, i) => {
    const foreign = FOREIGN[i] ?? signer;
    for (const [name, changes] of wrongClaims())
      add(`${signer.alg}: ${name}`, tokenOf(signer, { payload: claims(changes) }));
    for (const [name, header] of wrongHeaders(foreign)) {
      add(`${signer.alg}: ${name}, signed by the issuer`, tokenOf(signer, { header }));
      add(`${signer.alg}: ${name}, signed by another`, tokenOf(signer, { header, by: foreign }));
    }
    for (const [name, header] of doubledHeaders(signer)) add(`${signer.alg}: ${name}`, tokenOf(signer, { header }));
    for (const [name, token] of symmetric(signer)) add(`${signer.alg}: ${name}`, token);
    for (const [name, token] of unsigned(signer)) add(`${signer.alg}: ${name}`, token);
    for (const [name, token] of malformed(signer)) add(`${signer.alg}: ${name}`, token);
    add(`${signer.alg}: a key of the same name that is another's`, tokenOf(signer, { by: foreign }));
  });
  for (const [name, token] of crossed()) add(name, token);
  return [...cases, ...misplaced()];
}

function wrongClaims(): readonly (readonly [string, Json])[] {
  const list = (claim: string, values: readonly unknown[]): readonly (readonly [string, Json])[] =>
    values.map((value) => [`${claim} ${value === undefined ? 'missing' : JSON.stringify(value)}`, { [claim]: value }]);
  return [
    ...list('aud', [
      undefined,
      null,
      '',
      'https://other.example/mcp',
      `${RESOURCE}/`,
      RESOURCE.toUpperCase(),
      'https://desk.example',
      [],
      ['https://other.example/mcp'],
      7,
      [[RESOURCE]],
    ]),
    ...list('iss', [
      undefined,
      null,
      '',
      'https://issuer.example',
      'http://issuer.example/',
      'https://issuer.example.evil/',
      [ISSUER],
      1,
    ]),
    ...list('exp', [undefined, null, 'never', NOW - 31, NOW - 3600, 0, -1, true]),
    ...list('nbf', [NOW + 31, NOW + 3600, NOW + 1e9, 'soon']),
    ...list('iat', [undefined, null, 'now', NOW + 31, NOW + 1e6]),
    ...list('sub', [undefined, null, '', 7, {}]),
  ];
}

function wrongHeaders(foreign: Signer): readonly (readonly [string, Json])[] {
  const own = jwk(foreign);
  return [
    ['its own key', { jwk: own }],
    ['an address of keys', { jku: 'https://evil.example/jwks.json' }],
    ['an address of a certificate', { x5u: 'https://evil.example/cert.pem' }],
    ['a certificate', { x5c: ['MIIB'] }],
    ['a rule that is critical', { crit: ['exp'] }],
    ['a payload that is not encoded', { b64: false, crit: ['b64'] }],
    ['compression', { zip: 'DEF' }],
    ['a token in a token', { cty: 'JWT' }],
    ['the type of an ID token', { typ: 'id_token+jwt' }],
    ['the type of a logout token', { typ: 'logout+jwt' }],
    ['a type that is no text', { typ: 7 }],
    ['an unknown key', { kid: 'key-9' }],
    ['a path as the key', { kid: '../../../../dev/null' }],
    ['a query as the key', { kid: "x' UNION SELECT 'secret" }],
    ['a number as the algorithm', { alg: 256 }],
    ['no algorithm', { alg: undefined }],
  ];
}

function doubledHeaders({ alg, kid }: Signer): readonly (readonly [string, string])[] {
  return [
    ['an algorithm twice', `{"alg":"none","kid":"${kid}","alg":"${alg}"}`],
    ['a key twice', `{"alg":"${alg}","kid":"other","kid":"${kid}"}`],
    ['an algorithm in another spelling', `{"\\u0061lg":"none","alg":"${alg}","kid":"${kid}"}`],
    ['a header that is a list', `["${alg}"]`],
    ['a header that is no JSON', `{alg:${alg}}`],
  ];
}

/** The public key as the secret of a symmetric algorithm. */
function symmetric(signer: Signer): readonly (readonly [string, string])[] {
  const { publicKey, kid } = signer;
  const secrets = [
    publicKey.export({ format: 'pem', type: 'spki' }),
    publicKey.export({ format: 'der', type: 'spki' }),
    JSON.stringify(jwk(signer)),
    '',
  ];
  return ['HS256', 'HS384', 'HS512'].flatMap((alg) =>
    secrets.map((secret, i): readonly [string, string] => {
      const text = `${part({ alg, kid })}.${part(claims())}`;
      const mac = createHmac(`sha${alg.slice(2)}`, secret)
        .update(text)
        .digest('base64url');
      return [`${alg} with the public key as secret, form ${i}`, `${text}.${mac}`];
    }),
  );
}

function unsigned(signer: Signer): readonly (readonly [string, string])[] {
  const good = tokenOf(signer).split('.')[2] ?? '';
  return ['none', 'None', 'NONE', 'nOnE'].flatMap((alg) => {
    const text = `${part({ alg, kid: signer.kid })}.${part(claims())}`;
    return [
      [`alg ${alg} without a signature`, `${text}.`] as const,
      [`alg ${alg} with a signature`, `${text}.${good}`] as const,
    ];
  });
}

function malformed(signer: Signer): readonly (readonly [string, string])[] {
  const good = tokenOf(signer);
  const [header = '', payload = '', mac = ''] = good.split('.');
  const cut = [
    1,
    10,
    header.length,
    header.length + 1,
    header.length + payload.length + 1,
    good.length - 20,
    good.length - 2,
  ];
  const flip = (at: number): string => `${mac.slice(0, at)}${mac[at] === 'A' ? 'B' : 'A'}${mac.slice(at + 1)}`;
  return [
    ...cut.map((length) => [`cut to ${length}`, good.slice(0, length)] as const),
    ...[0, 7, 20, 40, 60].map((at) => [`signature changed at ${at}`, `${header}.${payload}.${flip(at)}`] as const),
    ...(['sub', 'scope', 'exp', 'aud'] as const).map(
      (claim) =>
        [
          `${claim} changed after signing`,
          `${header}.${part(claims({ [claim]: claim === 'exp' ? NOW + 9e6 : claim === 'aud' ? [RESOURCE] : 'desk:operate' }))}.${mac}`,
        ] as const,
    ),
    ['a fourth part', `${good}.${mac}`],
    ['five parts, as encrypted ones have', `${good}.${mac}.${mac}`],
    ['parts in another order', `${payload}.${header}.${mac}`],
    ['an empty payload', `${header}..${mac}`],
    ['padding', `${header}.${payload}.${mac}==`],
    ['letters of the other base64', `${header}.${payload}.+/${mac}`],
    ['a payload that is no map', tokenOf(signer, { payload: '[]' })],
    ['a payload that is no JSON', tokenOf(signer, { payload: '{' })],
    ['a payload of 9,000 characters', tokenOf(signer, { payload: claims({ more: 'x'.repeat(9000) }) })],
    ['a header of 9,000 characters', tokenOf(signer, { header: { more: 'x'.repeat(9000) } })],
    [
      'signature of zeros',
      `${header}.${payload}.${Buffer.alloc(signer.alg === 'RS256' ? 256 : 64).toString('base64url')}`,
    ],
  ];
}

/** One key's signature under the name of another, and algorithms that are not on the list. */
function crossed(): readonly (readonly [string, string])[] {
  const [rsa, ec, ed] = KEYS;
  if (rsa === undefined || ec === undefined || ed === undefined) throw new Error('a key is missing');
  const text = `${part({ alg: 'ES256', kid: ec.kid })}.${part(claims())}`;
  return [
    ...KEYS.flatMap((as) =>
      KEYS.filter((by) => by !== as).map(
        (by) => [`${as.alg} signed by the key of ${by.alg}`, tokenOf(as, { by })] as const,
      ),
    ),
    ...['RS384', 'RS512'].map((alg) => [`${alg}, which is not allowed`, tokenOf({ ...rsa, alg }, {})] as const),
    ['PS256 with a signature of RS256', tokenOf(rsa, { header: { alg: 'PS256' } })],
    ['ES256 signed in DER', `${text}.${signature(text, ec, true)}`],
  ];
}

/** Good tokens in wrong places, and no token at all. */
function misplaced(): readonly Attempt[] {
  const [signer] = KEYS;
  if (signer === undefined) throw new Error('a key is missing');
  const good = tokenOf(signer);
  const query = `?access_token=${good}`;
  return [
    { name: 'no token', headers: [] },
    { name: 'in the address', query, headers: [] },
    { name: 'in the address and the header', query, headers: bearer(good) },
    { name: 'in a cookie', headers: ['cookie', `access_token=${good}`] },
    { name: 'in another header', headers: ['x-access-token', good] },
    { name: 'two headers', headers: [...bearer(good), ...bearer(good)] },
    { name: 'two headers, a bad one first', headers: [...bearer('x.y.z'), ...bearer(good)] },
    { name: 'two headers, a bad one last', headers: [...bearer(good), 'Authorization', 'Bearer x.y.z'] },
    ...[
      '',
      'Bearer',
      'Bearer ',
      `Basic ${good}`,
      `DPoP ${good}`,
      `Token ${good}`,
      good,
      `Bearer  ${good}`,
      `Bearer ${good} more`,
      `Bearer ${good},${good}`,
      `Bearer "${good}"`,
      `Bearer: ${good}`,
    ].map((value, i) => ({ name: `header ${i}: ${value.slice(0, 12)}`, headers: ['authorization', value] })),
  ];
}
