import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import { viewName, type Stream } from '../../domain/records.ts';
import type { LiveRow } from '../endpoint.ts';
import type { BookReading } from './kinds/book.ts';
import type { Interest, Mark } from './kinds/derivatives.ts';
import type { Ticker } from './kinds/ticker.ts';
import type { TradesReading } from './kinds/trades.ts';
import type { LiveReader } from './question.ts';

/** How the collected streams answer what the endpoints of every venue answer. */

export const liveBook: LiveReader<{ readonly depth: number }, BookReading> = (live, { depth }, instrument) => {
  const book = live.book(instrument, depth);
  return Promise.resolve(
    book === undefined
      ? undefined
      : {
          value: { symbol: instrument.symbol, bids: book.bids, asks: book.asks, seq: book.seq },
          time: book.time,
          via: 'live',
          path: `book of ${tableOf(instrument, 'orderbooks')}`,
        },
  );
};

export const liveTrades: LiveReader<{ readonly limit: number }, TradesReading> = async (
  live,
  { limit },
  instrument,
) => {
  const rows = await live.recent(instrument, 'trades', limit);
  const last = rows?.at(-1);
  if (rows === undefined || last === undefined) return undefined;
  return {
    value: {
      symbol: instrument.symbol,
      trades: rows.map((row) => ({
        id: String(row['trade_id']),
        time: msOf(row),
        price: Number(row['price']),
        size: Number(row['quantity']),
        side: row['side'] === 'buy' ? 'buy' : 'sell',
      })),
    },
    time: msOf(last),
    via: 'live',
    path: tableOf(instrument, 'trades'),
  };
};

/** Needs the 24 h ticker and the best prices; mark, funding and open interest join where they are live too. */
export const liveTicker: LiveReader<unknown, Ticker> = async (live, _args, instrument) => {
  const [day, best] = await Promise.all([live.newest(instrument, 'ticker_24h'), live.newest(instrument, 'prices')]);
  if (day === undefined || best === undefined) return undefined;
  const perpetual = instrument.market === 'futures';
  const [mark, funding, interest] = perpetual
    ? await Promise.all([
        live.newest(instrument, 'mark_prices'),
        live.newest(instrument, 'funding_rates'),
        live.newest(instrument, 'open_interest'),
      ])
    : [];
  const time = Math.max(msOf(day), msOf(best));
  return {
    value: {
      symbol: instrument.symbol,
      venue_symbol: instrument.venue_symbol,
      quote: instrument.quote,
      last: valueOf(day, 'last_price') ?? valueOf(best, 'last_price'),
      bid: valueOf(best, 'bid_price'),
      ask: valueOf(best, 'ask_price'),
      bid_size: valueOf(best, 'bid_qty'),
      ask_size: valueOf(best, 'ask_qty'),
      open_24h: valueOf(day, 'open_24h'),
      high_24h: valueOf(day, 'high_24h'),
      low_24h: valueOf(day, 'low_24h'),
      change_24h_pct: valueOf(day, 'price_change_pct'),
      volume_24h: valueOf(day, 'volume_24h'),
      quote_volume_24h: valueOf(day, 'quote_volume_24h'),
      vwap_24h: valueOf(day, 'vwap_24h'),
      trades_24h: valueOf(day, 'trade_count_24h'),
      mark: valueOf(mark, 'mark_price'),
      index: valueOf(mark, 'index_price'),
      funding_rate: valueOf(funding, 'funding_rate') ?? valueOf(mark, 'funding_rate'),
      funding_interval_hours: intervalOf(instrument, funding ?? mark),
      next_funding_time: timeOf(funding, 'next_funding_time'),
      open_interest: valueOf(interest, 'open_interest'),
      open_interest_quote: valueOf(interest, 'open_interest_usd'),
      time,
    },
    time,
    via: 'live',
    path: `${tableOf(instrument, 'ticker_24h')}, ${tableOf(instrument, 'prices')}`,
  };
};

export const liveMark: LiveReader<unknown, readonly Mark[]> = async (live, _args, instrument) => {
  const [mark, funding] = await Promise.all([
    live.newest(instrument, 'mark_prices'),
    live.newest(instrument, 'funding_rates'),
  ]);
  if (mark === undefined) return undefined;
  const time = msOf(mark);
  return {
    value: [
      {
        symbol: instrument.symbol,
        mark: valueOf(mark, 'mark_price'),
        index: valueOf(mark, 'index_price'),
        funding_rate: valueOf(funding, 'funding_rate') ?? valueOf(mark, 'funding_rate'),
        funding_interval_hours: intervalOf(instrument, funding ?? mark),
        next_funding_time: timeOf(funding, 'next_funding_time'),
        time,
      },
    ],
    time,
    via: 'live',
    path: tableOf(instrument, 'mark_prices'),
  };
};

export const liveInterest: LiveReader<unknown, readonly Interest[]> = async (live, _args, instrument) => {
  const row = await live.newest(instrument, 'open_interest');
  if (row === undefined) return undefined;
  const time = msOf(row);
  return {
    value: [
      {
        symbol: instrument.symbol,
        open_interest: valueOf(row, 'open_interest'),
        open_interest_quote: valueOf(row, 'open_interest_usd'),
        quote: instrument.quote,
        time,
      },
    ],
    time,
    via: 'live',
    path: tableOf(instrument, 'open_interest'),
  };
};

export function tableOf(instrument: Instrument, stream: Stream): string {
  const { exchange, market, symbol } = instrument;
  return viewName({ exchange, market, symbol, stream });
}

/** Event time of a stored row, UTC ms. */
export function msOf(row: LiveRow): Ms {
  return Number(row['event_time']) / 1000;
}

function timeOf(row: LiveRow | undefined, column: string): Ms | null {
  const value = valueOf(row, column);
  return value === null ? null : value / 1000;
}

function valueOf(row: LiveRow | undefined, column: string): number | null {
  const value = row?.[column];
  if (value === null || value === undefined) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

function intervalOf(instrument: Instrument, row: LiveRow | undefined): number | null {
  return valueOf(row, 'funding_interval_hours') ?? instrument.funding_interval_hours;
}

/** For tickers of one or all: the one. */
export const liveTickers: LiveReader<unknown, readonly Ticker[]> = async (live, args, instrument) => {
  const known = await liveTicker(live, args, instrument);
  return known === undefined ? undefined : { ...known, value: [known.value] };
};
