import { z } from 'zod';
import { recordConnections } from '../../jobs/connection-log.ts';
import { capacity } from '../../jobs/schema-health.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { currentVenues } from '../shared/venue-status.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'check_system_health',
  title: 'System health',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'ops',
  description:
    'Checks every component: collector, connections, store (a timed query), operations database (a timed query), storage, rate limits and whether trading signals are paused. Gives healthy, degraded or critical with the reason of each, and logs the state of each venue connection.',
  input: z.strictObject({}),
  output: z.object({
    status: z.enum(['healthy', 'degraded', 'critical']),
    components: z.array(
      z.object({
        component: z.string(),
        status: z.string(),
        detail: z.string(),
        latency_ms: measure.milliseconds.nullable(),
      }),
    ),
    problems: z.array(z.string()),
  }),
  examples: [{ title: 'Now', input: {} }],
  summary: (output) =>
    `The system is ${output.status}${output.problems.length === 0 ? '' : `: ${output.problems.join('; ')}`}.`,
  run: async (_input, { services, clock, signal }) => {
    const status = services.collector.status();
    const venues = currentVenues(services);
    await recordConnections(services);
    const down = venues.filter((v) => v.status === 'disconnected');
    const degraded = venues.filter((v) => v.status === 'degraded');
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const start = clock.monotonicMs();
      await work();
      return clock.monotonicMs() - start;
    };
    const storeMs = await timed(() => services.store.read('SELECT 1', [], signal));
    const opsMs = await timed(() => services.ops.count('quality_issues', { since: clock.now() - 60_000 }));
    const used = capacity(await services.store.storage(), [], services.config);
    const blocked = status.rate_limits.filter((r) => r.blocked_until !== null && r.blocked_until > clock.now());
    const level = (critical: boolean, poor: boolean): string => (critical ? 'critical' : poor ? 'degraded' : 'healthy');
    const { signals } = services.settings;
    const failing = status.store_error ?? status.tape.error;
    const components = [
      {
        component: 'collector',
        status: level(!status.running || failing !== null, status.store_lag_ms > 5000),
        detail:
          failing !== null
            ? failing
            : status.running
              ? `${status.records_per_minute.toFixed(0)} records a minute, store ${status.store_lag_ms} ms behind`
              : 'not running',
        latency_ms: status.store_lag_ms,
      },
      {
        component: 'connections',
        status: level(venues.length > 0 && down.length === venues.length, down.length + degraded.length > 0),
        detail: `${venues.length - down.length} of ${venues.length} venue markets connected${list(down.map((v) => `${v.exchange}_${v.market} down`))}${list(degraded.map((v) => `${v.exchange}_${v.market}: ${v.issues.join(', ')}`))}`,
        latency_ms: null,
      },
      { component: 'store', status: level(false, storeMs > 1000), detail: 'answers queries', latency_ms: storeMs },
      { component: 'operations', status: level(false, opsMs > 1000), detail: 'answers queries', latency_ms: opsMs },
      {
        component: 'storage',
        status: level(used.level === 'critical', used.level === 'warning'),
        detail: `${used.used_percent.toFixed(2)} % of ${(used.limit_bytes / 1e9).toFixed(1)} GB used`,
        latency_ms: null,
      },
      {
        component: 'rate_limits',
        status: level(false, blocked.length > 0),
        detail: blocked.length === 0 ? 'no host is blocked' : `blocked: ${blocked.map((b) => b.host).join(', ')}`,
        latency_ms: null,
      },
      {
        component: 'trading_signals',
        status: level(false, signals.state === 'paused'),
        detail:
          signals.state === 'active' ? 'active' : `paused by ${signals.changed_by ?? ''}: ${signals.reason ?? ''}`,
        latency_ms: null,
      },
    ];
    const bad = components.filter((c) => c.status !== 'healthy');
    const critical = bad.some((c) => c.status === 'critical');
    const overall: 'critical' | 'degraded' | 'healthy' = critical
      ? 'critical'
      : bad.length > 0
        ? 'degraded'
        : 'healthy';
    return {
      data: { status: overall, components, problems: bad.map((c) => `${c.component}: ${c.detail}`) },
      provenance: measuredNow(clock, 'controller'),
    };
  },
});

function list(items: readonly string[]): string {
  return items.length === 0 ? '' : `; ${items.join('; ')}`;
}
