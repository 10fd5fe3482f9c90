import { setMaxListeners } from 'node:events';
import { HttpClient } from '../../infra/http.ts';
import { closeAll } from '../../kit/close.ts';
import type { Us } from '../../kit/clock.ts';
import type { CoverageChange } from '../domain/coverage.ts';
import type { SeriesKey, StoredRecord } from '../domain/records.ts';
import type { TapeItem } from '../domain/tape.ts';
import type { VenueMarket } from '../exchanges/contract.ts';
import type { CollectEnvironment } from './environment.ts';
import { Intake } from './intake.ts';
import type { CollectorOptions } from './options.ts';
import { Pipeline, type PipelineHooks, type PipelineOptions } from './pipeline.ts';
import { recover, type ReplayReport } from './replay.ts';
import { SeriesTracker } from './series.ts';
import { pruneTape, type TapePolicy, type TapePruneReport } from './tape-retention.ts';
import { tapeSize } from './tape/inspect.ts';
import { finishReplacing } from './tape/replace.ts';
import { TapeWriter } from './tape/writer.ts';

export interface SessionOptions extends CollectorOptions {
  readonly markets: readonly VenueMarket[];
  /** Called for live items only, never during recovery. */
  readonly hooks: PipelineHooks & Pick<PipelineOptions, 'onCoverage'>;
  readonly onPressure: (paused: boolean) => void;
  readonly onRest: (resting: boolean) => void;
}

/** One run of the collector, from recovery to the closed tape. */
export interface Session {
  readonly environment: CollectEnvironment;
  readonly tape: TapeWriter;
  readonly intake: Intake;
  readonly pipeline: Pipeline;
  readonly series: SeriesTracker;
  /** Event time of the newest stored row of each series at the start, UTC µs, by "exchange market symbol stream". */
  readonly lastStored: Map<string, Us>;
  tapeBytes(): number;
  tapeSegments(): number;
  prune(policy: TapePolicy, dryRun: boolean): Promise<TapePruneReport>;
  abort(): void;
  close(): Promise<void>;
}

/** Recovers the store from the tape, begins a new segment and opens the intake. Throws Unavailable and Corrupt. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { config, store, clock, log, events, tapeDir, hooks } = options;
  const series = new SeriesTracker();
  const stop = new AbortController();
  // Every wait of the session listens to it.
  setMaxListeners(0, stop.signal);
  await finishReplacing(tapeDir);
  const wiring: Wiring = { live: false, sink: () => undefined, note: () => undefined };
  const recovered = await recover({
    tapeDir,
    markets: options.markets,
    bookIntervalMs: config.collect.book_interval_ms,
    store,
    makePipeline: (sink, note) => {
      wiring.sink = sink;
      wiring.note = note;
      return makePipeline(options, wiring, series);
    },
  });
  const { pipeline } = recovered;
  const position = await store.position();
  const tape = await openTape(options, pipeline, (position?.segment ?? 0) + 1);
  report(options, recovered, tape);
  const intake = new Intake({
    tape,
    pipeline,
    store,
    events,
    clock,
    log,
    commitMs: () => config.collect.flush_interval_ms,
    lastRecvTime: recovered.lastRecvTime,
    onPressure: options.onPressure,
    onRest: options.onRest,
    onTapeError: (error) => {
      events.emit('data.quality_alert', { alert_type: 'tape_full', message: error.message, severity: 'critical' });
    },
  });
  wiring.sink = (record) => {
    if (record.stream === 'orderbooks') series.sampled(record);
    intake.take(record);
  };
  wiring.note = (change) => {
    intake.note(change);
    hooks.onCoverage?.(change);
  };
  wiring.live = true;
  for (const open of recovered.open) {
    intake.push({ kind: 'disconnected', recv_time: intake.recvTime(), ...open, reason: 'the process ended' });
  }
  const http = options.http ?? new HttpClient({ clock, log });
  const firstSegment = tape.segment;
  let connections = 0;
  let measured = await measure(tapeDir, tape);
  const environment: CollectEnvironment = {
    // Asked each time: some of it may be changed while the desk runs.
    get config() {
      return config.collect;
    },
    clock,
    log,
    events,
    random: options.random,
    http,
    credentials: options.credentials ?? (() => undefined),
    pipeline,
    intake,
    series,
    nextConnectionId: (key) => `${key}#${firstSegment}.${++connections}`,
    signal: stop.signal,
  };
  return {
    environment,
    tape,
    intake,
    pipeline,
    series,
    lastStored: await lastStored(options),
    tapeBytes: () => measured.bytes + tape.bytesWritten - measured.written,
    tapeSegments: () => measured.segments + tape.segment - measured.segment,
    prune: async (policy, dryRun) => {
      const reached = await store.position();
      const keepFrom = Math.min(tape.segment, reached?.segment ?? 0);
      const report = await pruneTape({ folder: tapeDir, store, policy, keepFrom, dryRun });
      if (report.segments > 0 && !dryRun) measured = await measure(tapeDir, tape);
      return report;
    },
    abort: () => stop.abort(),
    close: async () => {
      intake.stop();
      await closeAll(
        () => intake.flush(),
        () => tape.close(),
        () => (options.http === undefined ? http[Symbol.asyncDispose]() : undefined),
      );
    },
  };
}

interface Wiring {
  live: boolean;
  sink: (record: StoredRecord) => void;
  note: (change: CoverageChange) => void;
}

/** What lies in the folder now, and where the writer was then. */
async function measure(
  folder: string,
  tape: TapeWriter,
): Promise<{ readonly bytes: number; readonly segments: number; readonly written: number; readonly segment: number }> {
  return { ...(await tapeSize(folder)), written: tape.bytesWritten, segment: tape.segment };
}

