import type { SimulatedCandle } from '../simulator-contract.ts';
import { type Call, failure, klines, limitOf, ok } from './simulate-rest.ts';

/* What the endpoint tools ask and the collectors do not. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Longer candles are put together from minutes; the simulated venue keeps no more of them than a day's worth. */
const MOST_MINUTES = 1440;

const longKlines: Call = {
  needs: 'symbol',
  run(request) {
    const { market, query, now, symbol, category } = request;
    const interval = query.get('interval') ?? '';
    if (interval === '1') return klines.run(request);
    const minutes = { D: 1440 }[interval] ?? Number(interval);
    if (!(minutes > 1 && minutes <= MOST_MINUTES)) return failure(10001, 'Invalid period!', now);
    const limit = Math.min(limitOf(query, 200, 1000) ?? 200, Math.floor(MOST_MINUTES / minutes));
    const step = minutes * MINUTE;
    const last = Math.floor(now / step) * step;
    const d = market.decimals(symbol);
    const list = Array.from({ length: limit }, (_, i) => last - i * step).flatMap((from) => {
      const parts: SimulatedCandle[] = [];
      for (let at = from; at < Math.min(from + step, now); at += MINUTE) {
        const candle = market.candle(symbol, at, now);
        if (candle !== undefined) parts.push(candle);
      }
      const [first, end] = [parts[0], parts.at(-1)];
      if (first === undefined || end === undefined) return [];
      const high = Math.max(...parts.map((c) => c.high));
      const low = Math.min(...parts.map((c) => c.low));
      const volume = parts.reduce((sum, c) => sum + c.volume, 0);
      const turnover = parts.reduce((sum, c) => sum + c.quoteVolume, 0);
      const prices = [first.open, high, low, end.close].map((p) => p.toFixed(d.price));
      return [[String(from), ...prices, volume.toFixed(d.quantity), turnover.toFixed(4)]];
    });
    return ok({ symbol, category, list }, now);
  },
};

/** More accounts are long when longs pay: the simulated crowd follows the funding rate. */
const accountRatio: Call = {
  needs: 'symbol',
  futuresOnly: true,
  run({ market, query, now, symbol }) {
    const minutes = { '5min': 5, '15min': 15, '30min': 30, '1h': 60, '4h': 240, '1d': 1440 }[query.get('period') ?? ''];
    if (minutes === undefined) return failure(10001, 'period invalid', now);
    const limit = Math.min(limitOf(query, 50, 500) ?? 50, 48);
    const step = minutes * MINUTE;
    const last = Math.floor(now / step) * step;
    const list = Array.from({ length: limit }, (_, i) => last - i * step).map((at) => {
      const long = Math.min(0.9, Math.max(0.1, 0.5 + market.mark(symbol, at).fundingRate * 200));
      return { symbol, buyRatio: long.toFixed(4), sellRatio: (1 - long).toFixed(4), timestamp: String(at) };
    });
    return ok({ list, nextPageCursor: '' }, now);
  },
};

const insurance: Call = {
  needs: 'nothing',
  run: ({ market, query, now }) =>
    ok(
      {
        updatedTime: String(Math.floor(now / DAY) * DAY),
        list: market.instruments.map((i, at) => ({
          coin: query.get('coin') ?? 'USDT',
          symbols: i.symbol,
          balance: String(1_000_000 / (at + 1)),
          value: String(999_000 / (at + 1)),
        })),
      },
      now,
    ),
};

const riskLimit: Call = {
  needs: 'category',
  futuresOnly: true,
  run: ({ market, now, symbol, category }) =>
    ok(
      {
        category,
        list: market.instruments
          .filter((i) => symbol === '' || i.symbol === symbol)
          .flatMap((i) =>
            [1, 2, 3].map((tier) => ({
              id: tier,
              symbol: i.symbol,
              riskLimitValue: String(2_000_000 * tier),
              maintenanceMargin: String(0.005 * tier),
              initialMargin: String(0.01 * tier),
              isLowestRisk: tier === 1 ? 1 : 0,
              maxLeverage: (100 / tier).toFixed(2),
            })),
          ),
        nextPageCursor: '',
      },
      now,
    ),
};

