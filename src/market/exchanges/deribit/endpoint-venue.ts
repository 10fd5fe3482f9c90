import { z } from 'zod';
import { instruments } from '../shared/kinds/instruments.ts';
import { ownKind } from '../shared/kinds/series.ts';
import { iso, sum } from '../shared/kinds/statistics.ts';
import { trades as tradesKind } from '../shared/kinds/trades.ts';
import { endpoint } from '../shared/question.ts';
import { newest } from '../shared/readings.ts';
import { decimalOrNull, msTime, positiveOrNull } from '../shared/shapes.ts';
import { ask, DOCS, settledIn } from './endpoint-questions.ts';
import { indexWire, interestOf, resultOf, summaryWire, tradesWire } from './endpoint-shapes.ts';
import { parseDeribitInstruments } from './instruments.ts';
import { isCombo, namedFacts } from './wire.ts';
import { measure } from '../../domain/measure.ts';

/** What Deribit tells of itself and of a coin as a whole. */

type OfCoin = { readonly currency: string };
type InstrumentKind = 'future' | 'option';

/** Both kinds come from one host; the market says whose list and limits apply. */
const marketOf = (kind: InstrumentKind) => (kind === 'option' ? ('options' as const) : ('futures' as const));

export const listed = (kind: InstrumentKind) => ({
  kind: instruments,
  endpoint: endpoint({
    market: marketOf(kind),
    docs: `${DOCS}/public-get_instruments`,
    request: ({ currency }: OfCoin) =>
      ask('get_instruments', { currency: settledIn(currency), kind, expired: 'false' }, 20),
    shape: resultOf(z.array(z.looseObject({ base_currency: z.string(), max_leverage: decimalOrNull }))),
    read: ({ result }, _facts, { currency }) => {
      const own = result.filter((w) => w.base_currency === currency);
      const list = parseDeribitInstruments(kind === 'option' ? 'options' : 'futures', JSON.stringify({ result: own }));
      return {
        value: list.map((i) => ({
          ...i,
          min_size: i.lot_size,
          expiry: i.expiry_time === undefined ? null : i.expiry_time / 1000,
        })),
        time: null,
      };
    },
  }),
});

const currenciesShape = z.object({
  count: measure.count,
  currencies: z.array(z.object({ currency: z.string(), name: z.string() })),
});

export const currencies = {
  kind: ownKind({
    name: 'currencies',
    about: 'Currencies that the venue knows, by code and name.',
    output: currenciesShape,
    summary: (data) => `${data.count} currencies.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/public-get_currencies`,
    request: () => ask('get_currencies', {}),
    shape: resultOf(z.array(z.looseObject({ currency: z.string(), currency_long: z.string() }))),
    read: ({ result }) => ({
      value: {
        count: result.length,
        currencies: result.map((c) => ({ currency: c.currency, name: c.currency_long })),
      },
      time: null,
    }),
  }),
};

const indexShape = z.object({
  index_name: z.string(),
  index: measure.price,
  estimated_delivery_price: measure.price.nullable(),
});

export const index = {
  kind: ownKind({
    name: 'index',
    about:
      'Index price of a coin, and the price at which its contracts would be delivered now, in dollars (USDC for coins not settled in themselves).',
    output: indexShape,
    summary: (data) => `${data.index_name} ${data.index}.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/public-get_index_price`,
    request: ({ currency }: OfCoin) => ask('get_index_price', { index_name: indexOf(currency) }),
    shape: resultOf(indexWire),
    read: ({ result }, _facts, { currency }) => ({
      value: {
        index_name: indexOf(currency),
        index: result.index_price,
        estimated_delivery_price: result.estimated_delivery_price,
      },
      time: null,
    }),
  }),
};

/** `btc_usd`, `sol_usdc`. */
function indexOf(currency: string): string {
  return `${currency}_${settledIn(currency) === currency ? 'usd' : 'usdc'}`.toLowerCase();
}

const namesShape = z.object({ count: measure.count, names: z.array(z.string()) });

export const indexNames = {
  kind: ownKind({
    name: 'index_names',
    about: 'Names of the price indices, as in btc_usd.',
    output: namesShape,
    summary: (data) => `${data.count} indices.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/public-get_index_price_names`,
    request: () => ask('get_index_price_names', {}),
    shape: resultOf(z.array(z.string())),
    read: ({ result }) => ({ value: { count: result.length, names: result }, time: null }),
  }),
};

const TOP = 20;
const bookRow = z.object({
  symbol: z.string(),
  venue_symbol: z.string(),
  mark: measure.price.nullable(),
  bid: measure.price.nullable(),
  ask: measure.price.nullable(),
  change_24h_pct: measure.percent.nullable(),
  volume_24h: measure.size.nullable(),
  volume_24h_usd: measure.usd.nullable(),
  open_interest: measure.size.nullable(),
  open_interest_usd: measure.usd.nullable(),
});
const booksShape = z.object({
  count: measure.count,
  open_interest_usd: measure.usd.nullable(),
  volume_24h_usd: measure.usd.nullable(),
  largest: z.array(bookRow),
});

