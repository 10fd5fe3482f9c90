import type { Venue, VenueMarket } from '../contract.ts';
import { createDeribitDecoder } from './decoder.ts';
import { FUTURES_FEES } from './fees.ts';
import { parseDeribitInstruments } from './instruments.ts';
import { futuresRest } from './rest.ts';
import { deribitRestError, recogniseDeribit } from './rest-shapes.ts';
import { BOOK, FUTURES_SUPPORT, LIMITS, plan } from './streams.ts';

const futuresCalls = Object.freeze(futuresRest());

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
  restError: deribitRestError,
} satisfies VenueMarket);

/** Deribit: perpetuals and dated futures, inverse and linear. */
const deribit: Venue = Object.freeze({ name: 'deribit', title: 'Deribit', markets: Object.freeze([futures]) });

export default deribit;
