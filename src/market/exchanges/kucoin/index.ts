import type { Venue, VenueMarket } from '../contract.ts';
import { createKucoinDecoder } from './decoder.ts';
import { FUTURES_FEES, SPOT_FEES } from './fees.ts';
import { parseFuturesInstruments, parseSpotInstruments } from './instruments.ts';
import { kucoinRestError, recogniseKucoin } from './rest-shapes.ts';
import { futuresRest, spotRest } from './rest.ts';
import {
  FUTURES_BOOK,
  FUTURES_SUPPORT,
  LIMITS,
  planFutures,
  planSpot,
  PREPARATION,
  SPOT_BOOK,
  SPOT_SUPPORT,
} from './streams.ts';

const futuresCalls = Object.freeze(futuresRest());
const spotCalls = Object.freeze(spotRest());

/** `stream` is where the token's answer usually leads; that answer decides. */
const futures: VenueMarket = Object.freeze({
  exchange: 'kucoin',
  market: 'futures',
  fees: FUTURES_FEES,
  streams: FUTURES_SUPPORT,
  addresses: Object.freeze({ stream: 'wss://ws-api-futures.kucoin.com', rest: 'https://api-futures.kucoin.com' }),
  limits: LIMITS,
  prepare: PREPARATION,
  plan: planFutures,
  createDecoder: (options) => createKucoinDecoder('futures', futuresCalls, options),
  book: FUTURES_BOOK,
  rest: futuresCalls,
  parseInstruments: parseFuturesInstruments,
  recognise: recogniseKucoin,
  restError: kucoinRestError,
} satisfies VenueMarket);

const spot: VenueMarket = Object.freeze({
  exchange: 'kucoin',
  market: 'spot',
  fees: SPOT_FEES,
  streams: SPOT_SUPPORT,
  addresses: Object.freeze({ stream: 'wss://ws-api-spot.kucoin.com', rest: 'https://api.kucoin.com' }),
  limits: LIMITS,
  prepare: PREPARATION,
  plan: planSpot,
  createDecoder: (options) => createKucoinDecoder('spot', spotCalls, options),
  book: SPOT_BOOK,
  rest: spotCalls,
  parseInstruments: parseSpotInstruments,
  recognise: recogniseKucoin,
  restError: kucoinRestError,
} satisfies VenueMarket);

/** KuCoin: futures and spot. Liquidations are not public. */
const kucoin: Venue = Object.freeze({ name: 'kucoin', title: 'KuCoin', markets: Object.freeze([futures, spot]) });

export default kucoin;
