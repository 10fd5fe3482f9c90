import type { Venue, VenueMarket } from '../contract.ts';
import { createGateDecoder } from './decoder.ts';
import { FUTURES_FEES, SPOT_FEES } from './fees.ts';
import { parseGateInstruments } from './instruments.ts';
import { futuresRest, spotRest } from './rest.ts';
import { gateRestError, recogniseGate } from './rest-shapes.ts';
import { FUTURES_SUPPORT, GATE_BOOK, LIMITS, planFutures, planSpot, SPOT_SUPPORT } from './streams.ts';

const futuresCalls = Object.freeze(futuresRest());
const spotCalls = Object.freeze(spotRest());

const futures: VenueMarket = Object.freeze({
  exchange: 'gateio',
  market: 'futures',
  fees: FUTURES_FEES,
  streams: FUTURES_SUPPORT,
  addresses: Object.freeze({ stream: 'wss://fx-ws.gateio.ws/v4/ws/usdt', rest: 'https://api.gateio.ws' }),
  limits: LIMITS,
  plan: planFutures,
  createDecoder: (options) => createGateDecoder('futures', futuresCalls, options),
  book: GATE_BOOK,
  rest: futuresCalls,
  parseInstruments: (body, before) => parseGateInstruments('futures', body, before),
  recognise: recogniseGate,
  restError: gateRestError,
} satisfies VenueMarket);

const spot: VenueMarket = Object.freeze({
  exchange: 'gateio',
  market: 'spot',
  fees: SPOT_FEES,
  streams: SPOT_SUPPORT,
  addresses: Object.freeze({ stream: 'wss://api.gateio.ws/ws/v4/', rest: 'https://api.gateio.ws' }),
  limits: LIMITS,
  plan: planSpot,
  createDecoder: (options) => createGateDecoder('spot', spotCalls, options),
  book: GATE_BOOK,
  rest: spotCalls,
  parseInstruments: (body, before) => parseGateInstruments('spot', body, before),
  recognise: recogniseGate,
  restError: gateRestError,
} satisfies VenueMarket);

/** Gate.io: USDT-settled perpetual futures and spot, over API v4. */
const gateio: Venue = Object.freeze({
  name: 'gateio',
  title: 'Gate.io',
  alsoCalled: ['gate'],
  markets: Object.freeze([futures, spot]),
});

export default gateio;
