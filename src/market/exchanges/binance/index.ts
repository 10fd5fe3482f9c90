import type { Venue, VenueMarket } from '../contract.ts';
import { createBinanceDecoder } from './decoder.ts';
import { FUTURES_FEES, SPOT_FEES } from './fees.ts';
import { parseBinanceInstruments } from './instruments.ts';
import { futuresRest, spotRest } from './rest.ts';
import { binanceRestError, recogniseBinance } from './rest-shapes.ts';
import {
  BINANCE_BOOK,
  FUTURES_LIMITS,
  FUTURES_SUPPORT,
  planFutures,
  planSpot,
  SPOT_LIMITS,
  SPOT_SUPPORT,
} from './streams.ts';

const futuresCalls = Object.freeze(futuresRest());
const spotCalls = Object.freeze(spotRest());

const futures: VenueMarket = Object.freeze({
  exchange: 'binance',
  market: 'futures',
  alsoReads: ['options'],
  fees: FUTURES_FEES,
  streams: FUTURES_SUPPORT,
  addresses: Object.freeze({
    public: 'wss://fstream.binance.com/public',
    market: 'wss://fstream.binance.com/market',
    rest: 'https://fapi.binance.com',
  }),
  limits: FUTURES_LIMITS,
  plan: planFutures,
  createDecoder: (options) => createBinanceDecoder('futures', futuresCalls, options),
  book: BINANCE_BOOK,
  rest: futuresCalls,
  parseInstruments: (body, before) => parseBinanceInstruments('futures', body, before),
  recognise: recogniseBinance,
  restError: binanceRestError,
} satisfies VenueMarket);

const spot: VenueMarket = Object.freeze({
  exchange: 'binance',
  market: 'spot',
  fees: SPOT_FEES,
  streams: SPOT_SUPPORT,
  addresses: Object.freeze({ stream: 'wss://stream.binance.com:9443', rest: 'https://api.binance.com' }),
  limits: SPOT_LIMITS,
  plan: planSpot,
  createDecoder: (options) => createBinanceDecoder('spot', spotCalls, options),
  book: BINANCE_BOOK,
  rest: spotCalls,
  parseInstruments: (body, before) => parseBinanceInstruments('spot', body, before),
  recognise: recogniseBinance,
  restError: binanceRestError,
} satisfies VenueMarket);

/** Binance: USD-M futures and spot. */
const binance: Venue = Object.freeze({ name: 'binance', title: 'Binance', markets: Object.freeze([futures, spot]) });

export default binance;