function makePipeline(options: SessionOptions, wiring: Wiring, series: SeriesTracker): Pipeline {
  const { hooks } = options;
  const fromTape = options.config.source.startsWith('tape:');
  return new Pipeline({
    markets: options.markets,
    bookIntervalMs: options.config.collect.book_interval_ms,
    sink: (record) => wiring.sink(record),
    onCoverage: (change) => wiring.note(change),
    onRecord: (item, record) => {
      if (!wiring.live) return;
      // What another tape holds is not known beforehand.
      if (fromTape && record.stream !== 'book') series.add(keyOf(record), null, item.recv_time);
      series.touch(record, item.recv_time);
      hooks.onRecord?.(item, record);
    },
    onVerdict: (item, verdict) => {
      if (wiring.live) hooks.onVerdict?.(item, verdict);
    },
    onReply: (item, text) => {
      if (wiring.live) hooks.onReply?.(item, text);
    },
    onBookProblem: (item, problem) => {
      if (wiring.live) hooks.onBookProblem?.(item, problem);
    },
    onTradeHole: (item, hole) => {
      if (wiring.live) hooks.onTradeHole?.(item, hole);
    },
  });
}

function openTape(options: SessionOptions, pipeline: Pipeline, firstSegment: number): Promise<TapeWriter> {
  const { config, clock, log, events } = options;
  let lastTime: Us = 0;
  return TapeWriter.open({
    folder: options.tapeDir,
    clock,
    log,
    segmentBytes: config.collect.segment_mb * 1_000_000,
    segmentMs: config.collect.segment_minutes * 60_000,
    flushMs: config.collect.tape_flush_ms,
    firstSegment,
    openFile: options.openTapeFile,
    onWritten: options.onTapeWritten,
    segmentStart: (recvTime) => {
      lastTime = Math.max(lastTime, recvTime);
      return pipeline.state().map((note): TapeItem => ({ kind: 'note', recv_time: lastTime, ...note }));
    },
    onError: (error) => {
      events.emit('data.quality_alert', {
        alert_type: 'tape_unwritable',
        message: error.message,
        severity: 'critical',
      });
    },
  });
}

function report(options: SessionOptions, recovered: ReplayReport, tape: TapeWriter): void {
  const { events, log } = options;
  const { tornTail } = tape;
  const damaged = recovered.damage.filter(({ tail }) => !tail);
  for (const { path, offset, bytes, reason } of damaged) {
    log.error('tape.damaged', { path, offset, bytes, reason });
    events.emit('data.quality_alert', {
      alert_type: 'tape_damaged',
      message: `${path}: ${bytes} bytes at ${offset} cannot be read (${reason}); what they held is lost`,
      severity: 'high',
    });
  }
  if (recovered.records === 0 && tornTail === undefined && damaged.length === 0) return;
  const lost = tornTail === undefined ? null : `${tornTail.bytes} bytes of a block that was being written`;
  log.info('collect.recovered', { items: recovered.items, stored: recovered.stored, lost });
  events.emit('system.recovered', {
    what: 'market database',
    action: `read ${recovered.items} items from the tape and stored ${recovered.stored} rows that were missing`,
    lost,
    details: { records: recovered.records, torn_bytes: tornTail?.bytes ?? 0, damaged: damaged.length },
  });
}

async function lastStored({ store }: SessionOptions): Promise<Map<string, Us>> {
  return new Map((await store.lastEventTimes()).map(({ series, last }) => [idOf(series), last]));
}

function keyOf({ exchange, market, symbol, stream }: SeriesKey): SeriesKey {
  return { exchange, market, symbol, stream };
}

function idOf(key: SeriesKey): string {
  return `${key.exchange} ${key.market} ${key.symbol} ${key.stream}`;
}
