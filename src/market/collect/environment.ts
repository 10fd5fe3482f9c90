import type { HttpClient } from '../../infra/http.ts';
import type { Clock } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Credentials } from '../exchanges/credential.ts';
import type { MarketConfig } from '../config.ts';
import type { Intake } from './intake.ts';
import type { Pipeline } from './pipeline.ts';
import type { SeriesTracker } from './series.ts';

/** What the parts of a running collector share. */
export interface CollectEnvironment {
  readonly config: MarketConfig['collect'];
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  readonly random: () => number;
  readonly http: HttpClient;
  readonly credentials: Credentials;
  readonly pipeline: Pipeline;
  readonly intake: Intake;
  readonly series: SeriesTracker;
  /** Makes a connection id that no other item of the tape bears: `binance_futures#12.3`. */
  readonly nextConnectionId: (marketKey: string) => string;
  /** Aborted when the collector stops. */
  readonly signal: AbortSignal;
}
