import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedMarket } from '../simulator-contract.ts';
import { contractsText, crowdRatio, HOUR, plain, SECOND, ticks } from '../shared/simulated.ts';

/* What the simulated Gate.io tells beside market data: https://www.gate.com/docs/developers/apiv4/en/. */

const DAY = 24 * HOUR;

const secondOf = (at: Ms): Ms => Math.floor(at / SECOND) * SECOND;

/** A row of `contract_stats` at `at`, of the `step` before. */
export function statsRow(market: SimulatedMarket, instrument: Instrument, at: Ms, step: Ms): unknown {
  const { symbol } = instrument;
  const interest = market.openInterest(symbol, at);
  const { mark } = market.mark(symbol, at);
  // Of a long period the last hour stands for all.
  const forced = market.liquidations(symbol, at - Math.min(step, HOUR), at);
  const size = (side: string): number => forced.reduce((sum, l) => sum + (l.side === side ? l.quantity : 0), 0);
  const ratio = crowdRatio(market, symbol, at, step);
  return {
    time: at / SECOND,
    mark_price: mark,
    lsr_taker: Number((2 - Math.min(1.6, ratio)).toFixed(4)),
    lsr_account: ratio,
    top_lsr_account: Number((1 + (ratio - 1) / 2).toFixed(4)),
    top_lsr_size: Number((1 + (ratio - 1) / 3).toFixed(4)),
    open_interest: Number(contractsText(instrument, interest)),
    open_interest_usd: interest * mark,
    long_liq_size: Number(contractsText(instrument, size('long'))),
    short_liq_size: Number(contractsText(instrument, size('short'))),
    long_liq_usd: size('long') * mark,
    short_liq_usd: size('short') * mark,
  };
}

/** Forced orders of the last hour, newest first: a negative size is a long that was sold. */
export function forcedOrders(market: SimulatedMarket, contract: string | null, now: Ms): readonly unknown[] {
  return market.instruments
    .filter((i) => contract === null || i.venue_symbol === contract)
    .flatMap((i) => market.liquidations(i.symbol, now - HOUR, now).map((l) => ({ l, i })))
    .sort((a, b) => b.l.at - a.l.at)
    .map(({ l, i }) => {
      const price = l.price.toFixed(market.decimals(i.symbol).price);
      const size = Number(contractsText(i, l.quantity));
      return {
        time: Math.floor(l.at / SECOND),
        contract: i.venue_symbol,
        size: l.side === 'long' ? size : -size,
        order_size: l.side === 'long' ? -size : size,
        order_price: price,
        fill_price: price,
        left: 0,
      };
    });
}

/** The insurance fund, a balance a day, newest first. */
export function insurance(market: SimulatedMarket, now: Ms, limit: number): readonly unknown[] {
  const symbol = market.instruments[0]?.symbol ?? '';
  const day = Math.floor(now / DAY) * DAY;
  return ticks(day - (limit - 1) * DAY, day + 1, DAY)
    .toReversed()
    .map((at) => ({ t: at / SECOND, b: (market.mark(symbol, at).index * 5000).toFixed(4) }));
}

export function riskTiers(instrument: Instrument): readonly unknown[] {
  return [1, 2, 3, 4].map((tier) => ({
    tier,
    contract: instrument.venue_symbol,
    risk_limit: String(tier * 500_000),
    initial_rate: plain(0.01 * tier + 0.01),
    maintenance_rate: plain(0.005 * tier),
    leverage_max: plain(Number((1 / (0.01 * tier + 0.01)).toFixed(2))),
    deduction: '0',
  }));
}

/** The Friday after next at 08:00 UTC: dated contracts and options end then. */
function expiryOf(now: Ms): Ms {
  const midnight = Math.floor(now / DAY) * DAY;
  const days = (5 - new Date(midnight).getUTCDay() + 7) % 7;
  return midnight + (days + 7) * DAY + 8 * HOUR;
}

const dated = (market: SimulatedMarket): readonly Instrument[] =>
  market.instruments.filter((i) => ['BTC', 'ETH'].includes(i.base));

