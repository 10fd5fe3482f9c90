import type { Us } from '../../../kit/clock.ts';
import { expiryOf, type OptionTerms } from '../shared/expiry-names.ts';
import { pushSummary, volatilityOf } from '../shared/option-summary.ts';
import { pushInterest, pushPrices, pushTicker } from '../shared/reading.ts';
import { optional, optionalPrice, optionalSize, percentOf, type WireObject } from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { EXCHANGE, type ReadContext } from './normalise.ts';

/** BTC-27MAR26-70000-P, and BTC-27MAR26-70000-P-USDT. */
const OPTION = /^[A-Z0-9]+-(\d{1,2}[A-Z]{3}\d{2})-(\d+(?:\.\d+)?)-([CP])(?:-[A-Z]+)?$/;
function termsOf(name: string): OptionTerms | undefined {
  const [, day = '', strike = '', type] = OPTION.exec(name.toUpperCase()) ?? [];
  const expiry = expiryOf(day);
  return expiry === undefined ? undefined : { type: type === 'C' ? 'call' : 'put', strike: Number(strike), expiry };
}

/**
 * `tickers.{option}`, each time whole: best prices, the day, open interest in base units and what the venue says of the
 * option. Implied volatilities come as fractions; prices, sizes and volatilities of 0 stand for none; gamma and vega are
 * never below 0. The turnover is of what the options are on, not of what was paid for them.
 * https://bybit-exchange.github.io/docs/v5/websocket/public/ticker
 */
export function readOptionTicker(data: WireObject, time: Us, given: ReadContext): Reading {
  const context = { ...given, exchange: EXCHANGE };
  const name = String(data['symbol']);
  const facts = context.symbols.facts(name);
  if (facts === undefined) return 'option ticker without a symbol';
  const { bidPrice: bid, bidSize, askPrice: ask, askSize, lastPrice: last } = data;
  const told = {
    underlying_price: optionalPrice(data['underlyingPrice']),
    mark_price: optionalSize(data['markPrice']),
    mark_iv: volatilityOf(data['markPriceIv']),
    bid_price: optionalPrice(bid),
    bid_qty: optionalSize(bidSize),
    bid_iv: volatilityOf(data['bidIv']),
    ask_price: optionalPrice(ask),
    ask_qty: optionalSize(askSize),
    ask_iv: volatilityOf(data['askIv']),
    last_price: optionalPrice(last),
    open_interest: optionalSize(data['openInterest']),
    delta: optional(data['delta']),
    gamma: optionalSize(data['gamma']),
    vega: optionalSize(data['vega']),
    theta: optional(data['theta']),
  };
  const summary = pushSummary(facts, { time, terms: termsOf(name), told }, context);
  if (typeof summary === 'string') return summary;
  const change = data['change24h'];
  const day = {
    last_price: told.last_price,
    high_24h: optionalPrice(data['highPrice24h']),
    low_24h: optionalPrice(data['lowPrice24h']),
    volume_24h: optionalSize(data['volume24h']),
    price_change_pct: typeof change === 'string' && change !== '' ? percentOf(change) : null,
  };
  const { open_interest: interest, underlying_price: worth } = told;
  const readings = [
    pushPrices(facts, { bid, bidSize, ask, askSize, last, time }, context),
    pushTicker(facts, time, day, context),
    interest === null
      ? 0
      : pushInterest(facts, { interest, usd: worth === null ? null : interest * worth, time }, context),
  ];
  const bad = readings.find((reading) => typeof reading === 'string');
  return bad ?? readings.reduce<number>((sum, reading) => sum + Number(reading), summary);
}
