import { z } from 'zod';
import type { Ms } from '../../../../kit/clock.ts';
import type { Kind } from '../../endpoint.ts';
import { markFields } from './derivatives.ts';
import { annualisedPct, changePct, groupBy, iso, per8h, spreadBps, sum } from './statistics.ts';
import { measure } from '../../../domain/measure.ts';

/** What a venue's ticker says of one instrument; null where it does not. Sizes and volumes in base units. */
export interface Ticker {
  readonly symbol: string;
  readonly venue_symbol: string;
  /** Currency that prices and quote volumes are in; null when the instrument is not listed. */
  readonly quote: string | null;
  readonly last: number | null;
  readonly bid?: number | null | undefined;
  readonly ask?: number | null | undefined;
  readonly bid_size?: number | null | undefined;
  readonly ask_size?: number | null | undefined;
  readonly open_24h?: number | null | undefined;
  readonly high_24h?: number | null | undefined;
  readonly low_24h?: number | null | undefined;
  /** Percent; computed from open and last when left out. */
  readonly change_24h_pct?: number | null | undefined;
  readonly volume_24h?: number | null | undefined;
  readonly quote_volume_24h?: number | null | undefined;
  readonly vwap_24h?: number | null | undefined;
  readonly trades_24h?: number | null | undefined;
  readonly mark?: number | null | undefined;
  readonly index?: number | null | undefined;
  /** Fraction per `funding_interval_hours`. */
  readonly funding_rate?: number | null | undefined;
  readonly funding_interval_hours?: number | null | undefined;
  readonly next_funding_time?: Ms | null | undefined;
  readonly open_interest?: number | null | undefined;
  readonly open_interest_quote?: number | null | undefined;
  readonly time?: Ms | null | undefined;
}

const text = z.string().nullable();

export const tickerShape = z.object({
  symbol: z.string(),
  venue_symbol: z.string(),
  quote: text,
  last: measure.price.nullable(),
  bid: measure.price.nullable(),
  ask: measure.price.nullable(),
  bid_size: measure.size.nullable(),
  ask_size: measure.size.nullable(),
  spread_bps: measure.basisPoints.nullable(),
  open_24h: measure.price.nullable(),
  high_24h: measure.price.nullable(),
  low_24h: measure.price.nullable(),
  change_24h_pct: measure.percent.nullable(),
  volume_24h: measure.size.nullable(),
  quote_volume_24h: measure.value.nullable(),
  vwap_24h: measure.price.nullable(),
  trades_24h: measure.count.nullable(),
  ...markFields,
  open_interest: measure.size.nullable(),
  open_interest_quote: measure.value.nullable(),
  time: text,
});
export type ShownTicker = z.infer<typeof tickerShape>;

/** Every field, null where the venue says nothing; what follows from others is computed. */
export function showTicker(t: Ticker): ShownTicker {
  const [rate, hours] = [t.funding_rate ?? null, t.funding_interval_hours ?? null];
  const [mark, index] = [t.mark ?? null, t.index ?? null];
  const volume = t.volume_24h ?? null;
  const quoteVolume = t.quote_volume_24h ?? null;
  return {
    symbol: t.symbol,
    venue_symbol: t.venue_symbol,
    quote: t.quote,
    last: t.last,
    bid: t.bid ?? null,
    ask: t.ask ?? null,
    bid_size: t.bid_size ?? null,
    ask_size: t.ask_size ?? null,
    spread_bps: spreadBps(t.bid, t.ask),
    open_24h: t.open_24h ?? null,
    high_24h: t.high_24h ?? null,
    low_24h: t.low_24h ?? null,
    change_24h_pct: t.change_24h_pct ?? changePct(t.open_24h, t.last),
    volume_24h: volume,
    quote_volume_24h: quoteVolume,
    vwap_24h: t.vwap_24h === undefined ? ratioOf(quoteVolume, volume) : t.vwap_24h,
    trades_24h: t.trades_24h ?? null,
    mark,
    index,
    premium_bps: mark === null || index === null || index === 0 ? null : (mark / index - 1) * 10_000,
    funding_rate: rate,
    funding_interval_hours: hours,
    funding_rate_8h: per8h(rate, hours),
    funding_annualised_pct: annualisedPct(rate, hours),
    next_funding_time: iso(t.next_funding_time),
    open_interest: t.open_interest ?? null,
    open_interest_quote: t.open_interest_quote ?? null,
    time: iso(t.time),
  };
}

