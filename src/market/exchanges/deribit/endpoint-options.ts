import { z } from 'zod';
import { InvalidInput, Unavailable } from '../../../kit/errors.ts';
import type { Ms } from '../../../kit/clock.ts';
import { ownKind } from '../shared/kinds/series.ts';
import { iso, sum } from '../shared/kinds/statistics.ts';
import { endpoint } from '../shared/question.ts';
import { nameOf, newest } from '../shared/readings.ts';
import { ask, DOCS, settledIn } from './endpoint-questions.ts';
import { interestOf, resultOf, summaryWire, tickerWire } from './endpoint-shapes.ts';
import { namedFacts, optionTerms } from './wire.ts';
import { greek, measure } from '../../domain/measure.ts';

/** What Deribit tells of options: one, or all of a coin. Prices are in the quote (the coin, or USDC). */

/** One option of a chain. */
export interface ChainRow {
  readonly symbol: string;
  readonly venue_symbol: string;
  readonly type: 'call' | 'put';
  readonly strike: number;
  readonly expiry: Ms;
  /** Base units. */
  readonly open_interest: number | null;
  readonly open_interest_usd: number | null;
  readonly volume_24h: number | null;
  readonly mark: number | null;
  readonly mark_iv: number | null;
  readonly bid: number | null;
  readonly ask: number | null;
  readonly underlying: number | null;
}

type OfCoin = { readonly currency: string };

export const chain = endpoint({
  market: 'options',
  docs: `${DOCS}/public-get_book_summary_by_currency`,
  request: ({ currency }: OfCoin) =>
    ask('get_book_summary_by_currency', { currency: settledIn(currency), kind: 'option' }),
  shape: resultOf(z.array(summaryWire)),
  read: ({ result }, _facts, { currency }) => {
    const rows = result.flatMap((w): ChainRow[] => {
      const terms = optionTerms(w.instrument_name);
      if (w.base_currency !== currency || terms === undefined) return [];
      return [
        {
          symbol: namedFacts(w.instrument_name).symbol ?? w.instrument_name,
          venue_symbol: w.instrument_name,
          type: terms.type,
          strike: terms.strike,
          expiry: terms.expiry / 1000,
          open_interest: w.open_interest,
          open_interest_usd: interestOf(w).usd,
          volume_24h: w.volume,
          mark: w.mark_price,
          mark_iv: w.mark_iv,
          bid: w.bid_price,
          ask: w.ask_price,
          underlying: w.underlying_price,
        },
      ];
    });
    return { value: rows, time: newest(result.map((w) => w.creation_timestamp)) };
  },
});

const sideShape = z.object({
  count: measure.count,
  open_interest: measure.size.nullable(),
  open_interest_usd: measure.usd.nullable(),
  volume_24h: measure.size.nullable(),
});
export const summaryShape = z.object({
  options: measure.count,
  expiries: measure.count,
  calls: sideShape,
  puts: sideShape,
  put_call_open_interest: measure.ratio.nullable(),
  put_call_volume: measure.ratio.nullable(),
  leaning: z.enum(['hedging', 'bullish', 'neutral', 'unknown']),
});

/** Put ÷ call open interest beyond which puts, or calls, prevail: the venue tools' customary bounds. */
const HEDGING = 1.2;
const BULLISH = 0.7;

/** Calls against puts. Example: 60 puts and 50 calls open are 1.2 put ÷ call, which is not yet beyond the bound. */
export function callsAndPuts(rows: readonly ChainRow[]): z.infer<typeof summaryShape> {
  const side = (type: ChainRow['type']): z.infer<typeof sideShape> => {
    const own = rows.filter((r) => r.type === type);
    return {
      count: own.length,
      open_interest: sum(own.map((r) => r.open_interest)),
      open_interest_usd: sum(own.map((r) => r.open_interest_usd)),
      volume_24h: sum(own.map((r) => r.volume_24h)),
    };
  };
  const [calls, puts] = [side('call'), side('put')];
  const interest = ratio(puts.open_interest, calls.open_interest);
  return {
    options: rows.length,
    expiries: new Set(rows.map((r) => r.expiry)).size,
    calls,
    puts,
    put_call_open_interest: interest,
    put_call_volume: ratio(puts.volume_24h, calls.volume_24h),
    leaning:
      interest === null ? 'unknown' : interest > HEDGING ? 'hedging' : interest < BULLISH ? 'bullish' : 'neutral',
  };
}

function ratio(a: number | null, b: number | null): number | null {
  return a === null || b === null || b === 0 ? null : a / b;
}

