import type { Ms } from '../../kit/clock.ts';
import type { MarketServices } from '../services.ts';
import type { EscalationFacts } from './escalation.ts';
import { deskMetrics } from './metrics.ts';
import { openGaps } from './open-gaps.ts';
import { capacity } from './schema-health.ts';
import { venueMarkets } from './venues.ts';

/** Measures what the escalation ladder is judged by, over the time since `since` (UTC ms). */
export async function escalationFacts(
  services: Pick<MarketServices, 'collector' | 'store' | 'ops' | 'config' | 'clock'>,
  since: Ms,
): Promise<EscalationFacts> {
  const [metrics, gaps, storage] = await Promise.all([
    deskMetrics(services, since),
    openGaps(services),
    services.store.storage(),
  ]);
  const venues = venueMarkets(services.collector.status(), services.clock.now(), services.config.operations.latency);
  const { pass_rate: passRate } = metrics.data_quality;
  const longest = gaps[0];
  return {
    anomaly_percent: passRate === null ? null : 100 - passRate,
    storage_percent: capacity(storage, [], services.config).used_percent,
    longest_gap_seconds: longest === undefined ? null : (longest.to - longest.from) / 1e6,
    exchanges_down: venues.filter((v) => v.status === 'disconnected').map((v) => `${v.exchange}_${v.market}`),
  };
}
