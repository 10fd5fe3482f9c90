import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import type { EndpointDesk, EndpointTool } from '../endpoint.ts';
import { coin, optionalInstrument } from '../shared/endpoint-fields.ts';
import { answer } from '../shared/question.ts';
import { row } from '../shared/rows.ts';
import { optionTicker } from './endpoint-options.ts';
import { index } from './endpoint-venue.ts';
import { OPTIONS_OF } from './instruments.ts';

const named = row({
  name: 'deribit_option_ticker',
  title: 'Deribit option with its greeks',
  about: 'Deribit; without a name the call next to the money that expires first.',
  ...optionTicker,
  fields: {
    currency: coin('BTC'),
    instrument_name: optionalInstrument('the call next to the money that expires first'),
  },
  symbol: 'instrument_name',
  example: { currency: 'BTC' },
});

const givenShape = z.object({ currency: z.string().default('BTC'), instrument_name: z.string().optional() });

/** One option: the named one, else the call next to the money that expires first. Throws NotFound when there is none. */
export const optionTool: EndpointTool = Object.freeze({
  ...named,
  async run(given: Readonly<Record<string, unknown>>, desk: EndpointDesk) {
    const { currency, instrument_name } = givenShape.parse(named.input.parse(given));
    if (instrument_name !== undefined) return named.run(given, desk);
    const { data } = await answer(index, desk, { currency }, undefined);
    const found = await nearestCall(desk, currency, data.index);
    return named.run({ ...given, instrument_name: found }, desk);
  },
});

async function nearestCall(desk: EndpointDesk, currency: string, price: number): Promise<string> {
  const listed = await desk.instruments('options');
  const calls = OPTIONS_OF.on(`${currency}USD`, listed).filter(
    (i) => i.option_type === 'call' && i.status === 'trading' && (i.expiry_time ?? 0) > desk.now() * 1000,
  );
  const [first] = [...calls].sort(
    (a, b) =>
      (a.expiry_time ?? 0) - (b.expiry_time ?? 0) ||
      Math.abs((a.strike_price ?? 0) - price) - Math.abs((b.strike_price ?? 0) - price),
  );
  if (first === undefined) throw new NotFound(`deribit lists no options of '${currency}'`);
  return first.venue_symbol;
}
