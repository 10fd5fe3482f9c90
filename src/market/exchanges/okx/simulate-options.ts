import type { Ms } from '../../../kit/clock.ts';
import { msToUs } from '../../domain/records.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedFrame, SimulatedListing, SimulatedListingTime, SimulatedMarket } from '../simulator-contract.ts';
import { expiryDate } from '../shared/expiry-names.ts';
import { plain, SECOND, ticks } from '../shared/simulated.ts';
import { optionIn, optionListing, optionsAt, type SimulatedValuation } from '../shared/simulated-options.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { indexOf } from './wire.ts';

/* Options of the simulated OKX: settled in the coin, a family (BTC-USD) a coin, a day's contracts of both kinds. */

const LISTED = { expiries: 2, strikesASide: 2 };
/** Base units of a contract. */
const CONTRACTS: Readonly<Record<string, number>> = { BTC: 0.01, ETH: 0.1 };
const TICK = 0.0001;
/** Summaries follow the marks of their second, so that a client that has both tells them together. */
const SUMMARY_OFFSET = 200;

export function optionListings(base: string, now: SimulatedListingTime): SimulatedListing[] {
  const contract = CONTRACTS[base] ?? 1;
  return optionsAt(base, now, LISTED).map((option) => {
    const side = option.type === 'call' ? 'C' : 'P';
    const name = `${base}-USD-${expiryDate(msToUs(option.expiry))}-${plain(option.strike)}-${side}`;
    const form = { symbol: canonicalSymbol(name), venueSymbol: name, quote: base, tick: TICK, lot: contract, contract };
    return optionListing(option, now, form);
  });
}

/** `opt-summary` of a family in [from, to): all its options, once a second. */
export function summaryFrames(
  market: SimulatedMarket,
  channel: string,
  family: string,
  from: Ms,
  to: Ms,
): readonly SimulatedFrame[] {
  return ticks(from, to, SECOND, SUMMARY_OFFSET).map((at) => summaryFrame(market, channel, family, at));
}

export function summaryFrame(market: SimulatedMarket, channel: string, family: string, at: Ms): SimulatedFrame {
  const options = market.instruments.filter((i) => indexOf(i.venue_symbol) === family);
  const data = options.flatMap((instrument) => summaryRow(market, instrument, at) ?? []);
  return { at, channel, text: JSON.stringify({ arg: { channel: 'opt-summary', instFamily: family }, data }) };
}

function summaryRow(market: SimulatedMarket, instrument: Instrument, at: Ms): unknown {
  const second = Math.floor(at / SECOND) * SECOND;
  const { index } = market.mark(instrument.symbol, second);
  const option = optionIn(instrument, index, second);
  if (option === undefined) return undefined;
  const book = market.book(instrument.symbol, second + 1, 1);
  const volatility = (price: number | undefined): string => {
    const implied = price === undefined ? null : option.impliedBy(price * option.forward);
    return implied === null ? '' : text(implied / 100);
  };
  return {
    instType: 'OPTION',
    instId: instrument.venue_symbol,
    uly: indexOf(instrument.venue_symbol),
    ...greeksOf(option),
    lever: text(option.forward / Math.max(option.value, 1e-9)),
    markVol: text(option.volatility / 100),
    bidVol: volatility(book.bids[0]?.[0]),
    askVol: volatility(book.asks[0]?.[0]),
    realVol: '',
    volLv: text(option.volatility / 100),
    fwdPx: text(option.forward),
    ts: String(at),
  };
}

/**
 * Of the price in the coin: delta is F × d(V/F)/dF, gamma F² × its second derivative (recorded frames of 2021 give these
 * to four digits); and those of the formula (`…BS`), which are of the price in dollars.
 */
function greeksOf({ forward, value, delta, gamma, vega, theta }: SimulatedValuation): Record<string, string> {
  const inCoin = delta - value / forward;
  return {
    delta: text(inCoin),
    gamma: text(gamma * forward - 2 * inCoin),
    vega: text(vega / forward),
    theta: text(theta / forward),
    deltaBS: text(delta),
    gammaBS: text(gamma),
    vegaBS: text(vega),
    thetaBS: text(theta),
  };
}

function text(value: number): string {
  return plain(value, 10);
}

/** What an option's row in `public/instruments` has instead of a swap's. */
export function optionFields({ base, contract_size, option_type, strike_price }: Instrument): Record<string, string> {
  return {
    ctMult: plain(contract_size ?? 1),
    ctType: '',
    ctVal: '1',
    ctValCcy: base,
    instFamily: `${base}-USD`,
    instType: 'OPTION',
    optType: option_type === 'call' ? 'C' : 'P',
    settleCcy: base,
    stk: plain(strike_price ?? 0),
    uly: `${base}-USD`,
  };
}

/** The families that the market lists, as `public/underlying` has them. */
export function familiesOf({ instruments }: SimulatedMarket): readonly string[] {
  return [...new Set(instruments.map((i) => indexOf(i.venue_symbol)))];
}

/** The day of an option is not told, as if it had not traded: there are too many to add up. */
export function optionDay(market: SimulatedMarket, { symbol }: Instrument, at: Ms): Record<string, string> {
  const [last] = market.tradesFrom(symbol, market.tradeIdAt(symbol, at) - 1, 1, at);
  const untold = { open24h: '', high24h: '', low24h: '', sodUtc0: '', sodUtc8: '', volCcy24h: '', vol24h: '' };
  return { ...untold, last: last === undefined ? '' : last.price.toFixed(market.decimals(symbol).price), lastSz: '' };
}
