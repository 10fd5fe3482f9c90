import type { Venue, VenueMarket } from '../contract.ts';
import { createPythDecoder } from './decoder.ts';
import { parsePythInstruments } from './instruments.ts';
import { pythRestError, recognisePyth, restCalls } from './rest.ts';
import { BOOK, LIMITS, plan, SUPPORT } from './streams.ts';

const oracle: VenueMarket = Object.freeze({
  exchange: 'pyth',
  market: 'oracle',
  streams: SUPPORT,
  addresses: Object.freeze({
    stream: 'wss://pyth.dourolabs.app/hermes/ws',
    rest: 'https://pyth.dourolabs.app/hermes',
  }),
  credential: Object.freeze({
    variable: 'PYTH_API_KEY',
    header: 'Authorization',
    prefix: 'Bearer ',
    required: true,
    from: 'from Pyth Terminal, https://docs.pyth.network/pro/pyth-core-upgrade',
  }),
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
