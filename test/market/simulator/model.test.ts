import { describe, expect, it } from 'vitest';
import { DEFAULT_SYMBOLS } from '../../../src/market/domain/instrument.ts';
import type { SimulatedMarket } from '../../../src/market/exchanges/simulator-contract.ts';
import { marketKey } from '../../../src/market/domain/records.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { createSimulatedMarkets, type ModelMarket } from '../../../src/market/simulator/model/market.ts';

const NOW = Date.UTC(2026, 2, 14, 15, 9, 26, 535);
const MINUTE = 60_000;
const DAY = 86_400_000;
const SYMBOLS = ['BTCUSDT', 'ARUSDT', 'BRETTUSDT'];

function market(key: string, symbols: readonly string[] = SYMBOLS, seed = 7): ModelMarket {
  const found = createSimulatedMarkets({ seed, symbols, at: Date.UTC(2026, 4, 5) }).get(key);
  if (found === undefined) throw new Error(`no market ${key}`);
  return found;
}

function cuts(from: number, to: number, steps: readonly number[]): [number, number][] {
  const parts: [number, number][] = [];
  let at = from;
  for (let i = 0; at < to; i++) {
    const next = Math.min(to, at + (steps[i % steps.length] ?? 1));
    parts.push([at, next]);
    at = next;
  }
  return parts;
}

