import { z } from 'zod';
import { openInterestHistory } from '../shared/kinds/derivatives.ts';
import { longShortRatio } from '../shared/kinds/positioning.ts';
import { ownKind, series } from '../shared/kinds/series.ts';
import { iso } from '../shared/kinds/statistics.ts';
import { endpoint } from '../shared/question.ts';
import { baseUnits, nameOf, newest, symbolOf } from '../shared/readings.ts';
import { decimal, decimalOrNull } from '../shared/shapes.ts';
import { DOCS, FUTURES, ms } from './endpoint-questions.ts';
import { measure } from '../../domain/measure.ts';

/** Contract statistics, the insurance fund and risk tiers. */
type Periodic = { readonly interval: string; readonly limit: number };

const statsWire = z.array(
  z.looseObject({
    time: decimal,
    mark_price: decimalOrNull,
    open_interest: decimalOrNull,
    open_interest_usd: decimalOrNull,
    lsr_taker: decimalOrNull,
    lsr_account: decimalOrNull,
    top_lsr_account: decimalOrNull,
    top_lsr_size: decimalOrNull,
    long_liq_usd: decimalOrNull,
    short_liq_usd: decimalOrNull,
  }),
);

const request = {
  market: 'futures' as const,
  docs: `${DOCS}/#futures-statistics`,
  request: ({ interval, limit }: Periodic, i: Parameters<typeof nameOf>[0]) => ({
    path: `${FUTURES}/contract_stats`,
    query: { contract: nameOf(i), interval, limit },
    weight: 1,
  }),
  shape: statsWire,
};

const statsShape = z.object({
  symbol: z.string(),
  interval: z.string(),
  count: measure.count,
  open_interest: measure.size.nullable(),
  open_interest_quote: measure.value.nullable(),
  long_short_taker: measure.ratio.nullable(),
  long_short_accounts: measure.ratio.nullable(),
  top_long_short_accounts: measure.ratio.nullable(),
  top_long_short_positions: measure.ratio.nullable(),
  long_liquidations_quote: measure.value,
  short_liquidations_quote: measure.value,
  history: z.array(
    z.object({
      time: z.string().nullable(),
      open_interest: measure.size.nullable(),
      open_interest_quote: measure.value.nullable(),
      long_short_accounts: measure.ratio.nullable(),
      long_liquidations_quote: measure.value.nullable(),
      short_liquidations_quote: measure.value.nullable(),
    }),
  ),
});

export const stats = {
  kind: ownKind({
    name: 'contract_stats',
    about:
      'Statistics of one contract over time: open interest in base and quote units, long ÷ short of takers, accounts, and the top traders’ accounts and positions, and what was liquidated of longs and shorts in the quote currency (totals over the stretch), newest first.',
    output: statsShape,
    summary: (data) =>
      `${data.symbol}: ${data.count} periods of ${data.interval}, accounts long/short ${data.long_short_accounts ?? 'unknown'}.`,
  }),
  endpoint: endpoint({
    ...request,
    read: (rows, { instrument: i }, { interval }) => {
      const ordered = [...rows].sort((a, b) => b.time - a.time);
      const [last] = ordered;
      const sum = (of: (w: (typeof rows)[number]) => number | null): number =>
        rows.reduce((total, w) => total + (of(w) ?? 0), 0);
      const interest = (w: (typeof rows)[number] | undefined): number | null =>
        w === undefined ? null : baseUnits(i, w.open_interest, w.mark_price ?? NaN);
      return {
        value: {
          symbol: symbolOf(i),
          interval,
          count: rows.length,
          open_interest: interest(last),
          open_interest_quote: last?.open_interest_usd ?? null,
          long_short_taker: last?.lsr_taker ?? null,
          long_short_accounts: last?.lsr_account ?? null,
          top_long_short_accounts: last?.top_lsr_account ?? null,
          top_long_short_positions: last?.top_lsr_size ?? null,
          long_liquidations_quote: sum((w) => w.long_liq_usd),
          short_liquidations_quote: sum((w) => w.short_liq_usd),
          history: ordered.map((w) => ({
            time: iso(ms(w.time)),
            open_interest: interest(w),
            open_interest_quote: w.open_interest_usd,
            long_short_accounts: w.lsr_account,
            long_liquidations_quote: w.long_liq_usd,
            short_liquidations_quote: w.short_liq_usd,
          })),
        },
        time: last === undefined ? null : ms(last.time),
      };
    },
  }),
};

