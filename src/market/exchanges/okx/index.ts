import type { Venue, VenueMarket } from '../contract.ts';
import { createOkxDecoder } from './decoder.ts';
import { FUTURES_FEES, SPOT_FEES } from './fees.ts';
import { DATED_OF, OPTIONS_OF, parseOkxInstruments } from './instruments.ts';
import { futuresRest, optionsRest, spotRest } from './rest.ts';
import { okxRestError, recogniseOkx } from './rest-shapes.ts';
import {
  FUTURES_SUPPORT,
  LIMITS,
  OKX_BOOK,
  OPTIONS_SUPPORT,
  planFutures,
  planOptions,
  planSpot,
  SPOT_SUPPORT,
} from './streams.ts';

const futuresCalls = Object.freeze(futuresRest());
const optionsCalls = Object.freeze(optionsRest());
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

const options: VenueMarket = Object.freeze({
  exchange: 'okx',
  market: 'options',
  namedOnly: true,
  streams: OPTIONS_SUPPORT,
  addresses: ADDRESSES,
  limits: LIMITS,
  plan: planOptions,
  createDecoder: (given) => createOkxDecoder('options', optionsCalls, given),
  book: OKX_BOOK,
  rest: optionsCalls,
  parseInstruments: (body, before) => parseOkxInstruments('options', body, before),
  recognise: recogniseOkx,
  expiring: OPTIONS_OF,
  restError: okxRestError,
} satisfies VenueMarket);

/** OKX: perpetual swaps, dated futures, spot and options, over API v5. */
const okx: Venue = Object.freeze({
  name: 'okx',
  title: 'OKX',
  alsoCalled: ['okex'],
  markets: Object.freeze([futures, spot, options]),
});

export default okx;
