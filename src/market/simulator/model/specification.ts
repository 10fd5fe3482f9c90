import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedListing, SimulatedListingTime, VenueSimulator } from '../../exchanges/simulator-contract.ts';
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
  /** What is listed; its own symbol may differ from the one whose path it follows. */
  readonly instrument: Instrument;
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
  /** Of a contract on the symbol. */
  readonly worth: SimulatedListing['worth'];
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

/** How a symbol behaves; one that is not among the known ones gets a made-up character from its name. */
export function symbolSpecification(symbol: string): SymbolSpecification {
  return SYMBOLS.find((s) => s.symbol === symbol) ?? invented(symbol);
}

/**
 * The symbols as a market lists them; those it does not list are left out. Tests may ask for any number of symbols.
 */
export function seriesOf(
  venue: VenueSimulator,
  symbols: readonly SymbolSpecification[],
  timeOf: (symbol: string) => SimulatedListingTime,
): readonly SeriesSpecification[] {
  const taken = new Set<string>();
  return symbols.flatMap((known) => {
    return venue.listings(known.symbol, known.price, timeOf(known.symbol)).flatMap((listing) => {
      const price = scaled(listing.tick);
      const quantity = scaled(listing.lot);
      const instrument = instrumentOf(venue, known, listing);
      // BTCUSD may be asked for beside the BTCUSDT that this market lists under that name.
      if (taken.has(instrument.symbol)) return [];
      taken.add(instrument.symbol);
      return {
        ...known,
        ...listing.character,
        fundingIntervalHours: instrument.funding_interval_hours ?? known.fundingIntervalHours,
        instrument,
        exchange: venue.exchange,
        market: venue.market,
        tickUnits: price.units,
        priceScale: price.scale,
        lotUnits: quantity.units,
        quantityScale: quantity.scale,
        tickSize: Number(listing.tick),
        lotSize: Number(listing.lot),
        markDecimals: venue.markDecimals ?? decimalsOf(Number(listing.tick)),
        activity: venue.activity,
        worth: listing.worth,
      };
    });
  });
}

/** The instrument that an adapter should read from the list that the simulator serves. */
function instrumentOf(venue: VenueSimulator, known: SymbolSpecification, listing: SimulatedListing): Instrument {
  const spot = venue.market === 'spot';
  return {
    exchange: venue.exchange,
    market: venue.market,
    symbol: known.symbol,
    venue_symbol: known.symbol,
    base: known.base,
    quote: 'USDT',
    kind: spot ? 'spot' : 'perpetual',
    status: 'trading',
    tick_size: Number(listing.tick),
    lot_size: Number(listing.lot),
    contract_size: 1,
    inverse: false,
    funding_interval_hours: spot ? null : known.fundingIntervalHours,
    ...listing.instrument,
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
