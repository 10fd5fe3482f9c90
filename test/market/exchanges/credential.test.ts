import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidInput, Unavailable } from '../../../src/kit/errors.ts';
import { missingKeys } from '../../../src/market/collect/keys.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import {
  credentialHeaders,
  credentialsOf,
  isAuthorised,
  SIMULATED_SECRET,
  simulatedCredentials,
} from '../../../src/market/exchanges/credential.ts';

const market = {
  exchange: 'toy',
  market: 'spot',
  addresses: { rest: 'https://api.toy.example/v1', stream: 'wss://api.toy.example/ws' },
  credential: { variable: 'TOY_KEY', header: 'Authorization', prefix: 'Bearer ', required: true, from: 'from Toy' },
} as const;
const none = credentialsOf({ TOY_KEY: '  ' });
const key = credentialsOf({ TOY_KEY: ' s3cret ' });

describe('the secret of a market', () => {
  it('goes in its header to the addresses of the market, and a market without one gets none', () => {
    for (const url of Object.values(market.addresses)) {
      expect(credentialHeaders(market, url, key)).toEqual({ Authorization: 'Bearer s3cret' });
    }
    expect(credentialHeaders({ ...market, credential: undefined }, market.addresses.rest, key)).toEqual({});
  });

  it('missing where it is required names the variable; elsewhere, or where it is not, it is left out', () => {
    const asked = () => credentialHeaders(market, market.addresses.rest, none);
    expect(asked).toThrow(Unavailable);
    expect(asked).toThrow(/toy spot wants a key: set the environment variable TOY_KEY \(from Toy\)/);
    expect(credentialHeaders(market, 'https://hermes.own.example', none)).toEqual({});
    const optional = { ...market, credential: { ...market.credential, required: false } };
    expect(credentialHeaders(optional, market.addresses.rest, none)).toEqual({});
  });

  it('never goes over the net in the clear, but to this machine', () => {
    expect(() => credentialHeaders(market, 'http://api.toy.example', key)).toThrow(/not encrypted/);
    expect(() => credentialHeaders(market, 'ws://10.0.0.7:80/ws', key)).toThrow(Unavailable);
    expect(credentialHeaders(market, 'ws://127.0.0.1:9000/ws', key)).toEqual({ Authorization: 'Bearer s3cret' });
  });

  it('that no header can carry is refused, and no message tells it', () => {
    const secret = fc.string({ minLength: 8 }).filter((text) => !/^[\x21-\x7e]*$/.test(text.trim()));
    fc.assert(
      fc.property(secret, (text) => {
        try {
          credentialHeaders(market, market.addresses.rest, credentialsOf({ TOY_KEY: text }));
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInput);
          expect(String(error)).not.toContain(text.trim());
          return;
        }
        throw new Error('taken');
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('is another one at the simulator, which wants it', () => {
    const given = credentialHeaders(market, 'http://127.0.0.1:1', simulatedCredentials);
    expect(given).toEqual({ Authorization: `Bearer ${SIMULATED_SECRET}` });
    expect(isAuthorised(market, { authorization: given['Authorization'] })).toBe(true);
    expect(isAuthorised(market, {})).toBe(false);
    expect(isAuthorised(market, { authorization: 'Bearer s3cret' })).toBe(false);
    expect(isAuthorised({}, {})).toBe(true);
  });
});

describe('what doctor says of keys', () => {
  const config = (source: string, exchanges: readonly string[]) =>
    marketConfigSchema.parse({ source, collect: { exchanges } });

  it('a live desk of Pyth wants PYTH_API_KEY; the simulated one does not', () => {
    const live = config('live', ['binance', 'pyth']);
    expect(() => missingKeys(live, {})).toThrow(/set the environment variable PYTH_API_KEY/);
    expect(missingKeys(live, { PYTH_API_KEY: 'k' })).toBe('set, or not needed at their addresses: pyth_oracle');
    expect(missingKeys(config('sim', ['pyth']), {})).toContain('source sim needs none');
    expect(missingKeys(config('live', ['binance']), {})).toBe('no market that is collected wants one');
    const own = { stream: 'ws://127.0.0.1:4000/ws', rest: 'http://127.0.0.1:4000' };
    expect(missingKeys({ ...live, addresses: { pyth_oracle: own } }, {})).toContain('pyth_oracle');
  });

  it('every declared secret is named as a variable of its own', () => {
    const declared = venues.flatMap((v) => v.markets).flatMap((m) => m.credential ?? []);
    expect(declared.map(({ variable }) => variable)).toEqual(['PYTH_API_KEY']);
    for (const { variable } of declared) expect(variable).toMatch(/^[A-Z][A-Z0-9_]+$/);
  });
});
