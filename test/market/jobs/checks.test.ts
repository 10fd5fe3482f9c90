import { describe, expect, test } from 'vitest';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { bookIssues } from '../../../src/market/jobs/checks/books.ts';
import { compareFunding, compareVenues } from '../../../src/market/jobs/checks/cross-venue.ts';
import { findGaps, gapSeverity, missingMinutes, usualInterval } from '../../../src/market/jobs/checks/gaps.ts';
import { checkPrices, checkQuotes, priceDeviations } from '../../../src/market/jobs/checks/prices.ts';
import { silentLossFindings, volumeDifferences } from '../../../src/market/jobs/checks/silent-loss.ts';
import { detectAnomaly, median, statistics } from '../../../src/market/jobs/checks/statistics.ts';
import {
  checkCandles,
  checkFunding,
  checkLiquidations,
  checkOpenInterest,
  checkTrades,
} from '../../../src/market/jobs/checks/streams.ts';
import { fingerprintOf, joinByVenue } from '../../../src/market/jobs/finding.ts';
import { healthScore } from '../../../src/market/jobs/health.ts';
import { interpolate, interpolationRule } from '../../../src/market/jobs/interpolate.ts';
import { keyOf } from './bench.ts';

const { validation: rules, interpolation: limits } = marketConfigSchema.parse({});
const MINUTE = 60_000_000;
const trade = (i: number, price: number, extra: Record<string, unknown> = {}) => ({
  row_key: String(i),
  trade_id: String(i),
  event_time: i * 1_000_000,
  recv_time: i * 1_000_000 + 20_000,
  price,
  quantity: 1,
  origin: 'live',
  ...extra,
});

describe('statistics', () => {
  test('the worked example of the documentation', () => {
    const s = statistics([2, 4, 4, 4, 5, 5, 7, 9]);
    expect(s).toMatchObject({ count: 8, mean: 5, population_std: 2, median: 4.5, min: 2, max: 9 });
  });
  test('nothing gives nulls, one value has no sample deviation', () => {
    expect(statistics([])).toMatchObject({ count: 0, mean: null, std: null, median: null });
    expect(statistics([3])).toMatchObject({ mean: 3, std: null, population_std: 0 });
    expect(median([])).toBeNull();
  });
  test('anomaly steps at 3, 3.5 and 4 population deviations', () => {
    const history = [...Array<number>(8).fill(-1), ...Array<number>(8).fill(1)];
    expect(detectAnomaly(3, history, rules).severity).toBeNull();
    expect(detectAnomaly(3.2, history, rules).severity).toBe('low');
    expect(detectAnomaly(-3.7, history, rules).severity).toBe('medium');
    expect(detectAnomaly(4.1, history, rules)).toMatchObject({ severity: 'high', z_score: 4.1 });
  });
  test('too few samples or a constant history give no score, and say why', () => {
    expect(detectAnomaly(5, [1, 2, 3], rules)).toMatchObject({ z_score: null, severity: null });
    expect(detectAnomaly(5, Array<number>(20).fill(1), rules).reason).toMatch(/constant/);
    expect(detectAnomaly(1, Array<number>(20).fill(1), rules).z_score).toBe(0);
  });
});

