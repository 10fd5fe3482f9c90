import type { Venue, VenueMarket } from '../contract.ts';
import { createDeribitDecoder } from './decoder.ts';
import { FUTURES_FEES } from './fees.ts';
import { DATED_OF, OPTIONS_OF, parseDeribitInstruments } from './instruments.ts';
import { futuresRest, optionsRest } from './rest.ts';
import { deribitRestError, recogniseDeribit } from './rest-shapes.ts';
import { BOOK, FUTURES_SUPPORT, LIMITS, OPTIONS_SUPPORT, plan, planOptions } from './streams.ts';

const futuresCalls = Object.freeze(futuresRest());
const optionsCalls = Object.freeze(optionsRest());

const ADDRESSES = Object.freeze({ stream: 'wss://www.deribit.com/ws/api/v2', rest: 'https://www.deribit.com' });

const futures: VenueMarket = Object.freeze({
  exchange: 'deribit',
  market: 'futures',
  fees: FUTURES_FEES,
  streams: FUTURES_SUPPORT,
  addresses: ADDRESSES,
  limits: LIMITS,
  plan: (instruments, streams) => plan(FUTURES_SUPPORT, instruments, streams),
  createDecoder: (options) => createDeribitDecoder('futures', futuresCalls, options),
  book: BOOK,
  rest: futuresCalls,
  parseInstruments: (body, before) => parseDeribitInstruments('futures', body, before),
  recognise: recogniseDeribit,
  standsFor: Object.freeze({ USDT: 'USD' }),
  expiring: DATED_OF,
  restError: deribitRestError,
} satisfies VenueMarket);

const options: VenueMarket = Object.freeze({
  exchange: 'deribit',
  market: 'options',
  streams: OPTIONS_SUPPORT,
  addresses: ADDRESSES,
  limits: LIMITS,
  plan: planOptions,
  createDecoder: (given) => createDeribitDecoder('options', optionsCalls, given),
  book: BOOK,
  rest: optionsCalls,
  parseInstruments: (body, before) => parseDeribitInstruments('options', body, before),
  recognise: recogniseDeribit,
  expiring: OPTIONS_OF,
  restError: deribitRestError,
} satisfies VenueMarket);

/** Deribit: perpetuals and dated futures, inverse and linear, and options. */
const deribit: Venue = Object.freeze({ name: 'deribit', title: 'Deribit', markets: Object.freeze([futures, options]) });

export default deribit;