function ratioOf(quoteVolume: number | null, volume: number | null): number | null {
  return volume === null || quoteVolume === null || volume === 0 ? null : quoteVolume / volume;
}

/** One instrument. */
export const ticker: Kind<Ticker, ShownTicker> = {
  name: 'ticker',
  about:
    'The 24 h statistics of one instrument: last price, best bid and ask, high, low, change in percent, volume in base units and in the quote currency and, for contracts, mark, index, premium in basis points, funding on its own interval (also per 8 h and a year) and open interest. What the venue does not say is null.',
  output: tickerShape,
  derive: showTicker,
  summary: (t) =>
    `${t.symbol} ${String(t.last)}${t.change_24h_pct === null ? '' : `, ${t.change_24h_pct.toFixed(2)} % in 24 h`}.`,
};

const SHOWN = 50;

/** One instrument or all; the busiest 50 are shown. */
export const tickers: Kind<readonly Ticker[], z.infer<typeof tickersShape>> = {
  name: 'tickers',
  about:
    'The 24 h statistics of one instrument, or of all (the 50 with the largest volume in their quote currency are listed, counts are of all): last price, high, low, change in percent, volume in base units and in the quote currency; bid, ask, funding and open interest where the venue says them.',
  get output() {
    return tickersShape;
  },
  derive: (value) => {
    const shown = value.map(showTicker);
    return {
      count: shown.length,
      quote_volume_24h: byQuote(shown),
      tickers: shown.sort((a, b) => (b.quote_volume_24h ?? -1) - (a.quote_volume_24h ?? -1)).slice(0, SHOWN),
    };
  },
  summary: (data) => `${data.count} instrument(s), ${data.tickers.length} shown.`,
};

const volumesShape = z.array(
  z.object({ quote: z.string(), instruments: measure.count, quote_volume_24h: measure.value.nullable() }),
);
const tickersShape = z.object({ count: measure.count, quote_volume_24h: volumesShape, tickers: z.array(tickerShape) });

/** Sums by quote currency: volumes of different currencies are never added. */
function byQuote(shown: readonly ShownTicker[]): z.infer<typeof volumesShape> {
  const groups = groupBy(shown, (t) => t.quote ?? 'unknown');
  return [...groups]
    .map(([quote, own]) => ({
      quote,
      instruments: own.length,
      quote_volume_24h: sum(own.map((t) => t.quote_volume_24h)),
    }))
    .sort((a, b) => b.instruments - a.instruments)
    .slice(0, 20);
}

const moverShape = z.object({
  symbol: z.string(),
  quote: text,
  last: measure.price.nullable(),
  change_24h_pct: measure.percent.nullable(),
  quote_volume_24h: measure.value.nullable(),
  open_interest_quote: measure.value.nullable(),
  funding_rate: measure.fundingRate.nullable(),
  funding_interval_hours: measure.hours.nullable(),
  funding_annualised_pct: measure.percentYear.nullable(),
});
const moversShape = z.object({
  count: measure.count,
  quotes: volumesShape,
  rising: measure.count,
  falling: measure.count,
  gainers: z.array(moverShape),
  losers: z.array(moverShape),
  by_volume: z.array(moverShape),
  by_open_interest: z.array(moverShape),
  by_funding: z.array(moverShape),
});

/** A market at a glance. `quote` limits it to instruments of one currency, `limit` is entries a list. */
export const movers: Kind<
  { readonly tickers: readonly Ticker[]; readonly limit: number; readonly quote?: string | undefined },
  z.infer<typeof moversShape>