describe('prices', () => {
  test('a spike is found and does not enter the average', () => {
    const rows = Array.from({ length: 100 }, (_, i) => trade(i, i === 50 || i === 51 ? 200 : 100));
    const found = priceDeviations(keyOf('trades'), rows, rules);
    expect(found.map((d) => d.row['row_key'])).toEqual(['50', '51']);
    expect(found[1]?.average).toBe(100);
    expect(found[0]?.deviation_percent).toBeCloseTo(100);
  });
  test('a wrong first row does not condemn the rest', () => {
    const rows = Array.from({ length: 30 }, (_, i) => trade(i, i === 0 ? 200 : 100));
    expect(priceDeviations(keyOf('trades'), rows, rules).map((d) => d.row['row_key'])).toEqual(['0']);
  });
  test('49 % is allowed, 51 % is not; under three rows nothing is judged', () => {
    const rows = (last: number) => [...Array.from({ length: 20 }, (_, i) => trade(i, 100)), trade(20, last)];
    expect(priceDeviations(keyOf('trades'), rows(149), rules)).toHaveLength(0);
    expect(priceDeviations(keyOf('trades'), rows(151), rules)).toHaveLength(1);
    expect(priceDeviations(keyOf('trades'), [trade(0, 100), trade(1, 500)], rules)).toHaveLength(0);
  });
  test('the finding is an anomaly with its z-score, keys and bounds', () => {
    const rows = Array.from({ length: 60 }, (_, i) => trade(i, i === 40 ? 300 : 100 + (i % 2)));
    const [finding] = checkPrices(keyOf('trades'), rows, rules);
    expect(finding).toMatchObject({
      issue_type: 'price_deviation',
      action: 'quarantine',
      event: 'analysis.anomaly_detected',
      keys: ['40'],
    });
    expect(finding?.details['z_score']).toBeGreaterThan(4);
    expect(finding).toMatchObject({ from: 40_000_000, to: 40_000_001 });
  });
  test('a price that is not positive, and a crossed quote', () => {
    expect(checkPrices(keyOf('trades'), [trade(0, 0)], rules)[0]?.issue_type).toBe('invalid_price');
    const quotes = [
      { bid_price: 10, ask_price: 10, event_time: 1, row_key: 'a' },
      { bid_price: 9, ask_price: 10, event_time: 2 },
    ];
    expect(checkQuotes(keyOf('prices'), quotes)).toMatchObject([
      { issue_type: 'crossed_quote', action: 'reject', keys: ['a'] },
    ]);
  });
});

describe('books', () => {
  const bids = [
    [99, 1],
    [98, 1],
    [97, 1],
  ] as const;
  const asks = [
    [101, 1],
    [102, 1],
    [103, 1],
  ] as const;
  test('a sound book has no issue', () => expect(bookIssues(bids, asks, rules)).toEqual([]));
  test('each issue', () => {
    expect(bookIssues(bids.slice(0, 2), [], rules)).toEqual(['insufficient_bids', 'insufficient_asks']);
    expect(
      bookIssues(
        [
          [102, 1],
          [98, 1],
          [97, 1],
        ],
        asks,
        rules,
      ),
    ).toEqual(['crossed_book']);
    expect(
      bookIssues(
        [
          [80, 1],
          [79, 1],
          [78, 1],
        ],
        asks,
        rules,
      ),
    ).toEqual(['wide_spread']);
    expect(
      bookIssues(
        [
          [97, 1],
          [98, 1],
          [96, 1],
        ],
        [
          [101, 1],
          [103, 1],
          [102, 1],
        ],
        rules,
      ),
    ).toEqual(['unsorted_bids', 'unsorted_asks']);
  });
});

describe('streams', () => {
  test('trades: order of arrival, age, delay, quantity, repeated ids; backfilled rows are not late', () => {
    const rows = [
      trade(1, 100),
      trade(3, 100, { recv_time: 3_020_000 }),
      trade(2, 100, { recv_time: 3_030_000 }),
      trade(4, 100, { quantity: 0 }),
      trade(5, 100, { recv_time: 8_500_000 }),
      trade(6, 100, { recv_time: 100_000_000 }),
      trade(7, 100, { recv_time: 500_000_000, origin: 'backfill' }),
      trade(8, 100, { trade_id: '1' }),
    ];
    const types = checkTrades(keyOf('trades'), rows, rules).map((f) => [f.issue_type, f.keys]);
    expect(types).toContainEqual(['trade_out_of_order', ['2', '5', '6']]);
    expect(types).toContainEqual(['invalid_quantity', ['4']]);
    expect(types).toContainEqual(['delayed_delivery', ['5']]);
    expect(types).toContainEqual(['late_trade', ['6']]);
    expect(types).toContainEqual(['duplicate_trade', ['8']]);
  });
  test('funding beyond one percent', () => {
    const rows = [
      { funding_rate: 0.0099, row_key: 'a' },
      { funding_rate: -0.011, row_key: 'b' },
    ];
    expect(checkFunding(keyOf('funding_rates'), rows, rules)).toMatchObject([{ keys: ['b'], action: 'quarantine' }]);
  });
  test('open interest: negative, and a jump beyond half', () => {
    const rows = [10, 16, -1].map((open_interest, i) => ({ open_interest, row_key: String(i), event_time: i }));
    const types = checkOpenInterest(keyOf('open_interest'), rows, rules).map((f) => f.issue_type);
    expect(types).toEqual(['negative_open_interest', 'open_interest_jump']);
  });
  test('liquidation value is price times quantity', () => {
    const sound = { price: 10, quantity: 2, value_usd: 20 };
    expect(checkLiquidations(keyOf('liquidations'), [sound])).toEqual([]);
    expect(checkLiquidations(keyOf('liquidations'), [{ ...sound, value_usd: 21 }])).toHaveLength(1);
    expect(checkLiquidations(keyOf('liquidations'), [{ ...sound, value_usd: null }])).toEqual([]);
  });
  test('impossible candles', () => {
    const candle = { open: 10, high: 11, low: 9, close: 10, volume: 1 };
    expect(checkCandles(keyOf('candles'), [candle])).toEqual([]);
    expect(
      checkCandles(keyOf('candles'), [
        { ...candle, high: 9.5 },
        { ...candle, volume: -1 },
      ])[0]?.count,
    ).toBe(2);
  });
  test('a slow connection is one issue, not one a symbol', () => {
    const late = checkTrades(keyOf('trades'), [trade(5, 1, { recv_time: 8_500_000 })], rules);
    const both = joinByVenue([...late, ...late.map((f) => ({ ...f, symbol: 'ETHUSDT' }))]);
    expect(both).toHaveLength(1);
    expect(both[0]).toMatchObject({ symbol: '*', count: 2 });
  });
});

