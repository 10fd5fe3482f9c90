import { AppError } from '../../../kit/errors.ts';
import type { ProvenanceSource, ToolContext } from '../../../kit/tool.ts';
import type { FundingLeg } from '../../jobs/arbitrage/funding-carry.ts';
import type { Coverage } from '../../domain/coverage.ts';
import { marketFees } from '../../jobs/fees.ts';
import type { MarketServices } from '../../services.ts';
import { paymentsOf } from './funding-history.ts';
import { pastOf } from './history.ts';
import { acrossMarkets, acrossNotes, chosenMarkets, type Missing } from './venues/across.ts';
import { requireFresh, VenueReader } from './venues/reader.ts';
import { fundingOf } from './venues/rows.ts';

const HOUR_MS = 3_600_000;

export interface FundingSide {
  readonly leg: FundingLeg | null;
  readonly id: string;
  readonly quote: string;
  readonly funding: ReturnType<typeof fundingOf>;
  readonly feesKnown: boolean;
  readonly source: ProvenanceSource;
}

/** Running funding of a symbol with the fees of each market; what is too old or cannot be read is missing. */
export async function fundingSides(
  context: ToolContext<MarketServices>,
  symbol: string,
  exchanges: readonly string[] | undefined,
  maxAgeMs: number,
): Promise<{
  readonly sides: readonly FundingSide[];
  readonly missing: readonly Missing[];
  readonly notes: readonly string[];
}> {
  const reader = new VenueReader(context);
  const markets = chosenMarkets(context.services, exchanges, ['futures'], 'funding_rates');
  const across = await acrossMarkets(context, markets, symbol, async (target): Promise<FundingSide> => {
    const { value: row, source } = await reader.newest(target, 'funding_rates', maxAgeMs);
    const funding = fundingOf(row, target.instrument.funding_interval_hours);
    // A payment that was made stands until the next two are due.
    requireFresh(
      `the funding rate of ${target.id}`,
      source,
      funding.settled ? 2 * (funding.interval_hours ?? 8) * HOUR_MS : maxAgeMs,
    );
    const taker = marketFees(context.services.config, target.market)?.taker_percent;
    const { funding_rate: rate, interval_hours: hours } = funding;
    const known = rate !== null && hours !== null && taker !== undefined;
    const leg = known ? { id: target.id, rate, intervalHours: hours, takerPercent: taker } : null;
    return { leg, id: target.id, quote: target.instrument.quote, funding, feesKnown: taker !== undefined, source };
  });
  return { sides: across.found, missing: across.missing, notes: acrossNotes(across) };
}

export interface PaidFunding {
  /** Mean rate an hour; null when nothing was paid. */
  readonly perHour: number | null;
  readonly payments: number;
  readonly coverage: Coverage;
}

/** What each collected market paid over the last hours. Throws as `pastOf`, but not when nothing is collected. */
export async function paidPerHour(
  services: MarketServices,
  symbol: string,
  hours: number,
  least: number | undefined,
): Promise<ReadonlyMap<string, PaidFunding>> {
  const found = new Map<string, PaidFunding>();
  try {
    const asked = {
      symbol,
      market: 'futures' as const,
      stream: 'funding_rates' as const,
      minutes: hours * 60,
      min_coverage: least,
    };
    const { range, series } = await pastOf(services, asked);
    for (const past of series) {
      const payments = (await paymentsOf(services, past, range)).filter((p) => p.hours !== null && p.hours > 0);
      const sum = payments.reduce((total, p) => total + p.rate / (p.hours ?? 1), 0);
      found.set(`${past.key.exchange}_${past.key.market}`, {
        perHour: payments.length === 0 ? null : sum / payments.length,
        payments: payments.length,
        coverage: past.coverage,
      });
    }
  } catch (error) {
    // Nothing of the symbol is collected: there is no history, and the answer has none.
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
  }
  return found;
}
