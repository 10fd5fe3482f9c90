import { z } from 'zod';
import { MARKETS } from '../domain/records.ts';
import type { NoteItem } from '../domain/tape.ts';
import { bookStateSchema } from './books.ts';
import { coverageStateSchema } from './ledger/state.ts';
import { samplerStateSchema } from './sampler.ts';
import { tradeIdsStateSchema } from './trade-ids.ts';

/** A note without its time: the writer adds that. */
export type StateNote = Omit<NoteItem, 'kind' | 'recv_time'>;

/** Names the connections open when a segment begins; others that were known are gone. First note of a market. */
export const SEGMENT_START = 'segment_start';
export const INSTRUMENTS_IN_FORCE = 'instruments_in_force';
/** What is remembered beyond connections: book buckets sampled, newest trade ids, coverage. */
export const MARKET_STATE = 'market_state';
/** Decoder state and books of one connection. */
export const CONNECTION_STATE = 'connection_state';

/** The notes that a segment begins with. */
export const STATE_NOTES: readonly string[] = [SEGMENT_START, INSTRUMENTS_IN_FORCE, MARKET_STATE, CONNECTION_STATE];

export const segmentStartSchema = z.object({ open: z.array(z.string()) });

export const instrumentsSchema = z.array(
  z.object({
    exchange: z.string(),
    market: z.enum(MARKETS),
    symbol: z.string(),
    venue_symbol: z.string(),
    base: z.string(),
    quote: z.string(),
    kind: z.enum(['spot', 'perpetual', 'dated', 'option']),
    status: z.enum(['trading', 'halted', 'settled']),
    tick_size: z.number().nullable(),
    lot_size: z.number().nullable(),
    contract_size: z.number().nullable(),
    inverse: z.boolean(),
    funding_interval_hours: z.number().nullable(),
    expiry_time: z.number().optional(),
    option_type: z.enum(['call', 'put']).optional(),
    strike_price: z.number().optional(),
    settlement_currency: z.string().optional(),
    stands_in_as: z.string().optional(),
  }),
);

export const marketStateSchema = z.object({
  sampler: samplerStateSchema,
  tradeIds: tradeIdsStateSchema,
  coverage: coverageStateSchema.optional(),
  list: z.object({ whole: z.boolean(), pages: instrumentsSchema.nullable() }).optional(),
});

export const connectionStateSchema = z.object({
  polled: z.boolean(),
  decoder: z.unknown(),
  books: z.array(bookStateSchema),
});