function deliveryName(i: Instrument, now: Ms): string {
  return `${i.venue_symbol}_${new Date(expiryOf(now)).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

export function deliveryContracts(market: SimulatedMarket, now: Ms): readonly unknown[] {
  return dated(market).map((i) => ({
    name: deliveryName(i, now),
    underlying: i.venue_symbol,
    cycle: 'BI-WEEKLY',
    type: 'direct',
    quanto_multiplier: plain(i.contract_size ?? 1),
    order_price_round: plain(i.tick_size ?? 0),
    order_size_min: 1,
    leverage_max: '50',
    expire_time: expiryOf(now) / SECOND,
    in_delisting: false,
    ...deliveryPrices(market, i, now),
  }));
}

export function deliveryTickers(market: SimulatedMarket, contract: string | null, now: Ms): readonly unknown[] {
  return dated(market)
    .filter((i) => contract === null || deliveryName(i, now) === contract)
    .map((i) => {
      const t = market.ticker(i.symbol, secondOf(now));
      const { mark_price: mark, index_price: index } = deliveryPrices(market, i, now);
      const basis = Number(mark) - Number(index);
      return {
        contract: deliveryName(i, now),
        last: mark,
        change_percentage: (((t.last - t.open) / t.open) * 100).toFixed(2),
        total_size: contractsText(i, Math.floor(market.openInterest(i.symbol, secondOf(now)) / 20)),
        volume_24h: contractsText(i, Math.floor(t.volume / 20)),
        volume_24h_quote: (t.quoteVolume / 20).toFixed(0),
        mark_price: mark,
        index_price: index,
        basis_rate: (basis / Number(index)).toFixed(6),
        basis_value: basis.toFixed(market.decimals(i.symbol).mark),
        high_24h: t.high.toFixed(market.decimals(i.symbol).price),
        low_24h: t.low.toFixed(market.decimals(i.symbol).price),
      };
    });
}

/** A premium of 6 percent a year. */
function deliveryPrices(
  market: SimulatedMarket,
  i: Instrument,
  now: Ms,
): { readonly mark_price: string; readonly index_price: string } {
  const { index } = market.mark(i.symbol, secondOf(now));
  const years = (expiryOf(now) - now) / (365 * DAY);
  const d = market.decimals(i.symbol).mark;
  return { mark_price: (index * (1 + 0.06 * years)).toFixed(d), index_price: index.toFixed(d) };
}

export function underlyings(market: SimulatedMarket, now: Ms): readonly { readonly name: string }[] {
  return dated(market).map((i) => ({
    name: i.venue_symbol,
    index_price: market.mark(i.symbol, secondOf(now)).index.toFixed(market.decimals(i.symbol).mark),
  }));
}

export function expirations(now: Ms): readonly number[] {
  return [expiryOf(now) / SECOND];
}

interface Option {
  readonly name: string;
  readonly strike: number;
  readonly isCall: boolean;
  readonly index: number;
  readonly instrument: Instrument;
}

/** Five strikes about the index of the day, each as call and put. */
export function options(market: SimulatedMarket, underlying: string | null, now: Ms): readonly Option[] {
  const instrument = dated(market).find((i) => i.venue_symbol === underlying);
  if (instrument === undefined) return [];
  const { index } = market.mark(instrument.symbol, Math.floor(now / DAY) * DAY);
  const step = 10 ** Math.floor(Math.log10(index) - 1);
  const middle = Math.round(index / step) * step;
  const date = new Date(expiryOf(now)).toISOString().slice(0, 10).replaceAll('-', '');
  return [-2, -1, 0, 1, 2].flatMap((n) =>
    [true, false].map((isCall) => {
      const strike = middle + n * step;
      return {
        name: `${instrument.venue_symbol}-${date}-${strike}-${isCall ? 'C' : 'P'}`,
        strike,
        isCall,
        index,
        instrument,
      };
    }),
  );
}

/** Volatility of 60 percent a year, price by the approximation of Brenner and Subrahmanyam (1988) plus what is inner. */
function optionPrice(option: Option, index: number, now: Ms): number {
  const years = (expiryOf(now) - now) / (365 * DAY);
  const inner = Math.max(0, option.isCall ? index - option.strike : option.strike - index);
  const away = Math.abs(option.strike / index - 1);
  return inner + 0.4 * index * 0.6 * Math.sqrt(years) * Math.exp(-20 * away);
}

export function optionContract(option: Option, now: Ms): unknown {
  return {
    name: option.name,
    tag: 'week',
    underlying: option.instrument.venue_symbol,
    is_call: option.isCall,
    strike_price: String(option.strike),
    multiplier: '0.01',
    expiration_time: expiryOf(now) / SECOND,
    order_price_round: '0.1',
    order_size_min: 1,
    is_active: true,
  };
}

export function optionTicker(market: SimulatedMarket, option: Option, now: Ms): unknown {
  const { index } = market.mark(option.instrument.symbol, secondOf(now));
  const price = optionPrice(option, index, now);
  const held = Math.round(
    market.openInterest(option.instrument.symbol, secondOf(now)) / 10 / (1 + Math.abs(option.strike / index - 1) * 20),
  );
  const moved = (option.isCall ? index - option.strike : option.strike - index) / (index * 0.06);
  const delta = 1 / (1 + Math.exp(-moved));
  return {
    name: option.name,
    last_price: price.toFixed(1),
    mark_price: price.toFixed(2),
    index_price: index.toFixed(2),
    bid1_price: (price * 0.98).toFixed(1),
    bid1_size: 10,
    ask1_price: (price * 1.02).toFixed(1),
    ask1_size: 10,
    position_size: held,
    mark_iv: '0.6',
    bid_iv: '0.59',
    ask_iv: '0.61',
    leverage: (index / price).toFixed(2),
    delta: (option.isCall ? delta : delta - 1).toFixed(4),
    gamma: '0.0001',
    vega: (index / 1000).toFixed(4),
    theta: (-index / 2000).toFixed(4),
    rho: '0.1',
  };
}

/** Two levels a side about the mark. */
export function optionBook(market: SimulatedMarket, option: Option, now: Ms): unknown {
  const { index } = market.mark(option.instrument.symbol, secondOf(now));
  const price = optionPrice(option, index, now);
  const level = (factor: number, s: number): unknown => ({ p: (price * factor).toFixed(1), s });
  return {
    id: Math.floor(now / 100),
    current: now / SECOND,
    update: now / SECOND,
    asks: [level(1.02, 10), level(1.05, 30)],
    bids: [level(0.98, 10), level(0.95, 30)],
  };
}
