import type { Venue, VenueMarket } from '../contract.ts';
import { createHyperliquidDecoder } from './decoder.ts';
import { FUTURES_FEES } from './fees.ts';
import { parseHyperliquidInstruments } from './instruments.ts';
import { restCalls } from './rest.ts';
import { hyperliquidRestError, recogniseHyperliquid } from './rest-shapes.ts';
import { BOOK, LIMITS, plan, SUPPORT } from './streams.ts';

const calls = Object.freeze(restCalls());

const futures: VenueMarket = Object.freeze({
  exchange: 'hyperliquid',
  market: 'futures',
  fees: FUTURES_FEES,
  streams: SUPPORT,
  addresses: Object.freeze({ stream: 'wss://api.hyperliquid.xyz/ws', rest: 'https://api.hyperliquid.xyz' }),
  limits: LIMITS,
  plan,
  createDecoder: (options) => createHyperliquidDecoder(calls, options),
  book: BOOK,
  rest: calls,
  parseInstruments: parseHyperliquidInstruments,
  recognise: recogniseHyperliquid,
  standsFor: Object.freeze({ USDT: 'USDC' }),
  restError: hyperliquidRestError,
} satisfies VenueMarket);

/** Hyperliquid: perpetuals, quoted in USDC. */
const hyperliquid: Venue = Object.freeze({
  name: 'hyperliquid',
  title: 'Hyperliquid',
  markets: Object.freeze([futures]),
});

export default hyperliquid;
