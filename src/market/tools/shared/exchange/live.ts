import { NotFound, Stale, Unavailable } from '../../../../kit/errors.ts';
import type { Clock, Us } from '../../../../kit/clock.ts';
import type { ToolContext } from '../../../../kit/tool.ts';
import type { Instrument } from '../../../domain/instrument.ts';
import { viewName, type SeriesKey, type Stream } from '../../../domain/records.ts';
import { numberOf } from '../../../jobs/row.ts';
import type { SeriesStatus } from '../../../collect/contract.ts';
import type { LiveDesk } from '../../../exchanges/endpoint.ts';
import type { MarketServices } from '../../../services.ts';
import { lookback } from '../series.ts';

/** What a desk needs of a call. */
export type DeskContext = Pick<ToolContext<unknown>, 'signal' | 'clock'> & {
  readonly services: {
    readonly rest: MarketServices['rest'];
    readonly collector: Pick<MarketServices['collector'], 'status' | 'instruments' | 'book'>;
    readonly store: Pick<MarketServices['store'], 'series' | 'seriesRows' | 'coverage'>;
  };
};

/** A live series whose newest row is older than this is not used, whatever its own bound, ms. */
const REACH_MS = 600_000;
/** Trades that reached us later than this after they happened are not the newest ones, ms. */
const BEHIND_MS = 10_000;

/** What the running collector knows, for endpoint tools. */
export function liveDesk(services: DeskContext['services'], exchange: string, clock: Clock): LiveDesk {
  const { collector, store } = services;
  let known: ReadonlyMap<string, SeriesStatus> | undefined;
  const statusOf = (key: SeriesKey): SeriesStatus | undefined => {
    known ??= new Map(collector.status().series.map((s) => [s.table, s]));
    return known.get(viewName(key));
  };
  const keyOf = ({ exchange, market, symbol }: Instrument, stream: Stream): SeriesKey => ({
    exchange,
    market,
    symbol,
    stream,
  });
  const liveKey = (instrument: Instrument, stream: Stream): SeriesKey | undefined => {
    const key = keyOf(instrument, stream);
    return collector.status().running && statusOf(key)?.state === 'live' ? key : undefined;
  };
  // A series is live while frames come. A collector that cannot keep up receives them minutes after they were sent.
  const isCurrent = (key: SeriesKey, eventTime: Us): boolean =>
    clock.now() - eventTime / 1000 <= Math.min(statusOf(key)?.stale_after_ms ?? REACH_MS, REACH_MS);
  const isBehind = (key: SeriesKey): boolean => {
    const { last_received_at: received, last_event_time: sent } = statusOf(key) ?? {};
    return received != null && sent != null && received - sent / 1000 > BEHIND_MS;
  };
  const rows = (key: SeriesKey, reachMs: number, limit: number) =>
    store.seriesRows({
      ...key,
      from: (clock.now() - reachMs) * 1000,
      to: (clock.now() + 60_000) * 1000,
      limit,
      order: 'desc',
    });
  return {
    collected: (market, stream) =>
      collector
        .status()
        .series.filter((s) => s.exchange === exchange && s.market === market && s.stream === stream)
        .map((s) => s.symbol),
    book(instrument, depth) {
      const key = liveKey(instrument, 'orderbooks');
      if (key === undefined) return undefined;
      try {
        const view = collector.book(key.exchange, key.market, key.symbol, depth);
        if (view.bids.length < depth || view.asks.length < depth || !isCurrent(key, view.event_time)) return undefined;
        return { bids: view.bids, asks: view.asks, seq: view.seq, time: view.event_time / 1000 };
      } catch (error) {
        // Not valid now: the venue is asked instead, and the answer says so.
        if (error instanceof Stale || error instanceof NotFound || error instanceof Unavailable) return undefined;
        throw error;
      }
    },
    async newest(instrument, stream) {
      const key = liveKey(instrument, stream);
      if (key === undefined) return undefined;
      const [row] = await rows(key, REACH_MS, 1);
      return row !== undefined && isCurrent(key, numberOf(row, 'event_time') ?? 0) ? row : undefined;
    },
    async recent(instrument, stream, limit) {
      const key = liveKey(instrument, stream);
      // With a gap anywhere, which rows are missing is not known here.
      if (key === undefined || (statusOf(key)?.gaps ?? 1) > 0 || isBehind(key)) return undefined;
      const startedAt = collector.status().first_connected_at;
      if (startedAt === null) return undefined;
      const found = await rows(key, clock.now() - startedAt, limit);
      return found.length < limit ? undefined : [...found].reverse();
    },
    async stored(instrument, stream, { minutes, limit }) {
      const key = keyOf(instrument, stream);
      const series = await store.series();
      if (!series.some((s) => viewName(s) === viewName(key))) return undefined;
      const found = [...(await rows(key, minutes * 60_000, limit))].reverse();
      return { rows: found, coverage: await store.coverage({ ...key, ...lookback(clock.now(), minutes) }) };
    },
  };
}
