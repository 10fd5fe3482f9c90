import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedMarket } from '../simulator-contract.ts';
import { barLength, barsOf, crowdRatio, HOUR, plain, ticks } from '../shared/simulated.ts';

/* What the simulated OKX tells beside market data: https://www.okx.com/docs-v5/en/#trading-statistics-rest-api. */

const ROWS = 24;
const DAY = 24 * HOUR;

/** Rows of a trading statistic, newest first; undefined when coin or period are not known. */
export function statistic(
  market: SimulatedMarket,
  name: string,
  query: URLSearchParams,
  now: Ms,
): readonly (readonly string[])[] | undefined {
  const instrument = market.instruments.find((i) => i.base === query.get('ccy'));
  const step = barLength(query.get('period') ?? '5m');
  if (instrument === undefined || step === undefined) return undefined;
  const rows = name === 'ratio' ? ratios(market, instrument, now, step) : volumes(market, instrument, now, step, name);
  return rows.toReversed();
}

function ratios(market: SimulatedMarket, { symbol }: Instrument, now: Ms, step: Ms): readonly (readonly string[])[] {
  const last = Math.floor(now / step) * step;
  return ticks(last - (ROWS - 1) * step, last + 1, step).map((at) => [
    String(at),
    String(crowdRatio(market, symbol, at, step)),
  ]);
}

/** `[ts, open interest, volume]` in USD, or `[ts, sell, buy]` in base units. */
function volumes(
  market: SimulatedMarket,
  { symbol }: Instrument,
  now: Ms,
  step: Ms,
  name: string,
): readonly (readonly string[])[] {
  return barsOf(market, symbol, now, step, ROWS).map((bar) => {
    const at = String(bar.openTime);
    if (name === 'taker') return [at, plain(bar.volume - bar.takerBuyVolume), plain(bar.takerBuyVolume)];
    const interest = market.openInterest(symbol, bar.openTime) * market.mark(symbol, bar.openTime).mark;
    return [at, interest.toFixed(4), bar.quoteVolume.toFixed(4)];
  });
}

/** The security fund of a family: a balance that moves with the index. */
export function insuranceFund(market: SimulatedMarket, family: string, now: Ms): unknown {
  const instrument = market.instruments.find((i) => `${i.base}-${i.quote}` === family);
  if (instrument === undefined) return undefined;
  const day = Math.floor(now / DAY) * DAY;
  const details = ticks(day - 9 * DAY, day + 1, DAY)
    .toReversed()
    .map((at) => ({
      amt: '',
      balance: (market.mark(instrument.symbol, at).index * 10_000).toFixed(2),
      ccy: instrument.quote,
      ts: String(at),
      type: 'regular_update',
    }));
  const total = market.mark(instrument.symbol, now).index * 10_000;
  return { details, instFamily: family, instType: 'SWAP', total: total.toFixed(2) };
}

/** Turnover of the platform: that of the simulated instruments. */
export function platformVolume(market: SimulatedMarket, now: Ms): unknown {
  const second = Math.floor(now / 1000) * 1000;
  const usd = market.instruments.reduce((sum, i) => sum + market.ticker(i.symbol, second).quoteVolume, 0);
  return { volCny: (usd * 7).toFixed(0), volUsd: usd.toFixed(0), ts: String(now) };
}

/** Strikes about the index, each as call and put, expiring next Friday at 08:00 UTC. */
export function optionIds(
  market: SimulatedMarket,
  family: string,
  now: Ms,
): readonly { readonly instId: string; readonly index: number }[] {
  const [base = '', quote = ''] = family.split('-');
  const instrument = market.instruments.find((i) => i.base === base);
  if (quote !== 'USD' || instrument === undefined || !['BTC', 'ETH'].includes(base)) return [];
  const { index } = market.mark(instrument.symbol, Math.floor(now / DAY) * DAY);
  const step = 10 ** Math.floor(Math.log10(index) - 1);
  const middle = Math.round(index / step) * step;
  const expiry = expiryText(now);
  return [-2, -1, 0, 1, 2].flatMap((n) =>
    ['C', 'P'].map((side, i) => ({
      instId: `${family}-${expiry}-${middle + n * step}-${side}`,
      index: Math.abs(n) * 2 + i,
    })),
  );
}

function expiryText(now: Ms): string {
  const friday = new Date(now + ((5 - new Date(now).getUTCDay() + 7) % 7 || 7) * DAY);
  return friday.toISOString().slice(2, 10).replaceAll('-', '');
}

/** Open interest and the day of an option; what is far from the money is held and traded less. */
export function optionRow(market: SimulatedMarket, family: string, instId: string, index: number, now: Ms): unknown {
  const base = family.split('-')[0] ?? '';
  const symbol = market.instruments.find((i) => i.base === base)?.symbol ?? '';
  const held = Math.round(market.openInterest(symbol, Math.floor(now / 1000) * 1000) / 50 / (1 + index));
  return {
    instId,
    instType: 'OPTION',
    oi: String(held * 100),
    oiCcy: String(held),
    oiUsd: (held * market.mark(symbol, now).index).toFixed(2),
    vol24h: String(held * 10),
    volCcy24h: plain(held / 10),
    last: '0.01',
    ts: String(now),
  };
}