describe('the market model', () => {
  it('lists what each venue lists', () => {
    const all = createSimulatedMarkets({ seed: 7, symbols: DEFAULT_SYMBOLS, at: Date.UTC(2026, 4, 5) });
    const keys = simulators.flat().map((venue) => marketKey(venue.exchange, venue.market));
    expect([...all.keys()]).toEqual(keys);
    for (const [key, { instruments }] of all) {
      expect(instruments.length, key).toBeGreaterThan(0);
      for (const name of ['symbol', 'venue_symbol'] as const) {
        expect(new Set(instruments.map((i) => i[name])).size, key).toBe(instruments.length);
      }
      expect(
        instruments.every((i) => marketKey(i.exchange, i.market) === key),
        key,
      ).toBe(true);
    }
    expect(all.get('binance_spot')?.instruments).toHaveLength(7);
    expect(all.get('binance_spot')?.instruments.map((i) => i.symbol)).not.toContain('BRETTUSDT');
  });

  it('makes the markets that are asked for, the same as among all', () => {
    const some = createSimulatedMarkets({ seed: 7, symbols: DEFAULT_SYMBOLS, at: NOW, markets: ['bybit_spot'] });
    expect([...some.keys()]).toEqual(['bybit_spot']);
    const all = createSimulatedMarkets({ seed: 7, symbols: DEFAULT_SYMBOLS, at: NOW });
    const trades = (markets: typeof all) => markets.get('bybit_spot')?.trades('BTCUSDT', NOW, NOW + 60_000);
    expect(trades(some)?.length).toBeGreaterThan(0);
    expect(trades(some)).toEqual(trades(all));
    expect(some.get('bybit_spot')?.book('ETHUSDT', NOW)).toEqual(all.get('bybit_spot')?.book('ETHUSDT', NOW));
  });

  it('gives the same past after it has long been asked for the present only', () => {
    const calm = market('binance_futures');
    const before = calm.trades('BTCUSDT', NOW - 3 * MINUTE, NOW);
    for (let i = 0; i < 4_000; i++) calm.trades('BTCUSDT', NOW + i, NOW + i + 1);
    expect(before.length).toBeGreaterThan(0);
    expect(calm.trades('BTCUSDT', NOW - 3 * MINUTE, NOW)).toEqual(before);
    const past = NOW - 100 * MINUTE;
    const trades = calm.trades('BTCUSDT', past, past + MINUTE);
    expect(trades.length).toBeGreaterThan(0);
    expect(trades).toEqual(market('binance_futures').trades('BTCUSDT', past, past + MINUTE));
  });

  it('gives the same whatever was asked before, in whatever pieces', () => {
    const whole = market('binance_futures');
    const pieces = market('binance_futures');
    pieces.candle('ARUSDT', NOW - 3 * DAY, NOW);
    pieces.book('BTCUSDT', NOW + 5 * DAY);
    for (const symbol of SYMBOLS) {
      const parts = cuts(NOW, NOW + 150_000, [1, 7, 100, 49_999, 333, 12_345]);
      // Backwards, so that nothing can depend on having gone forwards.
      const trades = parts.toReversed().map(([from, to]) => pieces.trades(symbol, from, to));
      expect(trades.toReversed().flat()).toEqual(whole.trades(symbol, NOW, NOW + 150_000));
      const changes = parts.slice(0, 40).map(([from, to]) => pieces.bookChanges(symbol, from, to));
      const end = parts[39]?.[1] ?? NOW + 150_000;
      expect(changes.flat()).toEqual(whole.bookChanges(symbol, NOW, end));
      const forced = parts.map(([from, to]) => pieces.liquidations(symbol, from, to));
      expect(forced.flat()).toEqual(whole.liquidations(symbol, NOW, NOW + 150_000));
      expect(pieces.mark(symbol, NOW + 999)).toEqual(whole.mark(symbol, NOW + 999));
    }
  });

  it('gives the same ticker whatever was asked before', () => {
    const used = market('bybit_spot', ['BRETTUSDT']);
    for (const at of [NOW - 3 * DAY, NOW + 5 * MINUTE, NOW - MINUTE]) used.ticker('BRETTUSDT', at);
    expect(used.ticker('BRETTUSDT', NOW + 1234)).toEqual(
      market('bybit_spot', ['BRETTUSDT']).ticker('BRETTUSDT', NOW + 1234),
    );
  });

  it('differs by seed', () => {
    const one = market('bybit_spot', SYMBOLS, 7).trades('BTCUSDT', NOW, NOW + MINUTE);
    const other = market('bybit_spot', SYMBOLS, 8).trades('BTCUSDT', NOW, NOW + MINUTE);
    expect(one).not.toEqual(other);
  });

  it('numbers trades without holes, in order of time, across minutes and spans', () => {
    const m = market('binance_spot');
    // 2^11 minutes is the longest span that counts are shared out over: its border must not show.
    const border = Math.ceil(NOW / (2048 * MINUTE)) * 2048 * MINUTE;
    for (const begin of [NOW, border - 90_000]) {
      const trades = m.trades('BTCUSDT', begin, begin + 4 * MINUTE);
      expect(trades.length).toBeGreaterThan(100);
      trades.forEach((trade, i) => {
        expect(trade.id).toBe((trades[0]?.id ?? 0) + i);
        expect(trade.at).toBeGreaterThanOrEqual(trades[i - 1]?.at ?? begin);
        expect(trade.at).toBeLessThan(begin + 4 * MINUTE);
      });
      expect(m.tradeIdAt('BTCUSDT', begin)).toBe(trades[0]?.id);
      expect(m.tradesFrom('BTCUSDT', trades[10]?.id ?? 0, 50, begin + 4 * MINUTE)).toEqual(trades.slice(10, 60));
    }
  });

  it('makes candles of exactly its trades', () => {
    for (const key of ['binance_futures', 'bybit_spot']) {
      const m = market(key);
      for (const symbol of SYMBOLS) {
        const open = Math.floor(NOW / MINUTE) * MINUTE;
        for (const at of [open + 21_500, open + MINUTE]) {
          const trades = m.trades(symbol, open, at);
          const candle = m.candle(symbol, open, at);
          const prices = trades.map((t) => t.price);
          const d = m.decimals(symbol);
          const sum = (list: readonly { quantity: number; price: number }[]): number =>
            Number(list.reduce((total, t) => total + t.quantity, 0).toFixed(d.quantity));
          const value = (list: readonly { quantity: number; price: number }[]): bigint =>
            list.reduce((total, t) => total + whole(t.price, d.price) * whole(t.quantity, d.quantity), 0n);
          const buys = trades.filter((t) => t.side === 'buy');
          const scale = 10 ** (d.price + d.quantity);
          expect(candle).toEqual({
            openTime: open,
            open: prices[0],
            high: Math.max(...prices),
            low: Math.min(...prices),
            close: prices.at(-1),
            volume: sum(trades),
            quoteVolume: Number(value(trades)) / scale,
            count: trades.length,
            takerBuyVolume: sum(buys),
            takerBuyQuote: Number(value(buys)) / scale,
            firstId: trades[0]?.id,
          });
        }
      }
    }
  });

  it('has no candle before the first trade of its minute', () => {
    const m = market('binance_futures');
    const open = Math.floor(NOW / MINUTE) * MINUTE;
    expect(m.candle('ARUSDT', open, open)).toBeUndefined();
    const first = m.trades('ARUSDT', open, open + MINUTE)[0]?.at ?? 0;
    expect(m.candle('ARUSDT', open, first)).toBeUndefined();
    expect(m.candle('ARUSDT', open, first + 1)?.count).toBeGreaterThanOrEqual(1);
  });

  it('makes the 24 h ticker of exactly its trades', () => {
    const m = market('bybit_spot', ['ARUSDT']);
    const at = NOW;
    const ticker = m.ticker('ARUSDT', at);
    expect(ticker.openTime).toBe((Math.floor(at / MINUTE) - 1439) * MINUTE);
    const trades = m.trades('ARUSDT', ticker.openTime, at);
    const prices = trades.map((t) => t.price);
    expect(ticker.count).toBe(trades.length);
    expect(ticker.open).toBe(prices[0]);
    expect(ticker.last).toBe(prices.at(-1));
    expect(ticker.high).toBe(Math.max(...prices));
    expect(ticker.low).toBe(Math.min(...prices));
    expect(ticker.volume).toBeCloseTo(
      trades.reduce((sum, t) => sum + t.quantity, 0),
      3,
    );
    expect(ticker.quoteVolume).toBeCloseTo(
      trades.reduce((sum, t) => sum + t.quantity * t.price, 0),
      2,
    );
    // The window moves on: a market that kept yesterday's minutes agrees with one that starts now.
    expect(m.ticker('ARUSDT', at + DAY + 3 * MINUTE)).toEqual(
      market('bybit_spot', ['ARUSDT']).ticker('ARUSDT', at + DAY + 3 * MINUTE),
    );
  });

  it.each(['binance_futures', 'binance_spot', 'bybit_futures', 'bybit_spot'])(
    'keeps the books of %s whole: rebuilt from changes, never crossed, without holes in the sequence',
    (key) => {
      const m = market(key);
      for (const symbol of m.instruments.map((i) => i.symbol)) {
        const start = m.book(symbol, NOW);
        const bids = new Map(start.bids);
        const asks = new Map(start.asks);
        let seq = start.seq;
        for (const change of m.bookChanges(symbol, NOW, NOW + 20_000)) {
          expect([change.prevSeq, change.firstSeq]).toEqual([seq, seq + 1]);
          expect(change.lastSeq).toBeGreaterThanOrEqual(change.firstSeq);
          expect(change.bids.length + change.asks.length).toBeGreaterThan(0);
          seq = change.lastSeq;
          for (const [side, levels] of [
            [bids, change.bids],
            [asks, change.asks],
          ] as const) {
            for (const [price, quantity] of levels) {
              if (quantity === 0) expect(side.delete(price)).toBe(true);
              else side.set(price, quantity);
            }
          }
          expect(Math.max(...bids.keys())).toBeLessThan(Math.min(...asks.keys()));
        }
        const end = m.book(symbol, NOW + 20_000);
        expect(end.seq).toBe(seq);
        expect([...bids].sort((a, b) => b[0] - a[0])).toEqual(end.bids);
        expect([...asks].sort((a, b) => a[0] - b[0])).toEqual(end.asks);
        expect(Math.min(end.bids.length, end.asks.length)).toBeGreaterThanOrEqual(50);
      }
    },
  );

  it('numbers book frames one by one where the venue does', () => {
    const changes = market('bybit_futures').bookChanges('BTCUSDT', NOW, NOW + 3000);
    changes.forEach((change) => expect(change.lastSeq).toBe(change.prevSeq + 1));
  });

  it('trades at the touch or a few ticks beyond it', () => {
    const m = market('bybit_futures');
    const tick = m.instruments.find((i) => i.symbol === 'BTCUSDT')?.tick_size ?? 0;
    for (const trade of m.trades('BTCUSDT', NOW, NOW + 30_000)) {
      const book = m.book('BTCUSDT', Math.floor(trade.at / 100) * 100 + 1, 1);
      const touch = (trade.side === 'buy' ? book.asks[0]?.[0] : book.bids[0]?.[0]) ?? 0;
      const beyond = (trade.price - touch) * (trade.side === 'buy' ? 1 : -1);
      expect(beyond).toBeGreaterThanOrEqual(-tick / 2);
      expect(beyond).toBeLessThanOrEqual(3.5 * tick);
    }
  });

  it('keeps prices positive and venues together over a year', () => {
    const all = createSimulatedMarkets({ seed: 7, symbols: DEFAULT_SYMBOLS, at: Date.UTC(2026, 4, 5) });
    for (let day = 0; day < 365; day += 1.7) {
      const at = NOW + day * DAY;
      for (const symbol of DEFAULT_SYMBOLS) {
        const mids = [...all.values()].filter((m) => listed(m, symbol)).map((m) => middle(m, symbol, at));
        expect(Math.min(...mids)).toBeGreaterThan(0);
        expect((Math.max(...mids) / Math.min(...mids) - 1) * 100).toBeLessThan(0.4);
      }
    }
  });

  it('moves like a market: symbols together, wild and calm times', () => {
    const m = market('binance_futures', ['BTCUSDT', 'ETHUSDT']);
    const returns = (symbol: string): number[] =>
      Array.from({ length: 900 }, (_, i) => {
        const at = Math.floor(NOW / MINUTE) * MINUTE + i * 5 * MINUTE;
        return Math.log(m.mark(symbol, at + 5 * MINUTE).index / m.mark(symbol, at).index);
      });
    const [btc, eth] = [returns('BTCUSDT'), returns('ETHUSDT')];
    expect(correlation(btc, eth)).toBeGreaterThan(0.4);
    const deviation = Math.sqrt(btc.reduce((sum, r) => sum + r * r, 0) / btc.length);
    const daily = deviation * Math.sqrt(288);
    expect(daily).toBeGreaterThan(0.008);
    expect(daily).toBeLessThan(0.08);
    const sizes = btc.map(Math.abs);
    // The size of a move foretells the next one's: volatility clusters, directions do not.
    expect(correlation(sizes.slice(0, -1), sizes.slice(1))).toBeGreaterThan(0.08);
    expect(Math.abs(correlation(btc.slice(0, -1), btc.slice(1)))).toBeLessThan(0.15);
  });

  it('trades at the pace of a market, with a heavy tail of sizes', () => {
    const m = market('binance_futures', ['BTCUSDT', 'BRETTUSDT']);
    const perSecond = (symbol: string): number =>
      (m.tradeIdAt(symbol, NOW + 10 * DAY) - m.tradeIdAt(symbol, NOW)) / 864_000;
    expect(perSecond('BTCUSDT')).toBeGreaterThan(5);
    expect(perSecond('BTCUSDT')).toBeLessThan(20);
    expect(perSecond('BRETTUSDT')).toBeLessThan(2);
    const sizes = m
      .trades('BTCUSDT', NOW, NOW + 20 * MINUTE)
      .map((t) => t.quantity)
      .sort((a, b) => a - b);
    const median = sizes[Math.floor(sizes.length / 2)] ?? 0;
    expect((sizes.at(-1) ?? 0) / median).toBeGreaterThan(20);
  });

  it('leaves no series silent for more than 8 s', () => {
    for (const [key, m] of createSimulatedMarkets({ seed: 3, symbols: DEFAULT_SYMBOLS, at: Date.UTC(2026, 4, 5) })) {
      for (const { symbol } of m.instruments) {
        const times = m.trades(symbol, NOW, NOW + 5 * MINUTE).map((t) => t.at);
        expect(longestGap(times, NOW, NOW + 5 * MINUTE), `${key} ${symbol} trades`).toBeLessThan(8000);
        if (m.market !== 'futures') continue;
        const forced = m.liquidations(symbol, NOW, NOW + 5 * MINUTE);
        const gap = longestGap(
          forced.map((l) => l.at),
          NOW,
          NOW + 5 * MINUTE,
        );
        // Where liquidations are trades, they wait for the next one.
        const most = forced[0]?.tradeId === undefined ? 8001 : 10_000;
        expect(gap, `${key} ${symbol} liquidations`).toBeLessThan(most);
      }
    }
  });

  it('liquidates in cascades when the price runs', () => {
    const m = market('bybit_futures', ['BTCUSDT']);
    const counts = Array.from({ length: 900 }, (_, i) => {
      const at = Math.floor(NOW / 4000) * 4000 + i * 4000;
      const move = Math.log(m.mark('BTCUSDT', at).index / m.mark('BTCUSDT', at - 20_000).index);
      const slot = m.liquidations('BTCUSDT', at, at + 4000);
      return { move, count: slot.length, longs: slot.filter((l) => l.side === 'long').length };
    });
    const runs = counts.filter((c) => c.count >= 4);
    expect(runs.length).toBeGreaterThan(5);
    expect(runs.length).toBeLessThan(300);
    for (const run of runs) expect(run.longs / run.count > 0.5).toBe(run.move < 0);
  });

  it('settles funding every 8 h, memes every 4 h, at the rate predicted last', () => {
    const m = market('bybit_futures');
    const hours = (symbol: string): number | null | undefined =>
      m.instruments.find((i) => i.symbol === symbol)?.funding_interval_hours;
    expect([hours('BTCUSDT'), hours('BRETTUSDT')]).toEqual([8, 4]);
    const settled = m.funding('BTCUSDT', NOW, NOW + DAY);
    expect(settled.map((f) => (f.at / 3_600_000) % 24)).toEqual([16, 0, 8]);
    expect(m.funding('BRETTUSDT', NOW, NOW + DAY)).toHaveLength(6);
    for (const f of settled) {
      const before = m.mark('BTCUSDT', f.at - 1);
      expect(before.nextFundingTime).toBe(f.at);
      expect(before.fundingRate).toBeCloseTo(f.rate, 7);
      expect(Math.abs(f.rate)).toBeLessThanOrEqual(0.003);
    }
  });

  it('makes up symbols that it does not know', () => {
    const m = market('bybit_futures', ['FOOUSDT']);
    expect(m.book('FOOUSDT', NOW).bids.length).toBeGreaterThanOrEqual(50);
    expect(m.trades('FOOUSDT', NOW, NOW + MINUTE).length).toBeGreaterThan(15);
  });
});

function whole(value: number, decimals: number): bigint {
  return BigInt(value.toFixed(decimals).replace('.', ''));
}

function listed(m: SimulatedMarket, symbol: string): boolean {
  return m.instruments.some((i) => i.symbol === symbol);
}

function middle(m: SimulatedMarket, symbol: string, at: number): number {
  const book = m.book(symbol, at, 1);
  return ((book.bids[0]?.[0] ?? 0) + (book.asks[0]?.[0] ?? 0)) / 2;
}

function longestGap(times: readonly number[], from: number, to: number): number {
  return Math.max(...[...times, to].map((at, i) => at - (times[i - 1] ?? from)));
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]): number => list.reduce((sum, x) => sum + x, 0) / list.length;
  const [ma, mb] = [mean(a), mean(b)];
  const cov = a.reduce((sum, x, i) => sum + (x - ma) * ((b[i] ?? 0) - mb), 0);
  const va = a.reduce((sum, x) => sum + (x - ma) ** 2, 0);
  const vb = b.reduce((sum, x) => sum + (x - mb) ** 2, 0);
  return cov / Math.sqrt(va * vb);
}
