import { baseOf, type ReadContext } from '../shared/reading.ts';
import { isObject, priceOf, sizeOf, timeOf } from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { feedId } from './wire.ts';

const WHOLE = /^\d{1,20}$/;
const LARGEST_EXPONENT = 18;
/** Seconds of the year 2200. */
const LATEST_SECOND = 7_258_118_400;

/**
 * A feed's price and confidence, `price` × 10^`expo` and `conf` × 10^`expo`, published at `publish_time` s. A feed
 * without a price (0, or below) is not passed on; the moving average (`ema_price`) is not stored.
 */
export function readFeed(feed: unknown, context: ReadContext): Reading {
  if (!isObject(feed)) return 'no price feed';
  const id = feedId(feed['id']);
  const { price } = feed;
  if (id === undefined) return 'price feed without an id';
  if (!isObject(price)) return 'price feed without a price';
  const facts = context.symbols.facts(id);
  if (facts === undefined || facts.symbol === '') return 'feed not known: give the instrument list';
  const mid = priceOf(scaled(price['price'], price['expo']));
  const confidence = sizeOf(scaled(price['conf'], price['expo']));
  if (Number.isNaN(mid)) return 'price cannot be read';
  if (Number.isNaN(confidence)) return 'confidence cannot be read';
  const second = price['publish_time'];
  const known = typeof second === 'number' && Number.isInteger(second) && second <= LATEST_SECOND;
  const time = known ? timeOf(second * 1000) : NaN;
  if (Number.isNaN(time)) return 'price without time';
  context.sink({
    stream: 'prices',
    ...baseOf(facts, time, context),
    bid_price: null,
    ask_price: null,
    bid_qty: null,
    ask_qty: null,
    last_price: null,
    mid_price: mid,
    confidence,
  });
  return 1;
}

/** The decimal of digits and exponent, rounded once; NaN when they are none. */
function scaled(digits: unknown, exponent: unknown): number {
  if (typeof digits !== 'string' || !WHOLE.test(digits)) return NaN;
  if (typeof exponent !== 'number' || !Number.isInteger(exponent) || Math.abs(exponent) > LARGEST_EXPONENT) return NaN;
  return Number(`${digits}e${exponent}`);
}