describe('gaps', () => {
  const apart = (times: readonly number[]) => ({
    first: times[0] ?? null,
    last: times.at(-1) ?? null,
    silences: times.slice(1).map((time, i): [number, number] => [times[i]!, time]),
  });
  test('leading, inner and trailing', () => {
    const times = [10, 11, 12, 20, 21].map((s) => s * 1_000_000);
    const gaps = findGaps({ ...apart(times), from: 0, to: 30_000_000, interval: 1_000_000, factor: 2 });
    expect(gaps.map((g) => [g.place, g.duration_seconds])).toEqual([
      ['leading', 10],
      ['inner', 8],
      ['trailing', 9],
    ]);
  });
  test('no rows at all is one gap; exactly the limit is none', () => {
    expect(findGaps({ ...apart([]), from: 0, to: 5, interval: 1, factor: 2 })).toHaveLength(1);
    expect(findGaps({ ...apart([0, 2]), from: 0, to: 2, interval: 1, factor: 2 })).toEqual([]);
  });
  test('missing minutes are joined; parts of minutes at the edges do not count', () => {
    const open = [0, 1, 4].map((m) => m * MINUTE);
    const gaps = missingMinutes(open, 30_000_000 - MINUTE, 6 * MINUTE + 1);
    expect(gaps.map((g) => [g.from / MINUTE, g.to / MINUTE, g.expected_rows])).toEqual([
      [2, 4, 2],
      [5, 6, 1],
    ]);
  });
  test('usual interval and severity', () => {
    expect(usualInterval([0, 1, 2, 10])).toBe(1);
    expect(usualInterval([0, 1])).toBeNull();
    expect([10, 301, 3601, 14_401].map(gapSeverity)).toEqual(['low', 'medium', 'high', 'critical']);
  });
});

describe('silent loss', () => {
  const candles = [
    { open_time: MINUTE, volume: 10 },
    { open_time: 2 * MINUTE, volume: 10 },
  ];
  const trades = new Map([
    [MINUTE, 10],
    [2 * MINUTE, 7],
  ]);
  test('a minute whose trades do not sum to its candle', () => {
    const found = volumeDifferences(candles, trades, 0, 4 * MINUTE, rules);
    expect(found).toEqual([{ open_time: 2 * MINUTE, candle_volume: 10, trade_volume: 7, difference_percent: 30 }]);
    const [finding] = silentLossFindings(keyOf('trades'), found);
    expect(finding).toMatchObject({ action: 'backfill', from: 2 * MINUTE, to: 3 * MINUTE });
    expect(fingerprintOf(finding!)).toBe(`binance/futures/BTCUSDT/trades:silent_trade_loss:${2 * MINUTE}`);
  });
  test('minutes at the edge of collecting do not count', () => {
    expect(volumeDifferences(candles, trades, 2 * MINUTE + 1, 4 * MINUTE, rules)).toEqual([]);
    expect(volumeDifferences(candles, trades, 0, 3 * MINUTE - 1, rules)).toEqual([]);
  });
});

