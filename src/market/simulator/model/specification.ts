import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import { hash, keyOf } from './random.ts';

/** How one symbol behaves on all venues. Prices in quote units (USDT). */
export interface SymbolSpecification {
  readonly symbol: string;
  readonly base: string;
  /** Price about which the path moves. */
  readonly price: number;
  /** Standard deviation of the daily log return. */
  readonly dailyVolatility: number;
  /** Share of the common factor: log return = beta × factor + own. */
  readonly beta: number;
  /** Average trades per second on the most active market. */
  readonly tradesPerSecond: number;
  /** Median value of a trade, quote units. */
  readonly medianTradeValue: number;
  /** Open interest on the largest venue, quote units. */
  readonly openInterestValue: number;
  readonly fundingIntervalHours: number;
  /** Usual spread, basis points (never less than one tick). */
  readonly spreadBps: number;
}

/** A symbol as one venue's market lists it. Prices are `ticks × tickUnits ÷ priceScale`, sizes `lots × lotUnits ÷ quantityScale`. */
export interface SeriesSpecification extends SymbolSpecification {
  readonly exchange: string;
  readonly market: Market;
  readonly tickUnits: number;
  readonly priceScale: number;
  readonly lotUnits: number;
  readonly quantityScale: number;
  readonly tickSize: number;
  readonly lotSize: number;
  /** Decimals of mark and index prices on this venue's wire. */
  readonly markDecimals: number;
  /** This market's part of the symbol's activity. */
  readonly activity: number;
}

const SYMBOLS: readonly SymbolSpecification[] = [
  row('BTCUSDT', 95_000, 0.024, 1, 8, 900, 8e9, 8, 0.01),
  row('ETHUSDT', 3300, 0.032, 1.15, 5, 700, 5e9, 8, 0.03),
  row('SOLUSDT', 180, 0.042, 1.3, 3, 450, 1.6e9, 8, 0.5),
  row('XRPUSDT', 2.2, 0.04, 1.1, 2.4, 350, 9e8, 8, 0.5),
  row('ARUSDT', 9, 0.05, 1.2, 0.8, 180, 5e7, 8, 1.2),
  row('BRETTUSDT', 0.052, 0.07, 1.4, 0.7, 90, 2e7, 4, 2),
  row('POPCATUSDT', 0.36, 0.07, 1.4, 0.7, 90, 3e7, 4, 2.5),
  row('WIFUSDT', 1.1, 0.065, 1.4, 1, 120, 9e7, 4, 1.2),
  row('PNUTUSDT', 0.27, 0.07, 1.4, 0.8, 100, 5e7, 4, 1.5),
];

type Steps = readonly [tick: string, lot: string];

/** Tick and lot a market. */
const STEPS: Readonly<Record<string, Readonly<Record<string, Steps>>>> = {
  binance_futures: {
    BTCUSDT: ['0.10', '0.001'],
    ETHUSDT: ['0.01', '0.001'],
    SOLUSDT: ['0.0100', '0.01'],
    XRPUSDT: ['0.0001', '0.1'],
    ARUSDT: ['0.001', '0.1'],
    BRETTUSDT: ['0.0000100', '1'],
    POPCATUSDT: ['0.0001000', '1'],
    WIFUSDT: ['0.0001000', '0.1'],
    PNUTUSDT: ['0.0000100', '1'],
  },
  binance_spot: {
    BTCUSDT: ['0.01000000', '0.00001'],
    ETHUSDT: ['0.01000000', '0.0001'],
    SOLUSDT: ['0.01000000', '0.001'],
    XRPUSDT: ['0.00010000', '0.1'],
    ARUSDT: ['0.00100000', '0.01'],
    WIFUSDT: ['0.00010000', '0.01'],
    PNUTUSDT: ['0.00010000', '0.1'],
  },
  bybit_futures: {
    BTCUSDT: ['0.10', '0.001'],
    ETHUSDT: ['0.01', '0.01'],
    SOLUSDT: ['0.010', '0.1'],
    XRPUSDT: ['0.0001', '0.1'],
    ARUSDT: ['0.001', '0.1'],
    BRETTUSDT: ['0.00001', '1'],
    POPCATUSDT: ['0.0001', '1'],
    WIFUSDT: ['0.0001', '1'],
    PNUTUSDT: ['0.00001', '1'],
  },
  bybit_spot: {
    BTCUSDT: ['0.1', '0.000001'],
    ETHUSDT: ['0.01', '0.00001'],
    SOLUSDT: ['0.01', '0.001'],
    XRPUSDT: ['0.0001', '0.01'],
    ARUSDT: ['0.001', '0.01'],
    BRETTUSDT: ['0.00001', '0.1'],
    POPCATUSDT: ['0.0001', '0.01'],
    WIFUSDT: ['0.0001', '0.01'],
    PNUTUSDT: ['0.0001', '0.1'],
  },
};

