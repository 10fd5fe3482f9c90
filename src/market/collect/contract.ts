import type { Ms, Us } from '../../kit/clock.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { Market, PriceLevel, SeriesKey, Stream } from '../domain/records.ts';
import type { NotTrading } from './listing.ts';
import type { TapePolicy, TapePruneReport } from './tape-retention.ts';

/** Where frames come from. */
export type SourceKind = 'sim' | 'live' | 'tape';

export type ConnectionState = 'connecting' | 'connected' | 'backing_off' | 'stopped';
export type SeriesState = 'waiting' | 'live' | 'stale' | 'stopped';

export interface ConnectionStatus {
  readonly id: string;
  readonly exchange: string;
  readonly market: Market;
  readonly url: string;
  readonly state: ConnectionState;
  readonly connected_at: Ms | null;
  readonly last_frame_at: Ms | null;
  readonly frames: number;
  readonly rejected: number;
  readonly reconnects: number;
  /** Receive time minus event time, median of the last frames, ms; null before the first. */
  readonly latency_ms: number | null;
  readonly last_error: string | null;
  readonly next_attempt_at: Ms | null;
  readonly mode: 'websocket' | 'rest';
}

export interface SeriesStatus extends SeriesKey {
  readonly table: string;
  /** The venue's own canonical name of what stands for the asked symbol (BTCUSD for BTCUSDT); null: the symbol itself. */
  readonly listed_as: string | null;
  readonly state: SeriesState;
  readonly rows: number;
  readonly last_event_time: Us | null;
  readonly last_received_at: Ms | null;
  readonly stale_after_ms: Ms | null;
  readonly gaps: number;
}

export interface CollectorStatus {
  readonly source: SourceKind;
  readonly running: boolean;
  readonly started_at: Ms | null;
  readonly first_connected_at: Ms | null;
  readonly connections: readonly ConnectionStatus[];
  readonly series: readonly SeriesStatus[];
  /** Markets that are configured and not collected until they are enabled, as `binance_spot`. */
  readonly disabled: readonly string[];
  /** Asked symbols that do not trade, by market: `absent` where the venue's list does not name them. */
  readonly not_trading: readonly (Omit<SeriesKey, 'stream'> & NotTrading)[];
  readonly records_stored: number;
  readonly records_per_minute: number;
  readonly frames_total: number;
  readonly frames_rejected: number;
  readonly tape: {
    readonly bytes: number;
    readonly segments: number;
    readonly unflushed: number;
    /** Why the tape cannot be written now (full disk, folder not writable); null when it can. Not healthy then. */
    readonly error: string | null;
    /** Items received that could not be kept because of such an error. */
    readonly lost: number;
  };
  readonly store_lag_ms: number;
  /** Why rows cannot be committed now; null when they can. Not healthy then. */
  readonly store_error: string | null;
  readonly rate_limits: readonly {
    readonly host: string;
    readonly used_weight: number;
    readonly limit: number;
    readonly blocked_until: Ms | null;
    /** Until when requests are made half as often; null when they are not. */
    readonly halved_until: Ms | null;
    /** Refusals since the last answer. */
    readonly refused_in_a_row: number;
  }[];
}

export interface BackfillResult {
  readonly id: string;
  readonly series: SeriesKey;
  readonly from: Ms;
  readonly to: Ms;
  readonly requests: number;
  readonly records: number;
  readonly stored: number;
  /** What the venue's history does not reach, half-open; empty when all is filled. */
  readonly missing: readonly { readonly from: Ms; readonly to: Ms; readonly reason: string }[];
  readonly status: 'running' | 'done' | 'failed';
  readonly error: string | null;
}

export interface BookView {
  readonly exchange: string;
  readonly market: Market;
  readonly symbol: string;
  readonly event_time: Us;
  readonly seq: number | null;
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
}

/** What tools, jobs and the controller may ask of the collectors. */
export interface Collector extends AsyncDisposable {
  start(): Promise<void>;
  /** Stops taking new frames, flushes tape and store. Idempotent. */
  stop(): Promise<void>;
  status(): CollectorStatus;
  instruments(exchange: string, market: Market): readonly Instrument[];
  /** Drops and reopens the connections of a venue (market). Gives the ids. Throws NotFound. */
  reconnect(exchange: string, market: Market | undefined, reason: string): Promise<readonly string[]>;
  startStream(key: SeriesKey): Promise<void>;
  stopStream(key: SeriesKey): Promise<void>;
  /** Polls over REST while WebSocket is out, or goes back. */
  setMode(exchange: string, market: Market, mode: 'websocket' | 'rest'): Promise<void>;
  /**
   * Stops collecting a market, or begins again; a start goes on in the background. No effect when it is so already.
   * Throws NotFound for a market that is not configured.
   */
  setEnabled(exchange: string, market: Market, enabled: boolean): Promise<void>;
  /** Changes how often a REST-polled stream is asked, ms, within 1 s and 1 h. */
  setPolling(exchange: string, market: Market, stream: Stream, everyMs: Ms): void;
  /** Fetches history over REST and stores what is new, marked `backfill`. [from, to) UTC ms. */
  backfill(key: SeriesKey, from: Ms, to: Ms, signal?: AbortSignal): Promise<BackfillResult>;
  backfills(): readonly BackfillResult[];
  /** The live book. Throws Stale when it is not valid now, NotFound when it is not collected. */
  book(exchange: string, market: Market, symbol: string, depth: number): BookView;
  /** Deletes old segments of the tape, also while nothing is collected; what the store still needs stays. */
  pruneTape(policy: TapePolicy, options: { readonly dryRun: boolean }): Promise<TapePruneReport>;
  /** Waits until everything received so far is on tape and in the store. */
  flush(): Promise<void>;
}