export const optionsSummary = {
  kind: {
    name: 'calls_and_puts',
    about:
      'All options of a coin, calls against puts: counts, open interest in base units and in dollars at the underlying, volume of 24 h in base units (null where none is told), put ÷ call, and which side prevails (open interest beyond 1.2: hedging; below 0.7: bullish).',
    output: summaryShape,
    derive: callsAndPuts,
    summary: (data: z.infer<typeof summaryShape>) =>
      `${data.options} options, put/call open interest ${data.put_call_open_interest?.toFixed(2) ?? 'unknown'}, ${data.leaning}.`,
  },
  endpoint: chain,
};

const optionShape = z.object({
  symbol: z.string(),
  venue_symbol: z.string(),
  strike: measure.underlying,
  expiry: z.string().nullable(),
  open_interest: measure.size.nullable(),
  open_interest_usd: measure.usd.nullable(),
  volume_24h: measure.size.nullable(),
  mark: measure.price.nullable(),
  mark_iv: measure.percentYear.nullable(),
  bid: measure.price.nullable(),
  ask: measure.price.nullable(),
});

function shown(r: ChainRow): z.infer<typeof optionShape> {
  const { symbol, venue_symbol, strike, open_interest, open_interest_usd, volume_24h, mark, mark_iv, bid } = r;
  return {
    symbol,
    venue_symbol,
    strike,
    expiry: iso(r.expiry),
    open_interest,
    open_interest_usd,
    volume_24h,
    mark,
    mark_iv,
    bid,
    ask: r.ask,
  };
}

const topShape = z.object({ options: measure.count, calls: z.array(optionShape), puts: z.array(optionShape) });

export const topOptions = {
  kind: {
    name: 'top_options',
    about:
      'The calls and the puts of a coin with the largest open interest (base units), with strike, expiry, volume of 24 h, mark price and best prices in the option’s quote, and mark volatility in percent a year.',
    output: topShape,
    derive: ({ rows, limit }: { readonly rows: readonly ChainRow[]; readonly limit: number }) => {
      const top = (type: ChainRow['type']): z.infer<typeof optionShape>[] =>
        rows
          .filter((r) => r.type === type)
          .sort((a, b) => (b.open_interest ?? -1) - (a.open_interest ?? -1))
          .slice(0, limit)
          .map(shown);
      return { options: rows.length, calls: top('call'), puts: top('put') };
    },
    summary: (data: z.infer<typeof topShape>) =>
      `Largest call ${data.calls[0]?.symbol ?? 'none'}, largest put ${data.puts[0]?.symbol ?? 'none'}.`,
  },
  endpoint: {
    ...chain,
    read: (...[body, facts, args]: Parameters<typeof chain.read>) => {
      const reading = chain.read(body, facts, args);
      const limit = 'limit' in args && typeof args.limit === 'number' ? args.limit : 20;
      return { ...reading, value: { rows: reading.value, limit } };
    },
  },
};

const strikeShape = z.object({ strike: measure.underlying, call: optionShape.nullable(), put: optionShape.nullable() });
const expiryShape = z.object({
  expiry: z.string().nullable(),
  underlying: measure.underlying.nullable(),
  options: measure.count,
  open_interest: measure.size.nullable(),
  put_call_open_interest: measure.ratio.nullable(),
  at_the_money_iv: measure.percentYear.nullable(),
  strikes: z.array(strikeShape),
});
const chainShape = z.object({ options: measure.count, expiries: z.array(expiryShape) });
const MOST_STRIKES = 40;

/** Volatility of the strike nearest to the underlying: the mean of its call and put. Null without an underlying. */
export function atTheMoneyIv(rows: readonly ChainRow[]): number | null {
  const underlying = rows.find((r) => r.underlying !== null)?.underlying ?? null;
  if (underlying === null) return null;
  const strikes = [...new Set(rows.map((r) => r.strike))];
  const [nearest] = strikes.sort((a, b) => Math.abs(a - underlying) - Math.abs(b - underlying));
  const known = rows.filter((r) => r.strike === nearest).flatMap((r) => r.mark_iv ?? []);
  return known.length === 0 ? null : known.reduce((total, iv) => total + iv, 0) / known.length;
}

function expiriesOf(rows: readonly ChainRow[]): z.infer<typeof expiryShape>[] {
  const times = [...new Set(rows.map((r) => r.expiry))].sort((a, b) => a - b);
  return times.map((expiry) => {
    const own = rows.filter((r) => r.expiry === expiry);
    const underlying = own.find((r) => r.underlying !== null)?.underlying ?? null;
    const distance = (strike: number): number => Math.abs(strike - (underlying ?? 0));
    const strikes = [...new Set(own.map((r) => r.strike))]
      .sort((a, b) => distance(a) - distance(b))
      .slice(0, MOST_STRIKES)
      .sort((a, b) => a - b);
    const of = (strike: number, type: ChainRow['type']): z.infer<typeof optionShape> | null => {
      const found = own.find((r) => r.strike === strike && r.type === type);
      return found === undefined ? null : shown(found);
    };
    return {
      expiry: iso(expiry),
      underlying,
      options: own.length,
      open_interest: sum(own.map((r) => r.open_interest)),
      put_call_open_interest: callsAndPuts(own).put_call_open_interest,
      at_the_money_iv: atTheMoneyIv(own),
      strikes: strikes.map((strike) => ({ strike, call: of(strike, 'call'), put: of(strike, 'put') })),
    };
  });
}

