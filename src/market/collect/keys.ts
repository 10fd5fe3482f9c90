import { Unavailable } from '../../kit/errors.ts';
import type { MarketConfig } from '../config.ts';
import { marketKey } from '../domain/records.ts';
import { venues } from '../exchanges/catalogue.generated.ts';
import { credentialHeaders, credentialsOf } from '../exchanges/credential.ts';
import { addressesOf, marketsOf } from './markets.ts';

/**
 * One line on the secrets of the markets that a live desk of this configuration asks. Throws Unavailable naming each
 * market whose secret is wanted at its address and not set (or could not be sent), InvalidInput for an unusable one.
 */
export function missingKeys(config: MarketConfig, environment: Readonly<Record<string, string | undefined>>): string {
  const credentials = credentialsOf(environment);
  const wanting = marketsOf(venues, config.collect.exchanges).filter((m) => m.credential !== undefined);
  const names = wanting.map((m) => marketKey(m.exchange, m.market)).join(', ');
  if (names === '') return 'no market that is collected wants one';
  if (config.source !== 'live') return `source ${config.source} needs none; source live wants them for ${names}`;
  const problems = wanting.flatMap((market) => {
    try {
      for (const url of Object.values(addressesOf(market, config.addresses, {}))) {
        credentialHeaders(market, url, credentials);
      }
      return [];
    } catch (error) {
      if (error instanceof Unavailable) return [error.message];
      throw error;
    }
  });
  if (problems.length > 0) throw new Unavailable(problems.join('; '));
  return `set, or not needed at their addresses: ${names}`;
}
