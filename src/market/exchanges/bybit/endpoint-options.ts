import { z } from 'zod';
import { ownKind, series } from '../shared/kinds/series.ts';
import { iso } from '../shared/kinds/statistics.ts';
import { endpoint } from '../shared/question.ts';
import { decimalOrNull, msTime, positiveOrNull, decimal } from '../shared/shapes.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { DOCS, result } from './endpoint-questions.ts';
import { greek, measure } from '../../domain/measure.ts';

const chainShape = z.object({
  base: z.string(),
  count: measure.count,
  calls: z.object({ count: measure.count, open_interest: measure.size, volume_24h: measure.size }),
  puts: z.object({ count: measure.count, open_interest: measure.size, volume_24h: measure.size }),
  put_call_open_interest: measure.ratio.nullable(),
  put_call_volume: measure.ratio.nullable(),
  underlying: measure.underlying.nullable(),
  options: z.array(
    z.object({
      symbol: z.string(),
      type: z.enum(['call', 'put']),
      strike: measure.underlying,
      mark: measure.price.nullable(),
      mark_iv: z.number().describe('Fraction a year').nullable(),
      delta: greek.delta.nullable(),
      gamma: greek.gamma.nullable(),
      vega: greek.vega.nullable(),
      theta: greek.theta.nullable(),
      open_interest: measure.size.nullable(),
      volume_24h: measure.size.nullable(),
      time: z.string().nullable(),
    }),
  ),
});
const SHOWN = 60;

export const optionChain = {
  kind: ownKind<z.infer<typeof chainShape>>({
    name: 'option_chain',
    about:
      'Options of a coin: open interest and 24 h volume of calls and puts in base units with put ÷ call, and the 60 with the largest open interest: strike, mark price, mark volatility as a fraction a year, greeks.',
    output: chainShape,
    summary: (d) => `${d.base}: ${d.count} options, put ÷ call open interest ${String(d.put_call_open_interest)}.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/tickers`,
    request: (args: { readonly base_coin: string }) => ({
      path: '/v5/market/tickers',
      query: { category: 'option', baseCoin: args.base_coin },
      weight: 1,
    }),
    shape: result(
      z.looseObject({
        list: z.array(
          z.looseObject({
            symbol: z.string(),
            markPrice: decimalOrNull,
            markIv: positiveOrNull,
            underlyingPrice: positiveOrNull,
            openInterest: decimalOrNull,
            volume24h: decimalOrNull,
            delta: decimalOrNull,
            gamma: decimalOrNull,
            vega: decimalOrNull,
            theta: decimalOrNull,
          }),
        ),
      }),
    ),
    read: (w, _facts, args) => {
      const options = w.result.list.flatMap((o) => {
        const named = /^[A-Z0-9]+-\d+[A-Z]+\d+-([\d.]+)-([CP])(?:-[A-Z]+)?$/.exec(o.symbol);
        return named === null
          ? []
          : [
              {
                symbol: canonicalSymbol(o.symbol),
                type: named[2] === 'C' ? ('call' as const) : ('put' as const),
                strike: Number(named[1]),
                mark: o.markPrice,
                mark_iv: o.markIv,
                delta: o.delta,
                gamma: o.gamma,
                vega: o.vega,
                theta: o.theta,
                open_interest: o.openInterest,
                volume_24h: o.volume24h,
                time: iso(w.time),
              },
            ];
      });
      const side = (type: 'call' | 'put') => {
        const own = options.filter((o) => o.type === type);
        return {
          count: own.length,
          open_interest: own.reduce((total, o) => total + (o.open_interest ?? 0), 0),
          volume_24h: own.reduce((total, o) => total + (o.volume_24h ?? 0), 0),
        };
      };
      const [calls, puts] = [side('call'), side('put')];
      return {
        value: {
          base: args.base_coin,
          count: options.length,
          calls,
          puts,
          put_call_open_interest: calls.open_interest === 0 ? null : puts.open_interest / calls.open_interest,
          put_call_volume: calls.volume_24h === 0 ? null : puts.volume_24h / calls.volume_24h,
          underlying: w.result.list[0]?.underlyingPrice ?? null,
          options: options.sort((a, b) => (b.open_interest ?? 0) - (a.open_interest ?? 0)).slice(0, SHOWN),
        },
        time: w.time,
      };
    },
  }),
};

export const deliveries = {
  kind: series('Delivery prices of the coin’s options, in USD.'),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/new-delivery-price`,
    request: (args: { readonly base_coin: string }) => ({
      path: '/v5/market/new-delivery-price',
      query: { category: 'option', baseCoin: args.base_coin },
      weight: 1,
    }),
    shape: result(z.looseObject({ list: z.array(z.looseObject({ deliveryPrice: decimal, deliveryTime: msTime })) })),
    read: (w, _facts, args) => ({
      value: {
        name: `${args.base_coin} option delivery price`,
        unit: 'USD',
        rows: w.result.list.map((r) => ({ time: r.deliveryTime, value: r.deliveryPrice })),
      },
      time: w.result.list.length === 0 ? w.time : Math.max(...w.result.list.map((r) => r.deliveryTime)),
    }),
  }),
};
