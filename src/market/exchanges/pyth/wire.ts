import type { NamedFacts } from '../shared/symbols.ts';

/**
 * Names of the Hermes wire: `{"type":"price_update","price_feed":{"id":…,"price":{…},"ema_price":{…}}}`. A feed is named
 * by its id, 64 hexadecimal digits. The public endpoint wants an API key since 2026-08-26; a Hermes of one's own needs
 * none. That the WebSocket lies at `/ws` below the new base is concluded from the interface being the same.
 * Read in stored copies; no frame was recorded. On 2026-11-29:
 * https://docs.pyth.network/pro/pyth-core-upgrade (date, key, same interface)
 * https://docs.pyth.network/price-feeds/core/upgrade/preparing/evm (the new base, the key)
 * https://docs.pyth.network/documentation/pythnet-price-feeds/hermes (the header)
 * On 2026-11-28:
 * https://github.com/pyth-network/pyth-crosschain/tree/main/apps/hermes/server/src/api (messages, errors, 24 h, bytes)
 * https://docs.pyth.network/price-feeds/api-instances-and-providers/hermes (requests)
 * https://docs.pyth.network/price-feeds/core/fetch-price-updates (its notice of the key)
 */
export const EXCHANGE = 'pyth';

const ID = /^(?:0x)?([0-9a-f]{64})$/i;

/** The feeds that are known without the list. */
export const KNOWN_FEEDS: Readonly<Record<string, string>> = Object.freeze({
  e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43: 'BTCUSD',
  ff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace: 'ETHUSD',
  ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d: 'SOLUSD',
  ec5d399846a9209f3fe5881d70aae9268c94339ff9817e8d18ff19fa05eea1c8: 'XRPUSD',
});

/** A feed's id in lower case without `0x`; undefined when it is none. */
export function feedId(value: unknown): string | undefined {
  return typeof value === 'string' ? ID.exec(value)?.[1]?.toLowerCase() : undefined;
}

/** An id does not tell the pair, but for the known ones. */
export function namedFacts(id: string): NamedFacts {
  return { inverse: false, contractSize: 1, symbol: KNOWN_FEEDS[id.toLowerCase()] ?? '', fundingIntervalHours: null };
}