const announcements: Call = {
  needs: 'nothing',
  run: ({ now }) =>
    ok(
      {
        total: 1,
        list: [
          {
            title: 'Simulated maintenance <window> & notice',
            description: 'Nothing happens.',
            type: { title: 'Maintenance Updates', key: 'maintenance_updates' },
            tags: ['Simulator'],
            url: 'https://announcements.bybit.com/article/simulated/',
            dateTimestamp: Math.floor(now / DAY) * DAY,
          },
        ],
      },
      now,
    ),
};

/** Hourly, from the spread of the marks of the hour, a year. */
const volatility: Call = {
  needs: 'nothing',
  run({ market, query, now }) {
    const symbol = `${query.get('baseCoin') ?? 'BTC'}USDT`;
    if (!market.instruments.some((i) => i.symbol === symbol)) return failure(10001, 'baseCoin invalid', now);
    const last = Math.floor(now / HOUR) * HOUR;
    const result = Array.from({ length: 24 }, (_, i) => last - i * HOUR).map((at) => {
      const [from, to] = [market.mark(symbol, at - HOUR).mark, market.mark(symbol, at).mark];
      return { period: 30, value: (Math.abs(Math.log(to / from)) * Math.sqrt(24 * 365)).toFixed(8), time: String(at) };
    });
    const body = JSON.stringify({ retCode: 0, retMsg: 'SUCCESS', category: 'option', result });
    return { status: 200, body, weight: 1 };
  },
};

const optionTickers: Call = {
  needs: 'nothing',
  run({ market, query, now }) {
    const base = query.get('baseCoin') ?? 'BTC';
    const symbol = `${base}USDT`;
    if (!market.instruments.some((i) => i.symbol === symbol)) return failure(10001, 'baseCoin invalid', now);
    const { mark } = market.mark(symbol, now);
    const list = [0.9, 1, 1.1].flatMap((ratio) =>
      (['C', 'P'] as const).map((type) => {
        const strike = Math.round((mark * ratio) / 1000) * 1000;
        const value = Math.max(0, type === 'C' ? mark - strike : strike - mark) + mark * 0.02;
        return {
          symbol: `${base}-26DEC30-${strike}-${type}-USDT`,
          markPrice: value.toFixed(4),
          markIv: '0.55',
          underlyingPrice: mark.toFixed(4),
          openInterest: String(type === 'C' ? 120 : 80),
          volume24h: '10.5',
          delta: type === 'C' ? '0.5' : '-0.5',
          gamma: '0.00001',
          vega: '120.5',
          theta: '-30.1',
        };
      }),
    );
    return ok({ category: 'option', list }, now);
  },
};

const deliveryPrices: Call = {
  needs: 'nothing',
  run({ market, query, now }) {
    const symbol = `${query.get('baseCoin') ?? 'BTC'}USDT`;
    if (!market.instruments.some((i) => i.symbol === symbol)) return failure(10001, 'baseCoin invalid', now);
    const last = Math.floor(now / DAY) * DAY;
    const list = Array.from({ length: 10 }, (_, i) => last - i * DAY).map((at) => ({
      deliveryPrice: String(market.mark(symbol, at).index),
      deliveryTime: String(at),
    }));
    return ok({ category: 'option', list }, now);
  },
};

/** Calls of options are under `path#option`: they share paths with the other categories. */
export const ENDPOINTS: Readonly<Record<string, Call>> = {
  '/v5/market/kline': longKlines,
  '/v5/market/account-ratio': accountRatio,
  '/v5/market/insurance': insurance,
  '/v5/market/risk-limit': riskLimit,
  '/v5/announcements/index': announcements,
  '/v5/market/historical-volatility#option': volatility,
  '/v5/market/tickers#option': optionTickers,
  '/v5/market/new-delivery-price#option': deliveryPrices,
};
