import type { Us } from '../../kit/clock.ts';
import type { Market } from './records.ts';

/** A tradable contract as the venue's instrument list describes it. Everything that sizes and rates depend on. */
export interface Instrument {
  readonly exchange: string;
  readonly market: Market;
  /** Canonical: BTCUSDT. */
  readonly symbol: string;
  /** As the venue writes it: BTCUSDT, BTC-USDT-SWAP, PF_XBTUSD. */
  readonly venue_symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly kind: 'spot' | 'perpetual' | 'dated' | 'option';
  readonly status: 'trading' | 'halted' | 'settled';
  /** Smallest price step, quote units; null when the venue does not say. */
  readonly tick_size: number | null;
  /** Smallest quantity step, base units. */
  readonly lot_size: number | null;
  /** Base units in one contract (1 where sizes are in base units already); null when unknown. */
  readonly contract_size: number | null;
  /** True when the contract is valued in its quote (inverse): base = contracts × contract_size ÷ price. */
  readonly inverse: boolean;
  /** Hours between funding payments; null for spot and when the venue does not say. */
  readonly funding_interval_hours: number | null;
  /** When it is settled, UTC µs; absent where it never is, or the venue does not say. */
  readonly expiry_time?: Us | undefined;
  /** Of an option: what it gives the right to, and the price at which, in the currency of its underlying's price. */
  readonly option_type?: 'call' | 'put' | undefined;
  readonly strike_price?: number | undefined;
  /** Currency that profit and loss are paid in, where the venue tells it. */
  readonly settlement_currency?: string | undefined;
  /** Its own canonical name, where `symbol` is an asked name that it stands for: BTCUSD, collected as BTCUSDT. */
  readonly stands_in_as?: string | undefined;
}

/** The default universe. */
export const DEFAULT_SYMBOLS = [
  'BTCUSDT',
  'ETHUSDT',
  'SOLUSDT',
  'XRPUSDT',
  'ARUSDT',
  'BRETTUSDT',
  'POPCATUSDT',
  'WIFUSDT',
  'PNUTUSDT',
] as const;

/** Whether nobody chose the symbols: they are the default universe. */
export function isDefaultList(symbols: readonly string[]): boolean {
  return symbols.length === DEFAULT_SYMBOLS.length && DEFAULT_SYMBOLS.every((symbol, i) => symbols[i] === symbol);
}
