import type { Us } from '../../../kit/clock.ts';
import { pushFunding, pushInterest, pushMark, pushPrices, pushTicker, type ReadContext } from '../shared/reading.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import { isObject, optional, optionalPrice, optionalSize, timeOf, type WireObject } from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { FUNDING_HOURS } from './wire.ts';

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

/** A ticker: best prices, the day, mark, index, funding and interest. */
export function readTicker(data: WireObject, context: ReadContext): Reading {
  const facts = context.symbols.facts(data['instrument_name']);
  const time = timeOf(data['timestamp']);
  if (facts === undefined || Number.isNaN(time)) return 'ticker without symbol or time';
  const parts = [
    readQuote(data, context),
    readDay(facts, data, time, context),
    ...readDerivative(facts, data, time, context),
  ];
  const bad = parts.find((part) => typeof part === 'string');
  return bad ?? parts.reduce<number>((sum, part) => sum + Number(part), 0);
}

/** `volume` is in base units; the other one in the quote. `price_change` is percent. */
function readDay(facts: SymbolFacts, data: WireObject, time: Us, context: ReadContext): Reading {
  const stats = isObject(data['stats']) ? data['stats'] : {};
  const quote = facts.inverse ? stats['volume_usd'] : (stats['volume_notional'] ?? undefined);
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
  if (mark !== null) {
    const index = optionalPrice(data['index_price']);
    readings.push(pushMark(facts, { mark, index, funding, time }, context));
  }
  if (funding !== null) {
    readings.push(pushFunding(facts, { rate: funding, time, next: null, intervalHours: FUNDING_HOURS }, context));
  }
  const interest = optionalSize(data['open_interest']);
  if (interest !== null && mark !== null) {
    const base = baseSize(facts, interest, mark);
    const usd = facts.inverse ? interest : interest * mark;
    readings.push(pushInterest(facts, { interest: base, usd, time }, context));
  }
  return readings;
}
