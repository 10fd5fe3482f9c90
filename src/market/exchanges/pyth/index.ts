import type { Venue, VenueMarket } from '../contract.ts';
import { createPythDecoder } from './decoder.ts';
import { parsePythInstruments } from './instruments.ts';
import { pythRestError, recognisePyth, restCalls } from './rest.ts';
import { BOOK, LIMITS, plan, SUPPORT } from './streams.ts';

const oracle: VenueMarket = Object.freeze({
  exchange: 'pyth',
  market: 'oracle',
  streams: SUPPORT,
  addresses: Object.freeze({ stream: 'wss://hermes.pyth.network/ws', rest: 'https://hermes.pyth.network' }),
  limits: LIMITS,
  plan,
  createDecoder: createPythDecoder,
  book: BOOK,
  rest: restCalls,
  parseInstruments: parsePythInstruments,
  recognise: recognisePyth,
  standsFor: Object.freeze({ USDT: 'USD' }),
  restError: pythRestError,
} satisfies VenueMarket);

/** Pyth: an oracle of prices in USD, served by Hermes. */
const pyth: Venue = Object.freeze({ name: 'pyth', title: 'Pyth', markets: Object.freeze([oracle]) });

export default pyth;
