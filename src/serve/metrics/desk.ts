import type { CollectorStatus } from '../../market/collect/contract.ts';
import type { DeskHost, Runtime } from '../runtime/contract.ts';
import { VERSION } from '../version.ts';
import type { MetricFamily, Sample } from './text.ts';

/** What a desk is made of and does, as it is now. Throws Conflict before the controller is open. */
export function deskMetrics(host: DeskHost): readonly MetricFamily[] {
  const { runtime } = host;
  return [
    gauge('crew_info', 'Version, source and model of the desk.', [
      { labels: { version: VERSION, source: runtime.source, model: runtime.model, node: process.version }, value: 1 },
    ]),
    ...healthFamilies(host),
    ...eventFamilies(runtime),
    ...runtime.operations.work.families(),
    one('crew_active_runs', 'Runs at work now.', runtime.crews.runner.active.length),
    ...collectorFamilies(runtime.market.collector.status()),
    ...processFamilies(host.facts().clock.now() / 1000),
  ];
}

function healthFamilies(host: DeskHost): readonly MetricFamily[] {
  const { checks } = host.getHealth();
  const { uptimeSeconds, errors } = host.facts();
  return [
    gauge(
      'crew_health_check',
      'Checks of the desk: 1 holds, 0 does not.',
      Object.entries(checks).map(([check, ok]) => ({ labels: { check }, value: ok ? 1 : 0 })),
    ),
    one('crew_uptime_seconds', 'Time since the start.', uptimeSeconds),
    one('crew_errors_total', 'Errors of work that nobody waits for.', errors, 'counter'),
  ];
}

function eventFamilies({ operations }: Runtime): readonly MetricFamily[] {
  const bus = operations.bus.statistics();
  return [
    {
      name: 'crew_events_total',
      type: 'counter',
      help: 'Events by type.',
      samples: Object.entries(bus.events_by_type).map(([type, value]) => ({ labels: { type }, value })),
    },
    one('crew_event_seq', 'Number of the newest event.', bus.last_seq),
    one('crew_event_handler_errors_total', 'Handlers of events that failed.', bus.error_count, 'counter'),
    one('crew_events_dropped_total', 'Events that a full queue of a reader lost.', bus.dropped, 'counter'),
    gauge('crew_queue_depth', 'What waits: events for readers, events for the journal.', [
      { labels: { queue: 'event_readers' }, value: bus.queue_size },
      { labels: { queue: 'event_journal' }, value: bus.journal_pending },
    ]),
    one('crew_stream_readers', 'Readers of the stream.', operations.stream.readers),
  ];
}

function collectorFamilies(status: CollectorStatus): readonly MetricFamily[] {
  const { connections, series, tape } = status;
  const by = (state: string): Sample[] =>
    grouped(connections.filter((c) => c.state === state)).map(([market, list]) => ({
      labels: { ...market, state },
      value: list.length,
    }));
  const perVenue = (value: (list: typeof connections) => number | null): Sample[] =>
    grouped(connections).map(([market, list]) => ({ labels: market, value: value(list) }));
  const sum = (pick: (c: (typeof connections)[number]) => number) => (list: typeof connections) =>
    list.reduce((total, c) => total + pick(c), 0);
  const counter = (name: string, help: string, samples: readonly Sample[]): MetricFamily => ({
    name,
    type: 'counter',
    help,
    samples,
  });
  const states = ['live', 'waiting', 'stale', 'stopped'] as const;
  const markets = grouped(series);
  const seriesIn = (list: typeof series, state: string): number => list.filter((s) => s.state === state).length;
  return [
    gauge(
      'crew_collector_connections',
      'Connections to venues by state.',
      ['connected', 'connecting', 'backing_off', 'stopped'].flatMap(by),
    ),
    counter('crew_collector_frames_total', 'Frames received.', perVenue(sum((c) => c.frames))),
    counter('crew_collector_rejected_frames_total', 'Frames that could not be read.', perVenue(sum((c) => c.rejected))),
    counter('crew_collector_reconnects_total', 'Connections made again.', perVenue(sum((c) => c.reconnects))),
    gauge(
      'crew_collector_latency_seconds',
      'Receive time minus event time: the slowest connection’s median.',
      perVenue(slowestSeconds),
    ),
    gauge(
      'crew_series',
      'Streams of symbols by state.',
      markets.flatMap(([market, list]) =>
        states.map((state) => ({ labels: { ...market, state }, value: seriesIn(list, state) })),
      ),
    ),
    gauge(
      'crew_order_books_stale',
      'Order books that are not current.',
      markets.map(([market, list]) => ({
        labels: market,
        value: seriesIn(
          list.filter((s) => s.stream === 'orderbooks'),
          'stale',
        ),
      })),
    ),
    counter(
      'crew_series_gaps_total',
      'Gaps seen in streams.',
      markets.map(([market, list]) => ({ labels: market, value: list.reduce((n, s) => n + s.gaps, 0) })),
    ),
    gauge(
      'crew_rows',
      'Rows of the tables by stream.',
      [...groupBy(series, (s) => s.stream)].map(([stream, list]) => ({
        labels: { stream },
        value: list.reduce((n, s) => n + s.rows, 0),
      })),
    ),
    one('crew_records_stored_total', 'Records stored since collecting began.', status.records_stored, 'counter'),
    one('crew_store_lag_seconds', 'Age of the oldest row that waits for its commit.', status.store_lag_ms / 1000),
    one('crew_tape_bytes', 'Size of the tape.', tape.bytes),
    one('crew_tape_lost_total', 'Items that could not be kept on the tape.', tape.lost, 'counter'),
  ];
}

function slowestSeconds(list: CollectorStatus['connections']): number | null {
  const known = list.flatMap(({ latency_ms: ms }) => (ms === null ? [] : [ms / 1000]));
  return known.length === 0 ? null : Math.max(...known);
}

function processFamilies(now: number): readonly MetricFamily[] {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return [
    one('process_resident_memory_bytes', 'Memory of the process.', memory.rss),
    one('nodejs_heap_size_total_bytes', 'Heap of JavaScript.', memory.heapTotal),
    one('nodejs_heap_size_used_bytes', 'Heap of JavaScript in use.', memory.heapUsed),
    one('nodejs_external_memory_bytes', 'Memory outside the heap, buffers included.', memory.external),
    one('process_cpu_seconds_total', 'Time of processors used.', (cpu.user + cpu.system) / 1e6, 'counter'),
    one('process_start_time_seconds', 'When the process began, UTC.', Math.round(now - process.uptime())),
  ];
}

function grouped<T extends { readonly exchange: string; readonly market: string }>(
  list: readonly T[],
): readonly (readonly [{ readonly exchange: string; readonly market: string }, readonly T[]])[] {
  const groups = groupBy(list, ({ exchange, market }) => `${exchange} ${market}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [[{ exchange: first.exchange, market: first.market }, group] as const];
  });
}

function groupBy<T>(list: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, type: 'gauge', help, samples };
}

function one(name: string, help: string, value: number | null, type: 'gauge' | 'counter' = 'gauge'): MetricFamily {
  return { name, type, help, samples: [{ value }] };
}
