import type { Us } from '../../../kit/clock.ts';
import { expiryOf, type OptionTerms } from '../shared/expiry-names.ts';
import { allKnown, optional, optionalPrice, optionalSize, percentOf, type WireObject } from '../shared/values.ts';
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
 * `tickers.{option}`, each time whole: what the venue says of an option. Implied volatilities come as fractions; prices,
 * sizes and volatilities of 0 stand for none; gamma and vega are never below 0.
 * https://bybit-exchange.github.io/docs/v5/websocket/public/ticker
 */
export function readOptionTicker(data: WireObject, time: Us, context: ReadContext): Reading {
  const name = String(data['symbol']);
  const terms = termsOf(name);
  const facts = context.symbols.facts(name);
  if (terms === undefined || facts === undefined || Number.isNaN(time)) return 'option ticker without terms or time';
  const bid = optionalPrice(data['bidPrice']);
  const ask = optionalPrice(data['askPrice']);
  const values = {
    underlying_price: optionalPrice(data['underlyingPrice']),
    mark_price: optionalSize(data['markPrice']),
    mark_iv: volatility(data['markPriceIv']),
    bid_price: bid,
    bid_qty: bid === null ? null : optionalSize(data['bidSize']),
    bid_iv: volatility(data['bidIv']),
    ask_price: ask,
    ask_qty: ask === null ? null : optionalSize(data['askSize']),
    ask_iv: volatility(data['askIv']),
    last_price: optionalPrice(data['lastPrice']),
    open_interest: optionalSize(data['openInterest']),
    delta: optional(data['delta']),
    gamma: optionalSize(data['gamma']),
    vega: optionalSize(data['vega']),
    theta: optional(data['theta']),
    rho: null,
  };
  if (!allKnown(...Object.values(values))) return 'option ticker cannot be read';
  context.sink({
    stream: 'option_summaries',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
    option_type: terms.type,
    strike_price: terms.strike,
    expiry_time: terms.expiry,
    underlying: null,
    ...values,
  });
  return 1;
}

function volatility(value: unknown): number | null {
  const fraction = optionalPrice(value);
  return fraction === null || Number.isNaN(fraction) ? fraction : percentOf(String(value));
}
