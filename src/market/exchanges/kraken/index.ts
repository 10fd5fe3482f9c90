import type { Venue, VenueMarket } from '../contract.ts';
import { createFuturesDecoder } from './futures-decoder.ts';
import { FUTURES_FEES, SPOT_FEES } from './fees.ts';
import { futuresRest, futuresRestError, recogniseFutures } from './futures-rest.ts';
import { parseFuturesInstruments, parseSpotInstruments } from './instruments.ts';
import { createSpotDecoder } from './spot-decoder.ts';
import { recogniseSpot, spotRest, spotRestError } from './spot-rest.ts';
import {
  FUTURES_BOOK,
  FUTURES_LIMITS,
  FUTURES_SUPPORT,
  planFutures,
  planSpot,
  SPOT_BOOK,
  SPOT_LIMITS,
  SPOT_SUPPORT,
} from './streams.ts';

const futuresCalls = Object.freeze(futuresRest());
const spotCalls = Object.freeze(spotRest());
const STANDS_FOR = Object.freeze({ USDT: 'USD' });

const futures: VenueMarket = Object.freeze({
  exchange: 'kraken',
  market: 'futures',
  fees: FUTURES_FEES,
  streams: FUTURES_SUPPORT,
  addresses: Object.freeze({ stream: 'wss://futures.kraken.com/ws/v1', rest: 'https://futures.kraken.com' }),
  limits: FUTURES_LIMITS,
  plan: planFutures,
  createDecoder: (options) => createFuturesDecoder(futuresCalls, options),
  book: FUTURES_BOOK,
  rest: futuresCalls,
  parseInstruments: parseFuturesInstruments,
  recognise: recogniseFutures,
  standsFor: STANDS_FOR,
  restError: futuresRestError,
} satisfies VenueMarket);

const spot: VenueMarket = Object.freeze({
  exchange: 'kraken',
  market: 'spot',
  fees: SPOT_FEES,
  streams: SPOT_SUPPORT,
  addresses: Object.freeze({ stream: 'wss://ws.kraken.com/v2', rest: 'https://api.kraken.com' }),
  limits: SPOT_LIMITS,
  plan: planSpot,
  createDecoder: (options) => createSpotDecoder(spotCalls, options),
  book: SPOT_BOOK,
  rest: spotCalls,
  parseInstruments: parseSpotInstruments,
  recognise: recogniseSpot,
  standsFor: STANDS_FOR,
  restError: spotRestError,
} satisfies VenueMarket);

/** Kraken: futures, and spot over WebSocket v2. */
const kraken: Venue = Object.freeze({ name: 'kraken', title: 'Kraken', markets: Object.freeze([futures, spot]) });

export default kraken;