export const bookSummary = (kind: InstrumentKind) => ({
  kind: ownKind({
    name: 'book_summary',
    about: `All futures or all options of a coin: how many, open interest and volume of 24 h in dollars (null where none is told), and the ${TOP} with the largest open interest, with mark and best prices in their quote, change in percent, volume and open interest in base units.`,
    output: booksShape,
    summary: (data) => `${data.count} instruments, open interest ${String(data.open_interest_usd)} USD.`,
  }),
  endpoint: endpoint({
    market: marketOf(kind),
    docs: `${DOCS}/public-get_book_summary_by_currency`,
    request: ({ currency }: OfCoin) => ask('get_book_summary_by_currency', { currency: settledIn(currency), kind }),
    shape: resultOf(z.array(summaryWire)),
    read: ({ result }, _facts, { currency }) => {
      const own = result.filter((w) => w.base_currency === currency && !isCombo(w.instrument_name));
      const rows = own.map((w) => ({
        symbol: namedFacts(w.instrument_name).symbol ?? w.instrument_name,
        venue_symbol: w.instrument_name,
        mark: w.mark_price,
        bid: w.bid_price,
        ask: w.ask_price,
        change_24h_pct: w.price_change,
        volume_24h: w.volume,
        volume_24h_usd: w.volume_usd,
        open_interest: interestOf(w).base,
        open_interest_usd: interestOf(w).usd,
      }));
      rows.sort((a, b) => (b.open_interest_usd ?? -1) - (a.open_interest_usd ?? -1));
      return {
        value: {
          count: rows.length,
          open_interest_usd: sum(rows.map((r) => r.open_interest_usd)),
          volume_24h_usd: sum(rows.map((r) => r.volume_24h_usd)),
          largest: rows.slice(0, TOP),
        },
        time: newest(own.map((w) => w.creation_timestamp)),
      };
    },
  }),
});

const settlementShape = z.object({
  count: measure.count,
  settlements: z.array(
    z.object({
      time: z.string().nullable(),
      type: z.string(),
      symbol: z.string().nullable(),
      index: measure.price.nullable(),
      mark: measure.price.nullable(),
      position: z.number().describe('As the venue counts it: USD of inverse contracts, else base units').nullable(),
      profit_loss: z.number().describe('In the settlement currency').nullable(),
      session_profit_loss: z.number().describe('In the settlement currency').nullable(),
    }),
  ),
});
const settlementWire = z.looseObject({
  type: z.string(),
  timestamp: msTime,
  instrument_name: z.string().optional(),
  index_price: positiveOrNull,
  mark_price: positiveOrNull,
  position: decimalOrNull,
  profit_loss: decimalOrNull,
  session_profit_loss: decimalOrNull,
});

export const settlements = {
  kind: ownKind({
    name: 'settlements',
    about:
      'The last settlements, deliveries and bankruptcies of a coin, newest first: index and mark price in their quote, position settled as the venue counts it, and profit and loss of all holders together, in the settlement currency.',
    output: settlementShape,
    summary: (data) => `${data.count} settlements, last ${data.settlements[0]?.symbol ?? 'none'}.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/public-get_last_settlements_by_currency`,
    request: ({ currency, count }: OfCoin & { readonly count: number }) =>
      ask('get_last_settlements_by_currency', { currency: settledIn(currency), count }),
    shape: resultOf(z.looseObject({ settlements: z.array(settlementWire) })),
    read: ({ result }) => ({
      value: {
        count: result.settlements.length,
        settlements: [...result.settlements]
          .sort((a, b) => b.timestamp - a.timestamp)
          .map((s) => ({
            time: iso(s.timestamp),
            type: s.type,
            symbol: s.instrument_name === undefined ? null : (namedFacts(s.instrument_name).symbol ?? null),
            index: s.index_price,
            mark: s.mark_price,
            position: s.position,
            profit_loss: s.profit_loss,
            session_profit_loss: s.session_profit_loss,
          })),
      },
      time: newest(result.settlements.map((s) => s.timestamp)),
    }),
  }),
};

const groupShape = z.object({
  symbol: z.string(),
  trades: measure.count,
  buys: measure.count,
  sells: measure.count,
  size: measure.size,
  last_price: measure.price.nullable(),
});
const coinTradesShape = z.object({
  count: measure.count,
  from: z.string().nullable(),
  to: z.string().nullable(),
  instruments: z.array(groupShape),
});

/** Trades of all of a coin's instruments, which have no price in common: told one by one. */
export const coinTrades = (kind: InstrumentKind) => ({
  kind: ownKind({
    name: tradesKind.name,
    about:
      'The last trades of all futures or options of a coin, by instrument, the most traded first: number of trades, bought and sold by the taker, size in base units, last price in the instrument’s quote.',
    output: coinTradesShape,
    summary: (data) => `${data.count} trades in ${data.instruments.length} instruments.`,
  }),
  endpoint: endpoint({
    market: marketOf(kind),
    docs: `${DOCS}/public-get_last_trades_by_currency`,
    request: ({ currency, count }: OfCoin & { readonly count: number }) =>
      ask('get_last_trades_by_currency', { currency: settledIn(currency), kind, count, sorting: 'desc' }),
    shape: resultOf(tradesWire),
    read: ({ result: { trades } }) => {
      const times = trades.map((t) => t.timestamp);
      const names = [...new Set(trades.map((t) => t.instrument_name))];
      const groups = names.map((name) => {
        const own = trades.filter((t) => t.instrument_name === name);
        const size = own.map((t) => (namedFacts(name).inverse ? t.amount / t.price : t.amount));
        const last = own.reduce((a, b) => (b.timestamp > a.timestamp ? b : a));
        return {
          symbol: namedFacts(name).symbol ?? name,
          trades: own.length,
          buys: own.filter((t) => t.direction === 'buy').length,
          sells: own.filter((t) => t.direction === 'sell').length,
          size: size.reduce((total, s) => total + s, 0),
          last_price: last.price,
        };
      });
      groups.sort((a, b) => b.trades - a.trades);
      return {
        value: {
          count: trades.length,
          from: times.length === 0 ? null : iso(Math.min(...times)),
          to: iso(newest(times)),
          instruments: groups,
        },
        time: newest(times),
      };
    },
  }),
});
