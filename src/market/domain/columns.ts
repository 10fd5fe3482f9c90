import type { OrderBookRecord, PriceLevel, StoredRecord, Stream } from './records.ts';

/** `timestamp` and `bigint` values are integers; timestamps are UTC µs. */
export type ColumnType = 'double' | 'bigint' | 'integer' | 'varchar' | 'boolean' | 'timestamp';

/** One column of a stream's table, beside the keys that every table has. */
export interface ColumnSpec {
  readonly name: string;
  readonly type: ColumnType;
  /** `quote`, `base`, `usd`, `percent`, `bps`, `fraction`, `ratio`, `count`, `hours`, `s`, `µs` or '' where there is none. */
  readonly unit: string;
  /** False: never null. */
  readonly nullable: boolean;
  /** Computed here from the other columns; nothing that the venue said. */
  readonly derived: boolean;
}

export type ColumnValue = number | string | boolean | null;

/** Position value above which a liquidation counts as large, USD. */
export const LARGE_LIQUIDATION_USD = 100_000;

/** Levels a side in an `orderbooks` row. */
export const BOOK_LEVELS = 10;

function column(name: string, type: ColumnType, unit: string, flags = ''): ColumnSpec {
  return { name, type, unit, nullable: !flags.includes('!'), derived: flags.includes('d') };
}

function bookColumns(): ColumnSpec[] {
  const columns: ColumnSpec[] = [];
  for (const side of ['bid', 'ask']) {
    for (const [what, unit] of [
      ['price', 'quote'],
      ['qty', 'base'],
    ] as const) {
      for (let level = 1; level <= BOOK_LEVELS; level++)
        columns.push(column(`${side}_${level}_${what}`, 'double', unit));
    }
  }
  return columns;
}

/**
 * The columns of each stream in table order. Keys (`exchange`, `market`, `symbol`, `event_time`, `recv_time`, `seq`,
 * `origin`) are the store's and not repeated here. `candles` is keyed by `interval` and `open_time`.
 */
