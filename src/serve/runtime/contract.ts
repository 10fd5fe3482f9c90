import type { CrewRunner, RunDocument } from '../../crew/index.ts';
import type { Clock, Ms } from '../../kit/clock.ts';
import type { AnyEvent } from '../../kit/event.ts';
import type { BoundTool } from '../../kit/tool.ts';
import type { DeskConfig } from '../config.ts';
import type { BehaviourRow, CallOptions, ControllerState, DeskHealth, DeskStatus, KickoffRequest } from '../desk.ts';
import type { CrewHalf } from './crews.ts';
import type { MarketHalf } from './market.ts';
import type { Operations } from './operations.ts';

/** Everything that is open between `initialize` and `stop`. */
export interface Runtime {
  readonly config: DeskConfig;
  readonly dataDir: string;
  readonly operations: Operations;
  readonly market: MarketHalf;
  readonly crews: CrewHalf;
  readonly tools: readonly BoundTool[];
  readonly source: string;
  readonly model: string;
}

/** What runs by itself: the behaviours of the crews, and the record of what collecting went through. */
export interface Autonomy extends AsyncDisposable {
  /** Lets behaviours fire by themselves. */
  begin(): Promise<void>;
  /** Waits until what was heard so far is recorded as quality issues. */
  settle(): Promise<void>;
  behaviours(): Promise<readonly BehaviourRow[]>;
  /** Fires a behaviour now. Throws NotFound. */
  fire(name: string): Promise<Readonly<Record<string, unknown>>>;
  /** No trigger fires until `begin`; what runs is stopped at its next step. */
  pause(): Promise<void>;
}

/** What a controller has when it is open. */
export interface Counts {
  readonly state: ControllerState;
  readonly tools_registered: number;
  readonly agents_loaded: number;
  readonly crews_initialized: number;
}

/** A controller as the desk over it sees it. */
export interface DeskHost {
  readonly state: ControllerState;
  readonly shadow: boolean;
  /** Throws Conflict before `initialize`. */
  readonly runtime: Runtime;
  readonly runner: CrewRunner;
  readonly autonomy: Autonomy | undefined;
  facts(): {
    readonly address: string | null;
    readonly startedAt: Ms | null;
    readonly uptimeSeconds: number | null;
    readonly errors: number;
    readonly lastError: string | null;
    readonly clock: Clock;
    readonly dataDir: string;
  };
  /** Counts and logs an error of work that nobody waits for. */
  note(error: unknown): void;
  getHealth(): DeskHealth;
  kickoffRequest(request: KickoffRequest, options?: CallOptions): Promise<RunDocument>;
  pause(): Promise<DeskStatus>;
  resume(): Promise<DeskStatus>;
  on(name: '*', handler: (event: AnyEvent) => void): unknown;
  off(name: '*', handler: (event: AnyEvent) => void): unknown;
}