describe('venues', () => {
  const at = (exchange: string, value: number, time = 100) => ({ exchange, market: 'futures' as const, value, time });
  test('consistent, wide and alert', () => {
    expect(compareVenues('X', [at('a', 100), at('b', 100.4)], rules, 10).verdict).toBe('consistent');
    expect(compareVenues('X', [at('a', 100), at('b', 100.6)], rules, 10).verdict).toBe('wide');
    const alert = compareVenues('X', [at('a', 100), at('b', 100.1), at('c', 102)], rules, 10);
    expect(alert).toMatchObject({ verdict: 'alert', outliers: ['c_futures'] });
    expect(alert.spread_percent).toBeCloseTo(2);
  });
  test('stale values are left out and named; one value decides nothing', () => {
    expect(compareVenues('X', [at('a', 100, 0), at('b', 150, 100)], rules, 10)).toMatchObject({
      verdict: 'undecided',
      stale: ['a_futures'],
    });
    expect(compareVenues('X', [], rules, 10).verdict).toBe('undecided');
  });
  test('funding is compared over 8 h whatever the interval, negative rates too', () => {
    const rate = (exchange: string, value: number, hours: number | null) => ({
      exchange,
      market: 'futures' as const,
      rate: value,
      hours,
    });
    const same = compareFunding('X', [rate('a', 0.0008, 8), rate('b', 0.0001, 1)], rules);
    expect(same).toMatchObject({ verdict: 'consistent', divergence_percent: 0 });
    expect(compareFunding('X', [rate('a', -0.002, 8), rate('b', 0.002, 8)], rules).verdict).toBe('divergent');
    expect(compareFunding('X', [rate('a', 0.1, null), rate('b', 0, 8)], rules).verdict).toBe('undecided');
  });
});

describe('interpolation rules', () => {
  test('what may be filled, and how', () => {
    expect(interpolationRule('prices', 299, limits).preferred).toBe('linear');
    expect(interpolationRule('prices', 300, limits)).toMatchObject({
      preferred: 'forward_fill',
      strategies: ['forward_fill'],
    });
    expect(interpolationRule('funding_rates', 60, limits).strategies).toEqual(['forward_fill']);
    expect(interpolationRule('open_interest', 60, limits).preferred).toBe('linear');
    for (const stream of ['orderbooks', 'trades', 'liquidations', 'candles', 'ticker_24h'] as const) {
      expect(interpolationRule(stream, 60, limits).strategies).toEqual([]);
    }
    expect(interpolationRule('prices', 14_401, limits).strategies).toEqual([]);
  });
  test('a line between two readings, and the last known value', () => {
    const before = { time: 0, values: { x: 10, y: null } };
    const after = { time: 10, values: { x: 20, y: 5 } };
    expect(interpolate(before, after, 10, 5, 'linear')).toEqual([
      { event_time: 5, method: 'interpolated_linear', values: { x: 15, y: null } },
    ]);
    expect(interpolate(before, null, 10, 5, 'linear')).toEqual([]);
    expect(interpolate(before, null, 10, 4, 'forward_fill').map((r) => r.values['x'])).toEqual([10, 10]);
  });
});

describe('health score', () => {
  const well = {
    exchanges_connected: 8,
    exchanges_total: 8,
    pass_rate: 100,
    pending_escalations: 0,
    recent_criticals: 0,
    errors: 0,
    actions: 10,
  };
  test('a freshly built system with nothing connected scores 70', () => {
    expect(healthScore({ ...well, exchanges_connected: 0 }).score).toBe(70);
    expect(healthScore(well).score).toBe(100);
  });
  test('each penalty and its bound', () => {
    expect(healthScore({ ...well, pass_rate: 90 }).score).toBe(98);
    expect(healthScore({ ...well, pass_rate: null }).score).toBe(100);
    expect(healthScore({ ...well, pending_escalations: 50 }).score).toBe(80);
    expect(healthScore({ ...well, recent_criticals: 2 }).score).toBe(90);
    expect(healthScore({ ...well, recent_criticals: 9 }).score).toBe(85);
    expect(healthScore({ ...well, errors: 1 }).score).toBe(90);
    expect(healthScore({ ...well, errors: 1, actions: 0 }).score).toBe(100);
    const worst = {
      exchanges_connected: 0,
      exchanges_total: 8,
      pass_rate: 0,
      pending_escalations: 99,
      recent_criticals: 9,
      errors: 9,
      actions: 9,
    };
    expect(healthScore(worst).score).toBe(0);
  });
});
