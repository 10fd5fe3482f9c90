import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import { parseJson } from '../shared/values.ts';
import { EXCHANGE, feedId } from './wire.ts';

const feedSchema = z.object({
  id: z.string().transform((id, context) => {
    const known = feedId(id);
    if (known !== undefined) return known;
    context.addIssue('no feed id');
    return z.NEVER;
  }),
  attributes: z.object({
    asset_type: z.literal('Crypto'),
    symbol: z.string().regex(/^Crypto\.[^./\s]{1,20}\/[^./\s]{1,20}$/),
    description: z.string().optional(),
  }),
});

/**
 * The feeds of crypto pairs in `/v2/price_feeds`, of which each is named by its id. Indices, redemption rates, other
 * kinds of asset, and feeds that describe themselves as deprecated are left out; so is a second feed of a pair.
 */
export function parsePythInstruments(body: string, before: readonly Instrument[] = []): readonly Instrument[] {
  const rows = parseJson(body);
  if (!Array.isArray(rows)) return before;
  const list = new Map(before.map((instrument) => [instrument.symbol, instrument]));
  for (const row of rows as readonly unknown[]) {
    const instrument = instrumentOf(row);
    if (instrument !== undefined && !list.has(instrument.symbol)) list.set(instrument.symbol, instrument);
  }
  return [...list.values()];
}

function instrumentOf(row: unknown): Instrument | undefined {
  const parsed = feedSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const { id, attributes } = parsed.data;
  if (/deprecated/i.test(attributes.description ?? '')) return undefined;
  const [base = '', quote = ''] = attributes.symbol.slice('Crypto.'.length).toUpperCase().split('/');
  return {
    exchange: EXCHANGE,
    market: 'oracle',
    symbol: `${base}${quote}`,
    venue_symbol: id,
    base,
    quote,
    kind: 'spot',
    status: 'trading',
    tick_size: null,
    lot_size: null,
    contract_size: 1,
    inverse: false,
    funding_interval_hours: null,
  };
}