export const optionsChain = {
  kind: {
    name: 'options_chain',
    about: `The option chain of a coin, expiry by expiry, the nearest first: price of the underlying, open interest (base units), put ÷ call, volatility at the money (percent a year), and by strike (the ${MOST_STRIKES} nearest to the underlying) call and put with mark and best prices in their quote, mark volatility, open interest and volume. Without an expiry asked for, the strikes of the first one are listed.`,
    output: chainShape,
    derive: ({ rows, expiration }: { readonly rows: readonly ChainRow[]; readonly expiration: string | undefined }) => {
      const all = expiriesOf(rows);
      const named = all.filter((e) => expiration !== undefined && e.expiry?.startsWith(expiration) === true);
      if (expiration !== undefined && named.length === 0) {
        const known = all.map((e) => e.expiry?.slice(0, 10) ?? '').join(', ');
        throw new InvalidInput(`no option expires on ${expiration}; those listed expire on ${known}`);
      }
      const listed = expiration === undefined ? all : named;
      return {
        options: rows.length,
        expiries: listed.map((e, i) => (i === 0 ? e : { ...e, strikes: [] })),
      };
    },
    summary: (data: z.infer<typeof chainShape>) =>
      `${data.options} options; nearest expiry ${data.expiries[0]?.expiry ?? 'none'}, volatility ${String(data.expiries[0]?.at_the_money_iv ?? 'unknown')} %.`,
  },
  endpoint: {
    ...chain,
    read: (...[body, facts, args]: Parameters<typeof chain.read>) => {
      const reading = chain.read(body, facts, args);
      const expiration = 'expiration' in args && typeof args.expiration === 'string' ? args.expiration : undefined;
      return { ...reading, value: { rows: reading.value, expiration } };
    },
  },
};

const greekShape = z.object({
  symbol: z.string(),
  venue_symbol: z.string(),
  type: z.enum(['call', 'put']),
  strike: measure.underlying,
  expiry: z.string().nullable(),
  underlying: measure.underlying.nullable(),
  underlying_name: z.string().nullable(),
  mark: measure.price.nullable(),
  bid: measure.price.nullable(),
  ask: measure.price.nullable(),
  last: measure.price.nullable(),
  mark_iv: measure.percentYear.nullable(),
  bid_iv: measure.percentYear.nullable(),
  ask_iv: measure.percentYear.nullable(),
  delta: greek.delta.nullable(),
  gamma: greek.gamma.nullable(),
  vega: greek.vega.nullable(),
  theta: greek.theta.nullable(),
  rho: greek.rho.nullable(),
  open_interest: measure.size.nullable(),
  volume_24h: measure.size.nullable(),
});

export const optionTicker = {
  kind: ownKind({
    name: 'option_ticker',
    about:
      'One option: type, strike and underlying (USD), mark, best and last price in its quote, implied volatilities in percent a year, greeks as the venue computes them (delta and gamma by the underlying, vega a point of volatility, theta a day, rho a point of interest), open interest and volume of 24 h in base units.',
    output: greekShape,
    summary: (data) =>
      `${data.symbol} ${String(data.mark)}, volatility ${String(data.mark_iv)} %, delta ${String(data.delta)}.`,
  }),
  endpoint: endpoint({
    market: 'options',
    docs: `${DOCS}/public-ticker`,
    request: (_args: unknown, i) => ask('ticker', { instrument_name: nameOf(i) }),
    shape: resultOf(tickerWire),
    read: ({ result: w }) => {
      const terms = optionTerms(w.instrument_name);
      if (terms === undefined)
        throw new Unavailable(`deribit answered with '${w.instrument_name}', which is no option`);
      const { delta = null, gamma = null, vega = null, theta = null, rho = null } = w.greeks ?? {};
      return {
        value: {
          symbol: namedFacts(w.instrument_name).symbol ?? w.instrument_name,
          venue_symbol: w.instrument_name,
          type: terms.type,
          strike: terms.strike,
          expiry: iso(terms.expiry / 1000),
          underlying: w.underlying_price,
          underlying_name: w.underlying_index ?? null,
          mark: w.mark_price,
          bid: w.best_bid_price,
          ask: w.best_ask_price,
          last: w.last_price,
          mark_iv: w.mark_iv,
          bid_iv: w.bid_iv,
          ask_iv: w.ask_iv,
          delta,
          gamma,
          vega,
          theta,
          rho,
          open_interest: w.open_interest,
          volume_24h: w.stats.volume,
        },
        time: w.timestamp,
      };
    },
  }),
};
