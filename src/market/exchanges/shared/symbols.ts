import type { Instrument } from '../../domain/instrument.ts';
import { decimalProduct } from './values.ts';

/** What decoding needs of an instrument. */
export interface SymbolFacts {
  /** Canonical: upper case; `-` becomes `_`, so that a dated contract keeps its suffix. */
  readonly symbol: string;
  /** True when sizes on the wire are base units already. */
  readonly plain: boolean;
  readonly inverse: boolean;
  /** Value of one contract: base units, or quote units when inverse; null when not known. */
  readonly contractSize: number | null;
  readonly fundingIntervalHours: number | null;
}

/** What the name of a symbol that is in no instrument list tells; undefined: its own name, sizes in base units. */
export type SizingRule = (venueSymbol: string) => NamedFacts | undefined;

export interface NamedFacts {
  readonly inverse: boolean;
  /** Null: the name does not tell, and sizes are not known. */
  readonly contractSize: number | null;
  /** Canonical name, where the venue's differs in more than case and dashes (XBT/USD, BTC-USDT-SWAP). */
  readonly symbol?: string | undefined;
  /** Where the venue has one interval for all contracts. */
  readonly fundingIntervalHours?: number | null | undefined;
}

/** Symbols as venues write them to the facts; unknown ones follow the venue's naming rule. */
export interface SymbolTable {
  /** Undefined when the text cannot be a symbol. */
  facts(venueSymbol: unknown): SymbolFacts | undefined;
}

const SYMBOL = /^[\p{L}\p{N}@][\p{L}\p{N}_./-]{0,63}$/u;

/** Damaged frames make symbols up: the table forgets them before they fill the memory. */
const LARGEST_TABLE = 20_000;

/** What a symbol is called here: BTCUSDT, BTCUSDT_260327. */
export function canonicalSymbol(venueSymbol: string): string {
  return venueSymbol.toUpperCase().replaceAll('-', '_');
}

/** For REST bodies that came without their call: the symbol is not known, sizes are taken to be in base units. */
export const NAMELESS: SymbolFacts = Object.freeze({
  symbol: '',
  plain: true,
  inverse: false,
  contractSize: 1,
  fundingIntervalHours: null,
});

/** The table of one REST answer: of the symbol asked for, or of all when the call names none. */
export function symbolTableFor(
  symbol: string | undefined,
  instruments: readonly Instrument[],
  rule: SizingRule,
): SymbolTable {
  return createSymbolTable(symbol === undefined ? instruments : instruments.filter((i) => i.symbol === symbol), rule);
}

export function createSymbolTable(instruments: readonly Instrument[], rule: SizingRule): SymbolTable {
  const known = new Map<string, SymbolFacts>();
  const seen = new Map<string, SymbolFacts>();
  for (const instrument of instruments) {
    const facts = ofInstrument(instrument);
    known.set(instrument.symbol, facts);
    known.set(instrument.venue_symbol.toUpperCase(), facts);
  }

  function resolve(venueSymbol: string): SymbolFacts | undefined {
    if (!SYMBOL.test(venueSymbol)) return undefined;
    if (seen.size >= LARGEST_TABLE) seen.clear();
    const facts = known.get(venueSymbol.toUpperCase()) ?? ofRule(venueSymbol, rule);
    seen.set(venueSymbol, facts);
    return facts;
  }

  return {
    facts: (venueSymbol) =>
      typeof venueSymbol === 'string' ? (seen.get(venueSymbol) ?? resolve(venueSymbol)) : undefined,
  };
}

/** Base units of a size on the wire at a price; NaN when the contract's value is not known. */
export function baseSize(facts: SymbolFacts, size: number, price: number): number {
  if (facts.plain) return size;
  if (size === 0) return 0;
  if (facts.contractSize === null) return NaN;
  return facts.inverse ? (size * facts.contractSize) / price : decimalProduct(size, facts.contractSize);
}

function ofInstrument(instrument: Instrument): SymbolFacts {
  return {
    symbol: instrument.symbol,
    plain: !instrument.inverse && (instrument.contract_size ?? 1) === 1,
    inverse: instrument.inverse,
    contractSize: instrument.contract_size,
    fundingIntervalHours: instrument.funding_interval_hours,
  };
}

function ofRule(venueSymbol: string, rule: SizingRule): SymbolFacts {
  const named = rule(venueSymbol.toUpperCase());
  const { inverse, contractSize } = named ?? { inverse: false, contractSize: 1 };
  return {
    symbol: named?.symbol ?? canonicalSymbol(venueSymbol),
    plain: !inverse && contractSize === 1,
    inverse,
    contractSize,
    fundingIntervalHours: named?.fundingIntervalHours ?? null,
  };
}