> = {
  name: 'movers',
  about:
    'A whole market at a glance: the largest gainers and losers over 24 h in percent, the largest volumes and open interest in the quote currency, and the most extreme funding a year on each contract’s own interval. Volumes of different currencies are ranked apart.',
  output: moversShape,
  derive: ({ tickers: all, limit, quote }) => {
    const shown = all.map(showTicker);
    const quotes = byQuote(shown);
    const main = quote ?? quotes[0]?.quote;
    const own = shown.filter((t) => main === undefined || (t.quote ?? 'unknown') === main);
    const top = (value: (t: ShownTicker) => number | null, sign = 1): z.infer<typeof moverShape>[] =>
      own
        .flatMap((t) => {
          const v = value(t);
          return v === null ? [] : [{ t, v: v * sign }];
        })
        .sort((a, b) => b.v - a.v)
        .slice(0, limit)
        .map(({ t }) => moverShape.parse(t));
    return {
      count: own.length,
      quotes,
      rising: own.filter((t) => (t.change_24h_pct ?? 0) > 0).length,
      falling: own.filter((t) => (t.change_24h_pct ?? 0) < 0).length,
      gainers: top((t) => t.change_24h_pct),
      losers: top((t) => t.change_24h_pct, -1),
      by_volume: top((t) => t.quote_volume_24h),
      by_open_interest: top((t) => t.open_interest_quote),
      by_funding: top((t) => (t.funding_annualised_pct === null ? null : Math.abs(t.funding_annualised_pct))),
    };
  },
  summary: (data) =>
    `${data.count} instruments, ${data.rising} rising, ${data.falling} falling; first ${data.gainers[0]?.symbol ?? 'none'}, last ${data.losers[0]?.symbol ?? 'none'}.`,
};

const priceShape = z.object({ symbol: z.string(), price: measure.price, time: text });
const pricesShape = z.object({ count: measure.count, prices: z.array(priceShape) });
const MOST_PRICES = 1000;

/** Last prices. */
export const prices: Kind<
  readonly { readonly symbol: string; readonly price: number; readonly time: Ms | null }[],
  z.infer<typeof pricesShape>
> = {
  name: 'prices',
  about: 'Last traded price of one instrument, or of all (at most 1,000 are listed), in the quote currency.',
  output: pricesShape,
  derive: (value) => ({
    count: value.length,
    prices: value.slice(0, MOST_PRICES).map((p) => ({ symbol: p.symbol, price: p.price, time: iso(p.time) })),
  }),
  summary: (data) =>
    data.prices.length === 1
      ? `${data.prices[0]?.symbol ?? ''} ${data.prices[0]?.price ?? ''}.`
      : `${data.count} prices.`,
};

const quoteShape = z.object({
  symbol: z.string(),
  bid: measure.price.nullable(),
  bid_size: measure.size.nullable(),
  ask: measure.price.nullable(),
  ask_size: measure.size.nullable(),
  mid: measure.price.nullable(),
  spread_bps: measure.basisPoints.nullable(),
  time: text,
});
const quotesShape = z.object({ count: measure.count, quotes: z.array(quoteShape) });
const MOST_QUOTES = 300;

/** Best bid and ask, sizes in base units. */
export const quotes: Kind<
  readonly Pick<Ticker, 'symbol' | 'bid' | 'ask' | 'bid_size' | 'ask_size' | 'time'>[],
  z.infer<typeof quotesShape>
> = {
  name: 'quotes',
  about:
    'Best bid and ask with sizes in base units, middle and spread in basis points, of one instrument or of all (at most 300 are listed).',
  output: quotesShape,
  derive: (value) => ({
    count: value.length,
    quotes: value.slice(0, MOST_QUOTES).map((q) => {
      const [bid, ask] = [q.bid ?? null, q.ask ?? null];
      return {
        symbol: q.symbol,
        bid,
        bid_size: q.bid_size ?? null,
        ask,
        ask_size: q.ask_size ?? null,
        mid: bid === null || ask === null ? null : (bid + ask) / 2,
        spread_bps: spreadBps(bid, ask),
        time: iso(q.time),
      };
    }),
  }),
  summary: (data) =>
    data.quotes.length === 1
      ? `${String(data.quotes[0]?.bid)} / ${String(data.quotes[0]?.ask)}.`
      : `${data.count} quotes.`,
};
