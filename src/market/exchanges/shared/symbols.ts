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
  /** The value of a contract is not known, and records are wanted all the same: their sizes are NaN. */
  readonly sizeless: boolean;
  /** A spread of contracts: its price is a difference, which may be 0 or below. */
  readonly signed: boolean;
  readonly fundingIntervalHours: number | null;
}

/** Instruments that are known, and what becomes of contracts whose size is not. */
export interface SymbolOptions {
  readonly instruments: readonly Instrument[];
  /** True: their records are given with sizes of NaN; else they are refused. */
  readonly sizeless?: boolean | undefined;
}

/** What the name of a symbol that is in no instrument list tells; undefined: its own name, sizes in base units. */
export type SizingRule = (venueSymbol: string) => NamedFacts | undefined;

export interface NamedFacts {
  readonly inverse: boolean;
  /** Null: the name does not tell, and sizes are not known. */
  readonly contractSize: number | null;
  /** A spread of contracts, whose price may be 0 or below. */
  readonly signed?: boolean | undefined;
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
  sizeless: false,
  signed: false,
  fundingIntervalHours: null,
});

/** The table of one REST answer: of the symbol asked for, or of all when the call names none. */
export function symbolTableFor(
  symbol: string | undefined,
  { instruments, sizeless }: SymbolOptions,
  rule: SizingRule,
): SymbolTable {
  const own = symbol === undefined ? instruments : instruments.filter((i) => i.symbol === symbol);
  return createSymbolTable({ instruments: own, sizeless }, rule);
}

export function createSymbolTable({ instruments, sizeless = false }: SymbolOptions, rule: SizingRule): SymbolTable {
  const known = new Map<string, Instrument>();
  const seen = new Map<string, SymbolFacts>();
  for (const instrument of instruments) {
    known.set(instrument.symbol, instrument);
    known.set(instrument.venue_symbol.toUpperCase(), instrument);
  }

  function resolve(venueSymbol: string): SymbolFacts | undefined {
    if (!SYMBOL.test(venueSymbol)) return undefined;
    if (seen.size >= LARGEST_TABLE) seen.clear();
    const named = ofRule(venueSymbol, rule, sizeless);
    // A list may name an instrument as we do (BTCUSDT), whose frames say BTC-USDT-SWAP.
    const instrument = known.get(venueSymbol.toUpperCase()) ?? known.get(named.symbol);
    const facts = instrument === undefined ? named : ofInstrument(instrument, named);
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

/** Where a list does not tell the size of a contract, its name decides. */
function ofInstrument(instrument: Instrument, named: SymbolFacts): SymbolFacts {
  const { symbol, contract_size, inverse, funding_interval_hours: fundingIntervalHours } = instrument;
  if (contract_size === null) return { ...named, symbol, fundingIntervalHours };
  const plain = !inverse && contract_size === 1;
  return {
    symbol,
    plain,
    inverse,
    contractSize: contract_size,
    sizeless: false,
    signed: named.signed,
    fundingIntervalHours,
  };
}

function ofRule(venueSymbol: string, rule: SizingRule, sizeless: boolean): SymbolFacts {
  const named = rule(venueSymbol.toUpperCase());
  const { inverse, contractSize } = named ?? { inverse: false, contractSize: 1 };
  return {
    symbol: named?.symbol ?? canonicalSymbol(venueSymbol),
    plain: !inverse && contractSize === 1,
    inverse,
    contractSize,
    sizeless: sizeless && contractSize === null,
    signed: named?.signed === true,
    fundingIntervalHours: named?.fundingIntervalHours ?? null,
  };
}
