import type { Clock } from '../kit/clock.ts';
import type { EventSink } from '../kit/event.ts';
import type { OpsStore } from '../kit/ops.ts';
import type { Logger } from '../kit/logger.ts';
import type { MarketConfig } from './config.ts';
import type { Collector } from './collect/contract.ts';
import type { VenueRest } from './collect/venue-rest.ts';
import type { Venue } from './exchanges/contract.ts';
import type { EscalationChannel } from './jobs/contract.ts';
import type { StreamForecasts } from './jobs/forecasts/stream-forecasts.ts';
import type { DeskSettings } from './jobs/desk-settings.ts';
import type { MarketStore } from './store/contract.ts';

/**
 * What the tools of the market half are bound to. `config` is the `market:` part of system.yaml, with the validation and
 * interpolation rules that are in force now.
 */
export interface MarketServices {
  readonly collector: Collector;
  readonly rest: VenueRest;
  readonly store: MarketStore;
  readonly ops: OpsStore;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly venues: readonly Venue[];
  readonly config: MarketConfig;
  /** What changed while the desk ran and outlives a restart: rules, trading signals, markets that are disabled. */
  readonly settings: DeskSettings;
  /** Forecasts of what is collected. */
  readonly forecasts: StreamForecasts;
  /** Ways to tell people of an escalation; a level's channel that is not here is reported missing. */
  readonly channels?: readonly EscalationChannel[] | undefined;
}