export const COLUMNS: Readonly<Record<Stream, readonly ColumnSpec[]>> = {
  prices: [
    // Not marked derived: it is what an oracle says, and tells two of its prices apart.
    column('mid_price', 'double', 'quote'),
    column('bid_price', 'double', 'quote'),
    column('ask_price', 'double', 'quote'),
    column('spread', 'double', 'quote', 'd'),
    column('spread_bps', 'double', 'bps', 'd'),
    column('bid_qty', 'double', 'base'),
    column('ask_qty', 'double', 'base'),
    column('last_price', 'double', 'quote'),
    column('confidence', 'double', 'quote'),
  ],
  orderbooks: [
    ...bookColumns(),
    column('total_bid_depth', 'double', 'base', '!'),
    column('total_ask_depth', 'double', 'base', '!'),
    column('bid_ask_ratio', 'double', 'ratio', 'd'),
    column('spread', 'double', 'quote', 'd'),
    column('spread_pct', 'double', 'percent', 'd'),
    column('mid_price', 'double', 'quote', 'd'),
  ],
  trades: [
    column('trade_id', 'varchar', '', '!'),
    column('price', 'double', 'quote', '!'),
    column('quantity', 'double', 'base', '!'),
    column('quote_value', 'double', 'quote', '!d'),
    column('side', 'varchar', '', '!'),
    column('is_buyer_maker', 'boolean', '', '!d'),
  ],
  mark_prices: [
    column('mark_price', 'double', 'quote', '!'),
    column('index_price', 'double', 'quote'),
    column('basis', 'double', 'quote', 'd'),
    column('basis_pct', 'double', 'percent', 'd'),
    column('funding_rate', 'double', 'fraction'),
    column('annualized_rate', 'double', 'percent', 'd'),
    column('funding_interval_hours', 'double', 'hours'),
  ],
  funding_rates: [
    column('funding_rate', 'double', 'fraction', '!'),
    column('funding_pct', 'double', 'percent', '!d'),
    column('annualized_pct', 'double', 'percent', 'd'),
    column('next_funding_time', 'timestamp', 'µs'),
    column('countdown_secs', 'integer', 's', 'd'),
    column('funding_interval_hours', 'double', 'hours'),
  ],
  open_interest: [
    column('open_interest', 'double', 'base', '!'),
    column('open_interest_usd', 'double', 'quote'),
    column('oi_change_1h', 'double', 'base', 'd'),
    column('oi_change_pct_1h', 'double', 'percent', 'd'),
  ],
  ticker_24h: [
    column('volume_24h', 'double', 'base'),
    column('quote_volume_24h', 'double', 'quote'),
    column('trade_count_24h', 'bigint', 'count'),
    column('high_24h', 'double', 'quote'),
    column('low_24h', 'double', 'quote'),
    column('open_24h', 'double', 'quote'),
    column('last_price', 'double', 'quote'),
    column('price_change', 'double', 'quote'),
    column('price_change_pct', 'double', 'percent'),
    column('vwap_24h', 'double', 'quote'),
  ],
  candles: [
    column('open_time', 'timestamp', 'µs', '!'),
    column('close_time', 'timestamp', 'µs', '!'),
    column('interval', 'varchar', '', '!'),
    column('open', 'double', 'quote', '!'),
    column('high', 'double', 'quote', '!'),
    column('low', 'double', 'quote', '!'),
    column('close', 'double', 'quote', '!'),
    column('volume', 'double', 'base', '!'),
    column('quote_volume', 'double', 'quote'),
    column('trade_count', 'bigint', 'count'),
    column('taker_buy_volume', 'double', 'base'),
    column('taker_buy_quote', 'double', 'quote'),
    column('taker_buy_pct', 'double', 'percent', 'd'),
    column('closed', 'boolean', '', '!'),
  ],
  liquidations: [
    column('side', 'varchar', '', '!'),
    column('price', 'double', 'quote', '!'),
    column('quantity', 'double', 'base', '!'),
    column('value_usd', 'double', 'quote', '!d'),
    column('is_large', 'boolean', '', '!d'),
  ],
  option_summaries: [
    column('option_type', 'varchar', '', '!'),
    column('strike_price', 'double', 'usd', '!'),
    column('expiry_time', 'timestamp', 'µs', '!'),
    column('underlying_price', 'double', 'usd'),
    column('underlying', 'varchar', ''),
    column('mark_price', 'double', 'quote'),
    column('mark_iv', 'double', 'percent'),
    column('bid_price', 'double', 'quote'),
    column('bid_qty', 'double', 'base'),
    column('bid_iv', 'double', 'percent'),
    column('ask_price', 'double', 'quote'),
    column('ask_qty', 'double', 'base'),
    column('ask_iv', 'double', 'percent'),
    column('last_price', 'double', 'quote'),
    column('open_interest', 'double', 'base'),
    column('delta', 'double', 'ratio'),
    column('gamma', 'double', 'ratio'),
    column('vega', 'double', 'ratio'),
    column('theta', 'double', 'ratio'),
    column('rho', 'double', 'ratio'),
  ],
};

/**
 * The values of a record's columns, in the order of `COLUMNS[record.stream]`. Nothing is guessed: a derived value whose
 * inputs are not known is null. `oi_change_1h` needs history and is null here; the store computes it.
 */
