import type { HttpClient } from '../../infra/http.ts';
import type { Clock, Ms } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import type { MarketConfig } from '../config.ts';
import type { Venue } from '../exchanges/contract.ts';
import type { Credentials } from '../exchanges/credential.ts';
import type { MarketStore } from '../store/contract.ts';
import type { Addresses } from './markets.ts';
import type { TapeWriterOptions } from './tape/writer.ts';

/** What a collector is made of. */
export interface CollectorOptions {
  readonly config: MarketConfig;
  readonly venues: readonly Venue[];
  /** Replace addresses of the venues and of the configuration: the simulator's. */
  readonly addresses?: Addresses | undefined;
  readonly store: MarketStore;
  readonly tapeDir: string;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Logger;
  /** [0, 1): jitter. */
  readonly random: () => number;
  /** `start` fails with Unavailable when no venue was reached within this time; left out, it goes on trying. */
  readonly requireConnection?: { readonly timeoutMs: Ms } | undefined;
  /** Keys of markets that are not collected until `setEnabled`. */
  readonly disabled?: readonly string[] | undefined;
  readonly http?: HttpClient | undefined;
  /** Secrets of the venues that want one; default none. */
  readonly credentials?: Credentials | undefined;
  /** Opens a segment of the tape; tests give a disk that fails. */
  readonly openTapeFile?: TapeWriterOptions['openFile'];
  /** Told when each block of the tape was written. */
  readonly onTapeWritten?: TapeWriterOptions['onWritten'];
}
