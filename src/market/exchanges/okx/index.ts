import type { Venue, VenueMarket } from '../contract.ts';
import { createOkxDecoder } from './decoder.ts';
import { FUTURES_FEES, SPOT_FEES } from './fees.ts';
import { DATED_OF, parseOkxInstruments } from './instruments.ts';
import { spotRest, futuresRest } from './rest.ts';
import { okxRestError, recogniseOkx } from './rest-shapes.ts';
import { LIMITS, OKX_BOOK, planSpot, planFutures, SPOT_SUPPORT, FUTURES_SUPPORT } from './streams.ts';

const futuresCalls = Object.freeze(futuresRest());
const spotCalls = Object.freeze(spotRest());

const ADDRESSES = Object.freeze({
  public: 'wss://ws.okx.com:8443/ws/v5/public',
  business: 'wss://ws.okx.com:8443/ws/v5/business',
  rest: 'https://www.okx.com',
});

const futures: VenueMarket = Object.freeze({
  exchange: 'okx',
  market: 'futures',
  fees: FUTURES_FEES,
  streams: FUTURES_SUPPORT,
  addresses: ADDRESSES,
  limits: LIMITS,
  plan: planFutures,
  createDecoder: (options) => createOkxDecoder('futures', futuresCalls, options),
  book: OKX_BOOK,
  rest: futuresCalls,
  parseInstruments: (body, before) => parseOkxInstruments('futures', body, before),
  recognise: recogniseOkx,
  expiring: DATED_OF,
  restError: okxRestError,
} satisfies VenueMarket);

const spot: VenueMarket = Object.freeze({
  exchange: 'okx',
  market: 'spot',
  fees: SPOT_FEES,
  streams: SPOT_SUPPORT,
  addresses: ADDRESSES,
  limits: LIMITS,
  plan: planSpot,
  createDecoder: (options) => createOkxDecoder('spot', spotCalls, options),
  book: OKX_BOOK,
  rest: spotCalls,
  parseInstruments: (body, before) => parseOkxInstruments('spot', body, before),
  recognise: recogniseOkx,
  restError: okxRestError,
} satisfies VenueMarket);

/** OKX: perpetual swaps, dated futures and spot, over API v5. */
const okx: Venue = Object.freeze({
  name: 'okx',
  title: 'OKX',
  alsoCalled: ['okex'],
  markets: Object.freeze([futures, spot]),
});

export default okx;
