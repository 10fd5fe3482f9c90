import type { Us } from '../../../kit/clock.ts';
import {
  baseOf,
  pushFunding,
  pushInterest,
  pushMark,
  pushPrices,
  pushTicker,
  type ReadContext,
} from '../shared/reading.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import {
  allKnown,
  isObject,
  optional,
  optionalPrice,
  optionalSize,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { FUNDING_HOURS, optionTerms } from './wire.ts';

/** `quote.X` and the prices of a ticker. */
export function readQuote(data: WireObject, context: ReadContext): Reading {
  const wire = {
    bid: data['best_bid_price'],
    bidSize: data['best_bid_amount'],
    ask: data['best_ask_price'],
    askSize: data['best_ask_amount'],
    last: data['last_price'],
    time: timeOf(data['timestamp']),
  };
  return pushPrices(context.symbols.facts(data['instrument_name']), wire, context);
}

/** A ticker: best prices, the day, mark, index, funding and interest; of an option its greeks and volatilities. */
export function readTicker(data: WireObject, context: ReadContext): Reading {
  const facts = context.symbols.facts(data['instrument_name']);
  const time = timeOf(data['timestamp']);
  if (facts === undefined || Number.isNaN(time)) return 'ticker without symbol or time';
  // Mark, index and interest of a combination are its legs' matter.
  if (facts.signed) return readQuote(data, context);
  const parts = [
    readQuote(data, context),
    readDay(facts, data, time, context),
    ...readDerivative(facts, data, time, context),
    ...(context.market === 'options' ? [readSummary(facts, data, time, context)] : []),
  ];
  const bad = parts.find((part) => typeof part === 'string');
  return bad ?? parts.reduce<number>((sum, part) => sum + Number(part), 0);
}

/**
 * `volume` is in base units; the other one in the quote, but for options, whose turnover is told in dollars. `price_change`
 * is percent.
 */
function readDay(facts: SymbolFacts, data: WireObject, time: Us, context: ReadContext): Reading {
  const stats = isObject(data['stats']) ? data['stats'] : {};
  const linear = context.market === 'options' ? undefined : stats['volume_notional'];
  const quote = facts.inverse ? stats['volume_usd'] : linear;
  const day = {
    volume_24h: optionalSize(stats['volume']),
    quote_volume_24h: optionalSize(quote),
    high_24h: optionalPrice(stats['high']),
    low_24h: optionalPrice(stats['low']),
    last_price: optionalPrice(data['last_price']),
    price_change_pct: optional(stats['price_change']),
  };
  return pushTicker(facts, time, day, context);
}

function readDerivative(facts: SymbolFacts, data: WireObject, time: Us, context: ReadContext): readonly Reading[] {
  const readings: Reading[] = [];
  const mark = optionalPrice(data['mark_price']);
  const funding = optional(data['current_funding']);
  if (mark !== null && context.market !== 'options') {
    const index = optionalPrice(data['index_price']);
    readings.push(pushMark(facts, { mark, index, funding, time }, context));
  }
  if (funding !== null) {
    readings.push(pushFunding(facts, { rate: funding, time, next: null, intervalHours: FUNDING_HOURS }, context));
  }
  const interest = optionalSize(data['open_interest']);
  // An option is on so much of its underlying, whatever it costs itself.
  const worth = context.market === 'options' ? optionalPrice(data['underlying_price']) : mark;
  if (interest !== null && worth !== null) {
    const base = baseSize(facts, interest, worth);
    const usd = facts.inverse ? interest : interest * worth;
    readings.push(pushInterest(facts, { interest: base, usd, time }, context));
  }
  return readings;
}

/**
 * What the venue says of an option. Best prices and implied volatilities of 0 stand for none; a mark price of 0 is an
 * option worth nothing. Gamma and vega of an option are never below 0.
 */
function readSummary(facts: SymbolFacts, data: WireObject, time: Us, context: ReadContext): Reading {
  const terms = optionTerms(String(data['instrument_name']));
  if (terms === undefined) return 'option whose name tells no strike or expiry';
  const greeks = isObject(data['greeks']) ? data['greeks'] : {};
  const bid = optionalPrice(data['best_bid_price']);
  const ask = optionalPrice(data['best_ask_price']);
  const values = {
    underlying_price: optionalPrice(data['underlying_price']),
    mark_price: optionalSize(data['mark_price']),
    mark_iv: optionalSize(data['mark_iv']),
    bid_price: bid,
    bid_qty: bid === null ? null : optionalSize(data['best_bid_amount']),
    bid_iv: optionalPrice(data['bid_iv']),
    ask_price: ask,
    ask_qty: ask === null ? null : optionalSize(data['best_ask_amount']),
    ask_iv: optionalPrice(data['ask_iv']),
    last_price: optionalPrice(data['last_price']),
    open_interest: optionalSize(data['open_interest']),
    delta: optional(greeks['delta']),
    gamma: optionalSize(greeks['gamma']),
    vega: optionalSize(greeks['vega']),
    theta: optional(greeks['theta']),
    rho: optional(greeks['rho']),
  };
  if (!allKnown(...Object.values(values))) return 'option ticker cannot be read';
  const underlying = data['underlying_index'];
  context.sink({
    stream: 'option_summaries',
    ...baseOf(facts, time, context),
    option_type: terms.type,
    strike_price: terms.strike,
    expiry_time: terms.expiry,
    underlying: typeof underlying === 'string' ? underlying : null,
    ...values,
  });
  return 1;
}
