import type { Clock, Ms } from '../../kit/clock.ts';
import type { OpsStore, OpsStored } from '../../kit/ops.ts';

export type FlowStatus = 'running' | 'paused' | 'completed' | 'failed';

export interface FlowSave {
  readonly name: string;
  readonly state: unknown;
  readonly currentStep?: string | null | undefined;
  /** Default `running`. */
  readonly status?: FlowStatus | undefined;
  /** Kept with the step and time, after those of earlier steps. */
  readonly checkpoint?: unknown;
}

export interface FlowCheckpoint {
  readonly step: string | null;
  readonly timestamp: Ms;
  readonly data: unknown;
}

type Stored = OpsStored<'flow_state'>;

const CHECKPOINTS_KEPT = 100;

/** How far flows have come: one row a flow, replaced at each save. */
export class Flows {
  readonly #store: OpsStore;
  readonly #clock: Clock;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: OpsStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Saves the flow's state; the time of its start stays, that of its end is set when it completes or fails. */
  save(flowId: string, flow: FlowSave): Promise<void> {
    const saved = this.#turn.then(() => this.#save(flowId, flow));
    this.#turn = saved.catch(() => undefined);
    return saved;
  }

  /** The flow's last saved state, undefined when it never saved one. */
  async get(flowId: string): Promise<Stored | undefined> {
    const [row] = await this.#store.select('flow_state', { where: { flow_id: flowId }, limit: 1 });
    return row;
  }

  /** Flows of a status, newest first. */
  list(status?: FlowStatus, limit = 100): Promise<readonly Stored[]> {
    return this.#store.select('flow_state', status === undefined ? { limit } : { where: { status }, limit });
  }

  async #save(flowId: string, flow: FlowSave): Promise<void> {
    const now = this.#clock.now();
    const known = await this.get(flowId);
    const { status = 'running' } = flow;
    const checkpoint: FlowCheckpoint = {
      step: flow.currentStep ?? null,
      timestamp: now,
      data: flow.checkpoint ?? null,
    };
    const earlier: readonly unknown[] = Array.isArray(known?.checkpoint_data) ? known.checkpoint_data : [];
    const changes = {
      flow_name: flow.name,
      current_step: flow.currentStep ?? null,
      state: flow.state,
      updated_at: now,
      completed_at: status === 'completed' || status === 'failed' ? now : null,
      status,
      checkpoint_data: flow.checkpoint === undefined ? earlier : [...earlier, checkpoint].slice(-CHECKPOINTS_KEPT),
    };
    if (known === undefined) await this.#store.insert('flow_state', { flow_id: flowId, started_at: now, ...changes });
    else await this.#store.update('flow_state', known.id, changes);
  }
}