export function rowOf(record: StoredRecord): ColumnValue[] {
  switch (record.stream) {
    case 'prices': {
      const { bid_price: bid, ask_price: ask } = record;
      const mid = record.mid_price ?? midOf(bid, ask);
      const spread = spreadOf(bid, ask);
      // Of a middle that is below 0, as between two contracts, no part can be told.
      const bps = scaled(spread, mid !== null && mid > 0 ? mid : null, 1e4);
      return [mid, bid, ask, spread, bps, record.bid_qty, record.ask_qty, record.last_price, record.confidence ?? null];
    }
    case 'orderbooks':
      return bookRow(record);
    case 'trades': {
      const { price, quantity, side } = record;
      return [record.trade_id, price, quantity, price * quantity, side, side === 'sell'];
    }
    case 'mark_prices': {
      const { mark_price: mark, index_price: index, funding_rate: rate, funding_interval_hours: hours } = record;
      const basis = index === null ? null : mark - index;
      return [mark, index, basis, scaled(basis, index, 100), rate, annualPercent(rate, hours), hours];
    }
    case 'funding_rates': {
      const { funding_rate: rate, funding_interval_hours: hours, next_funding_time: next } = record;
      const countdown = next === null ? null : Math.max(0, Math.floor((next - record.event_time) / 1e6));
      return [rate, rate * 100, annualPercent(rate, hours), next, countdown, hours];
    }
    case 'open_interest':
      return [record.open_interest, record.open_interest_usd, null, null];
    case 'ticker_24h':
      return [
        record.volume_24h,
        record.quote_volume_24h,
        record.trade_count_24h,
        record.high_24h,
        record.low_24h,
        record.open_24h,
        record.last_price,
        record.price_change,
        record.price_change_pct,
        record.vwap_24h,
      ];
    case 'candles':
      return [
        record.open_time,
        record.close_time,
        record.interval,
        record.open,
        record.high,
        record.low,
        record.close,
        record.volume,
        record.quote_volume,
        record.trade_count,
        record.taker_buy_volume,
        record.taker_buy_quote,
        scaled(record.taker_buy_volume, record.volume, 100),
        record.closed,
      ];
    case 'liquidations': {
      const value = record.price * record.quantity;
      const isLarge = Number.isNaN(value) ? null : value > LARGE_LIQUIDATION_USD;
      return [record.side, record.price, record.quantity, value, isLarge];
    }
    case 'option_summaries':
      return [
        record.option_type,
        record.strike_price,
        record.expiry_time,
        record.underlying_price,
        record.underlying,
        record.mark_price,
        record.mark_iv,
        record.bid_price,
        record.bid_qty,
        record.bid_iv,
        record.ask_price,
        record.ask_qty,
        record.ask_iv,
        record.last_price,
        record.open_interest,
        record.delta,
        record.gamma,
        record.vega,
        record.theta,
        record.rho,
      ];
  }
}

/** The same values by column name. */
export function columnsOf(record: StoredRecord): Record<string, ColumnValue> {
  const row = rowOf(record);
  const values: Record<string, ColumnValue> = {};
  COLUMNS[record.stream].forEach((spec, index) => {
    values[spec.name] = row[index] ?? null;
  });
  return values;
}

/**
 * A rate per interval as percent a year, simple: rate × (24 ÷ hours) × 365 × 100. Null when either is unknown.
 * Worked example: 0.0001 every 4 h is 0.0001 × 6 × 365 × 100 = 21.9 %.
 */
export function annualPercent(rate: number | null, intervalHours: number | null): number | null {
  if (rate === null || intervalHours === null || !(intervalHours > 0)) return null;
  return rate * (24 / intervalHours) * 365 * 100;
}

function bookRow(record: OrderBookRecord): ColumnValue[] {
  const { bids, asks, total_bid_depth: bidDepth, total_ask_depth: askDepth } = record;
  const row: ColumnValue[] = [];
  pushLevels(row, bids);
  pushLevels(row, asks);
  const bid = known(bids[0]?.[0]);
  const ask = known(asks[0]?.[0]);
  const spread = spreadOf(bid, ask);
  const mid = midOf(bid, ask);
  row.push(bidDepth, askDepth, scaled(bidDepth, askDepth, 1), spread, scaled(spread, mid, 100), mid);
  return row;
}

function pushLevels(row: ColumnValue[], levels: readonly PriceLevel[]): void {
  for (let i = 0; i < BOOK_LEVELS; i++) row.push(known(levels[i]?.[0]));
  for (let i = 0; i < BOOK_LEVELS; i++) row.push(known(levels[i]?.[1]));
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

function midOf(bid: number | null, ask: number | null): number | null {
  return bid === null || ask === null ? null : (bid + ask) / 2;
}

function spreadOf(bid: number | null, ask: number | null): number | null {
  return bid === null || ask === null ? null : ask - bid;
}

function scaled(part: number | null, whole: number | null, factor: number): number | null {
  return part === null || whole === null || whole === 0 ? null : (part / whole) * factor;
}