const ACTIVITY: Readonly<Record<string, number>> = {
  binance_futures: 1,
  binance_spot: 0.7,
  bybit_futures: 0.8,
  bybit_spot: 0.4,
};

/** Not listed on a market although the symbol exists elsewhere. */
const NOT_LISTED: Readonly<Record<string, readonly string[]>> = { binance_spot: ['BRETTUSDT', 'POPCATUSDT'] };

/** The four markets that the simulator speaks for. */
export const SIMULATED_MARKETS = [
  { exchange: 'binance', market: 'futures' },
  { exchange: 'binance', market: 'spot' },
  { exchange: 'bybit', market: 'futures' },
  { exchange: 'bybit', market: 'spot' },
] as const satisfies readonly { readonly exchange: string; readonly market: Market }[];

/**
 * The symbols as a market lists them; those it does not list are left out. A symbol that is not among the known ones
 * gets a made-up character from its name, so that tests can ask for any number of symbols.
 */
export function seriesOf(exchange: string, market: Market, symbols: readonly string[]): readonly SeriesSpecification[] {
  const key = `${exchange}_${market}`;
  return symbols
    .filter((symbol) => NOT_LISTED[key]?.includes(symbol) !== true)
    .map((symbol) => {
      const known = SYMBOLS.find((s) => s.symbol === symbol) ?? invented(symbol);
      const [tick, lot] = STEPS[key]?.[symbol] ?? inventedSteps(known.price);
      const price = scaled(tick);
      const quantity = scaled(lot);
      return {
        ...known,
        exchange,
        market,
        tickUnits: price.units,
        priceScale: price.scale,
        lotUnits: quantity.units,
        quantityScale: quantity.scale,
        tickSize: Number(tick),
        lotSize: Number(lot),
        markDecimals: exchange === 'binance' ? 8 : decimalsOf(Number(tick)),
        activity: ACTIVITY[key] ?? 0.5,
      };
    });
}

/** The instrument that an adapter should read from the list that the simulator serves. */
export function instrumentOf(series: SeriesSpecification): Instrument {
  return {
    exchange: series.exchange,
    market: series.market,
    symbol: series.symbol,
    venue_symbol: series.symbol,
    base: series.base,
    quote: 'USDT',
    kind: series.market === 'spot' ? 'spot' : 'perpetual',
    status: 'trading',
    tick_size: series.tickSize,
    lot_size: series.lotSize,
    contract_size: 1,
    inverse: false,
    funding_interval_hours: series.market === 'spot' ? null : series.fundingIntervalHours,
  };
}

/** Decimals needed to write a multiple of `step`. */
export function decimalsOf(step: number): number {
  const text = step.toFixed(10).replace(/0+$/, '');
  return text.length - text.indexOf('.') - 1;
}

/** A step as whole units over a power of ten, so that multiples divide to the exact decimal. */
function scaled(step: string): { readonly units: number; readonly scale: number } {
  const scale = 10 ** decimalsOf(Number(step));
  return { units: Math.round(Number(step) * scale), scale };
}

function row(
  symbol: string,
  price: number,
  dailyVolatility: number,
  beta: number,
  tradesPerSecond: number,
  medianTradeValue: number,
  openInterestValue: number,
  fundingIntervalHours: number,
  spreadBps: number,
): SymbolSpecification {
  return {
    symbol,
    base: symbol.replace(/USDT$/, ''),
    price,
    dailyVolatility,
    beta,
    tradesPerSecond,
    medianTradeValue,
    openInterestValue,
    fundingIntervalHours,
    spreadBps,
  };
}

function invented(symbol: string): SymbolSpecification {
  const h = hash(keyOf(0, symbol), 0, 0);
  const price = 10 ** (((h & 255) / 255) * 4 - 2);
  return row(symbol, price, 0.04 + ((h >>> 8) & 15) / 400, 1.2, 0.6 + ((h >>> 12) & 7) / 8, 120, 4e7, 8, 1.5);
}

function inventedSteps(price: number): Steps {
  const tick = 10 ** Math.floor(Math.log10(price) - 3.5);
  const lot = 10 ** Math.max(-5, Math.min(0, -Math.floor(Math.log10(price))));
  return [tick.toFixed(10), lot.toFixed(10)];
}
