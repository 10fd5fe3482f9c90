import type { Venue, VenueMarket } from '../contract.ts';
import { createBybitDecoder } from './decoder.ts';
import { FUTURES_FEES, SPOT_FEES } from './fees.ts';
import { parseBybitInstruments } from './instruments.ts';
import { futuresRest, spotRest } from './rest.ts';
import { bybitRestError, recogniseBybit } from './rest-shapes.ts';
import { BYBIT_BOOK, FUTURES_SUPPORT, LIMITS, planFutures, planSpot, SPOT_SUPPORT } from './streams.ts';

const futuresCalls = Object.freeze(futuresRest());
const spotCalls = Object.freeze(spotRest());

const futures: VenueMarket = Object.freeze({
  exchange: 'bybit',
  market: 'futures',
  alsoReads: ['options'],
  fees: FUTURES_FEES,
  streams: FUTURES_SUPPORT,
  addresses: Object.freeze({
    stream: 'wss://stream.bybit.com/v5/public/linear',
    rest: 'https://api.bybit.com',
  }),
  limits: LIMITS,
  plan: planFutures,
  createDecoder: (options) => createBybitDecoder('futures', futuresCalls, options),
  book: BYBIT_BOOK,
  rest: futuresCalls,
  parseInstruments: (body, before) => parseBybitInstruments('futures', body, before),
  recognise: recogniseBybit,
  restError: bybitRestError,
} satisfies VenueMarket);

const spot: VenueMarket = Object.freeze({
  exchange: 'bybit',
  market: 'spot',
  fees: SPOT_FEES,
  streams: SPOT_SUPPORT,
  addresses: Object.freeze({ stream: 'wss://stream.bybit.com/v5/public/spot', rest: 'https://api.bybit.com' }),
  limits: LIMITS,
  plan: planSpot,
  createDecoder: (options) => createBybitDecoder('spot', spotCalls, options),
  book: BYBIT_BOOK,
  rest: spotCalls,
  parseInstruments: (body, before) => parseBybitInstruments('spot', body, before),
  recognise: recogniseBybit,
  restError: bybitRestError,
} satisfies VenueMarket);

/** Bybit: linear futures and spot, over API v5. */
const bybit: Venue = Object.freeze({ name: 'bybit', title: 'Bybit', markets: Object.freeze([futures, spot]) });

export default bybit;