export const interestHistory = {
  kind: openInterestHistory,
  endpoint: endpoint({
    ...request,
    read: (rows, { instrument: i }, { interval }) => ({
      value: {
        symbol: symbolOf(i),
        period: interval,
        rows: rows.map((w) => ({
          time: ms(w.time),
          open_interest: baseUnits(i, w.open_interest, w.mark_price ?? NaN),
          open_interest_quote: w.open_interest_usd,
        })),
      },
      time: newest(rows.map((w) => ms(w.time))),
    }),
  }),
};

export const ratios = {
  kind: longShortRatio,
  endpoint: endpoint({
    ...request,
    read: (rows, { instrument: i }, { interval }) => {
      const group = (name: string, of: (w: (typeof rows)[number]) => number | null) => ({
        group: name,
        rows: rows.map((w) => ({ time: ms(w.time), long: null, short: null, ratio: of(w) })),
      });
      return {
        value: {
          symbol: symbolOf(i),
          period: interval,
          series: [
            group('accounts', (w) => w.lsr_account),
            group('top_accounts', (w) => w.top_lsr_account),
            group('top_positions', (w) => w.top_lsr_size),
            group('taker', (w) => w.lsr_taker),
          ],
        },
        time: newest(rows.map((w) => ms(w.time))),
      };
    },
  }),
};

export const fund = {
  kind: series('Balance of the insurance fund of USDT futures, USDT.'),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#futures-insurance-balance-history`,
    request: ({ limit }: { readonly limit: number }) => ({ path: `${FUTURES}/insurance`, query: { limit }, weight: 1 }),
    shape: z.array(z.looseObject({ t: decimal, b: decimal })),
    read: (rows) => ({
      value: { name: 'insurance fund', unit: 'USDT', rows: rows.map((w) => ({ time: ms(w.t), value: w.b })) },
      time: newest(rows.map((w) => ms(w.t))),
    }),
  }),
};

const tierShape = z.object({
  tier: z.number().describe('Number of the tier, from 1'),
  risk_limit: measure.value,
  initial_rate: measure.fraction,
  maintenance_rate: measure.fraction,
  max_leverage: measure.leverage,
});

export const tiers = {
  kind: ownKind({
    name: 'risk_tiers',
    about:
      'Risk tiers of one contract: largest position in the quote currency, initial and maintenance margin as fractions, and largest leverage of each.',
    output: z.object({ symbol: z.string(), tiers: z.array(tierShape) }),
    summary: (data) => `${data.symbol}: ${data.tiers.length} tiers.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#query-risk-limit-tiers`,
    request: (_args: unknown, i) => ({
      path: `${FUTURES}/risk_limit_tiers`,
      query: { contract: nameOf(i) },
      weight: 1,
    }),
    shape: z.array(
      z.looseObject({
        tier: decimal,
        risk_limit: decimal,
        initial_rate: decimal,
        maintenance_rate: decimal,
        leverage_max: decimal,
      }),
    ),
    read: (rows, { instrument: i }) => ({
      value: {
        symbol: symbolOf(i),
        tiers: rows.map((w) => ({
          tier: w.tier,
          risk_limit: w.risk_limit,
          initial_rate: w.initial_rate,
          maintenance_rate: w.maintenance_rate,
          max_leverage: w.leverage_max,
        })),
      },
      time: null,
    }),
  }),
};
