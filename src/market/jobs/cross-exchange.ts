import type { SqlRow } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import { MARKETS, type Market } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import {
  compareFunding,
  compareVenues,
  type FundingVerdict,
  type SpreadVerdict,
  type VenueValue,
} from './checks/cross-venue.ts';
import type { Finding } from './finding.ts';
import { numberOf, priceOf, textOf, timeOf } from './row.ts';

export interface SymbolComparison {
  readonly symbol: string;
  readonly spread: SpreadVerdict;
  /** Null where no venue has funding (spot only). */
  readonly funding: FundingVerdict | null;
  readonly findings: readonly Finding[];
}

type CompareServices = Pick<MarketServices, 'store' | 'config'>;

/** Compares the newest prices and funding of each symbol (or the one named) over all venue markets. Reads only. */
export async function compareSymbols(
  services: CompareServices,
  symbol: string | undefined,
  maxSkewUs: Us,
): Promise<readonly SymbolComparison[]> {
  const rules = services.config.validation;
  const values = await latestPrices(services, symbol);
  const rates = await latestFunding(services, symbol);
  return [...values.keys()].sort().map((name) => {
    const spread = compareVenues(name, values.get(name) ?? [], rules, maxSkewUs);
    const own = rates.get(name);
    const funding = own === undefined ? null : compareFunding(name, own, rules);
    return { symbol: name, spread, funding, findings: [...spreadFinding(spread), ...fundingFinding(funding)] };
  });
}

/** Newest price a venue market by symbol: best bid and ask where quoted, else the last trade. */
export async function latestPrices(
  services: Pick<MarketServices, 'store'>,
  symbol: string | undefined,
): Promise<ReadonlyMap<string, readonly VenueValue[]>> {
  const found = new Map<string, Map<string, VenueValue>>();
  for (const stream of ['trades', 'prices'] as const) {
    for (const row of await services.store.latest(stream, symbol)) {
      const series = seriesOf(row);
      const value = priceOf(row, stream);
      const time = timeOf(row, stream);
      if (series === null || value === null || time === null) continue;
      const own = found.get(series.symbol) ?? new Map<string, VenueValue>();
      const key = `${series.exchange}_${series.market}`;
      const known = own.get(key);
      if (known === undefined || known.time <= time) own.set(key, { ...series, value, time });
      found.set(series.symbol, own);
    }
  }
  return new Map([...found].map(([name, own]) => [name, [...own.values()]]));
}

interface VenueFunding {
  readonly exchange: string;
  readonly market: Market;
  readonly rate: number;
  readonly hours: number | null;
}

async function latestFunding(
  services: Pick<MarketServices, 'store'>,
  symbol: string | undefined,
): Promise<ReadonlyMap<string, readonly VenueFunding[]>> {
  const found = new Map<string, Map<string, VenueFunding>>();
  for (const stream of ['mark_prices', 'funding_rates'] as const) {
    for (const row of await services.store.latest(stream, symbol)) {
      const series = seriesOf(row);
      const rate = numberOf(row, 'funding_rate');
      if (series === null || rate === null) continue;
      const own = found.get(series.symbol) ?? new Map<string, VenueFunding>();
      const hours = numberOf(row, 'funding_interval_hours');
      const key = `${series.exchange}_${series.market}`;
      own.set(key, {
        exchange: series.exchange,
        market: series.market,
        rate,
        hours: hours ?? own.get(key)?.hours ?? null,
      });
      found.set(series.symbol, own);
    }
  }
  return new Map([...found].map(([name, own]) => [name, [...own.values()]]));
}

function seriesOf(row: SqlRow): { exchange: string; market: Market; symbol: string } | null {
  const exchange = textOf(row, 'exchange');
  const symbol = textOf(row, 'symbol');
  const market = MARKETS.find((m) => m === textOf(row, 'market'));
  return exchange === null || symbol === null || market === undefined ? null : { exchange, market, symbol };
}

function spreadFinding(spread: SpreadVerdict): readonly Finding[] {
  if (spread.verdict !== 'wide' && spread.verdict !== 'alert') return [];
  const alert = spread.verdict === 'alert';
  return [
    acrossVenues(spread.symbol, 'prices', {
      issue_type: 'cross_exchange_spread',
      severity: alert ? 'high' : 'low',
      message: `prices of ${spread.symbol} differ by ${(spread.spread_percent ?? 0).toFixed(3)} % between venues`,
      rule: alert ? 'cross_exchange_alert_percent' : 'cross_exchange_spread_percent',
      value: spread.spread_percent,
      deviation_percent: spread.spread_percent,
      details: {
        outliers: spread.outliers,
        venues: Object.fromEntries(spread.venues.map((v) => [`${v.exchange}_${v.market}`, v.value])),
      },
    }),
  ];
}

function fundingFinding(funding: FundingVerdict | null): readonly Finding[] {
  if (funding?.verdict !== 'divergent') return [];
  return [
    acrossVenues(funding.symbol, 'funding_rates', {
      issue_type: 'funding_divergence',
      severity: 'medium',
      message: `funding of ${funding.symbol} differs by ${(funding.divergence_percent ?? 0).toFixed(4)} % over 8 h between venues`,
      rule: 'funding_divergence_percent',
      value: funding.divergence_percent,
      deviation_percent: funding.divergence_percent,
      details: { per_8h_percent: funding.per_8h_percent },
    }),
  ];
}

function acrossVenues(
  symbol: string,
  stream: string,
  input: Pick<Finding, 'issue_type' | 'severity' | 'message' | 'rule' | 'value' | 'deviation_percent' | 'details'>,
): Finding {
  return {
    exchange: 'all',
    market: null,
    symbol,
    data_type: stream,
    action: 'flag',
    event: 'data.quality_alert',
    expected: null,
    keys: [],
    count: 1,
    from: null,
    to: null,
    distinct: null,
    ...input,
  };
}
