import { InvalidInput, Unavailable, Unsupported } from '../../kit/errors.ts';
import { quoteOutside } from '../../kit/outside.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { MarketRecord } from '../domain/records.ts';
import type { RestArgs, RestCallName } from '../domain/tape.ts';
import type { VenueMarket } from '../exchanges/contract.ts';
import type { VenueAnswer, VenueRest } from './venue-rest.ts';

/**
 * Asks one REST call of a market about one instrument and decodes the answer as the collector does, without keeping it.
 * Throws Unsupported when the market has no such call, Unavailable when the body is not what the venue documents, and
 * the venue's refusals.
 */
export async function askRecords(
  rest: VenueRest,
  market: VenueMarket,
  question: { readonly call: RestCallName; readonly args: RestArgs; readonly instrument: Instrument },
  signal: AbortSignal,
): Promise<{ readonly records: readonly MarketRecord[]; readonly answer: VenueAnswer }> {
  const { call, instrument } = question;
  const name = `${market.exchange} ${market.market}`;
  const definition = market.rest[call];
  if (definition === undefined) throw new Unsupported(`${name} has no REST call for ${call}`);
  const args = { ...question.args, symbol: instrument.symbol };
  const answer = await rest.ask(market.exchange, market.market, definition.request(args, instrument), signal);
  const records: MarketRecord[] = [];
  const verdict = definition.decode(answer.body, args, answer.at * 1000, { instruments: [instrument] }, (record) => {
    if (record.symbol === instrument.symbol) records.push(record);
  });
  if (verdict.kind === 'error') throw new InvalidInput(`${name} refused ${call}: ${quoteOutside(verdict.message)}`);
  if (verdict.kind === 'rejected') throw new Unavailable(`${name} ${call} cannot be read: ${verdict.reason}`);
  return { records, answer };
}
