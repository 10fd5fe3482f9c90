import { describe, expect, it } from 'vitest';
import { nearestContracts } from '../../../src/market/collect/expiring.ts';
import type { Instrument } from '../../../src/market/domain/instrument.ts';

const DAY = 86_400_000_000;
const instrument = (symbol: string, rest: Partial<Instrument>): Instrument => ({
  exchange: 'deribit',
  market: 'options',
  symbol,
  venue_symbol: symbol,
  base: 'BTC',
  quote: 'BTC',
  kind: 'option',
  status: 'trading',
  tick_size: 0.0001,
  lot_size: 0.1,
  contract_size: 1,
  inverse: false,
  funding_interval_hours: null,
  ...rest,
});
const chain = [1, 2, 3].flatMap((day) =>
  [90, 100, 110, 120].flatMap((strike_price) =>
    (['call', 'put'] as const).map((option_type) =>
      instrument(`${day}-${strike_price}-${option_type}`, { expiry_time: day * DAY, strike_price, option_type }),
    ),
  ),
);
const LIMITS = { dated: 1, expiries: 2, strikes: 2 };
const names = (list: readonly Instrument[]): string[] => list.map(({ symbol }) => symbol);

describe('the contracts that are collected', () => {
  it('are calls and puts of the nearest strikes in the nearest expiries', () => {
    const chosen = nearestContracts([...chain].reverse(), { now: 0, price: 104 }, LIMITS);
    expect(names(chosen).sort()).toEqual([
      '1-100-call',
      '1-100-put',
      '1-110-call',
      '1-110-put',
      '2-100-call',
      '2-100-put',
      '2-110-call',
      '2-110-put',
    ]);
  });

  it('leave out what has expired, is halted, or cannot be chosen for want of a price', () => {
    const now = 2 * DAY;
    const halted = chain.map((i) => (i.strike_price === 100 ? { ...i, status: 'halted' as const } : i));
    const chosen = names(nearestContracts(halted, { now, price: 104 }, LIMITS));
    expect(chosen.sort()).toEqual(['3-110-call', '3-110-put', '3-90-call', '3-90-put']);
    expect(nearestContracts(chain, { now: 0, price: null }, LIMITS)).toEqual([]);
    expect(nearestContracts(chain, { now: 9 * DAY, price: 104 }, LIMITS)).toEqual([]);
  });

  it('stay while the price is among their strikes, and move when it leaves them', () => {
    const limits = { ...LIMITS, expiries: 1 };
    const first = new Set(names(nearestContracts(chain, { now: 0, price: 101 }, limits)));
    expect(names(nearestContracts(chain, { now: 0, price: 101 }, limits)).sort()).toEqual([
      '1-100-call',
      '1-100-put',
      '1-110-call',
      '1-110-put',
    ]);
    expect(new Set(names(nearestContracts(chain, { now: 0, price: 109 }, limits, first)))).toEqual(first);
    expect(names(nearestContracts(chain, { now: 0, price: 116 }, limits, first)).sort()).toEqual([
      '1-110-call',
      '1-110-put',
      '1-120-call',
      '1-120-put',
    ]);
  });

  it('are as many dated futures as wanted, nearest first', () => {
    const dated = [3, 1, 2].map((day) =>
      instrument(`${day}`, { market: 'futures', kind: 'dated', quote: 'USD', expiry_time: day * DAY }),
    );
    expect(names(nearestContracts(dated, { now: 0, price: null }, { ...LIMITS, dated: 2 }))).toEqual(['1', '2']);
    expect(nearestContracts(dated, { now: 0, price: null }, { ...LIMITS, dated: 0 })).toEqual([]);
  });
});
