import type { FlowDocument } from './document.ts';
import type { Flows, FlowStatus } from '../state/flows.ts';

/** Where flow runs are kept. */
export interface FlowStore {
  save(document: FlowDocument): Promise<void>;
  get(runId: string): Promise<FlowDocument | null>;
  /** Newest first. */
  list(limit?: number): Promise<readonly FlowDocument[]>;
}

/** Keeps flow runs in memory. */
export function createMemoryFlowStore(): FlowStore {
  const kept = new Map<string, FlowDocument>();
  return {
    save: (document) => {
      kept.set(document.run_id, document);
      return Promise.resolve();
    },
    get: (runId) => Promise.resolve(kept.get(runId) ?? null),
    list: (limit = 50) => Promise.resolve([...kept.values()].reverse().slice(0, limit)),
  };
}

const STATUS: Readonly<Record<FlowDocument['status'], FlowStatus>> = {
  running: 'running',
  waiting: 'paused',
  suspended: 'paused',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'failed',
};

/** Keeps flow runs in the table `flow_state` of the ops database: one row a run, its document as the state. */
export function createFlowStore(flows: Flows): FlowStore {
  return {
    save: (document) =>
      flows.save(document.run_id, {
        name: document.flow,
        state: document,
        currentStep: document.methods.findLast((m) => m.runs > 0)?.id ?? null,
        status: STATUS[document.status],
      }),
    get: async (runId) => readFlowDocument((await flows.get(runId))?.state),
    list: async (limit = 50) =>
      (await flows.list(undefined, limit)).flatMap((row) => {
        const document = readFlowDocument(row.state);
        return document === null ? [] : [document];
      }),
  };
}

/** A run of a flow as it is kept; null: rows that others wrote into the table are not runs of ours. */
export function readFlowDocument(state: unknown): FlowDocument | null {
  return isDocument(state) ? state : null;
}

function isDocument(state: unknown): state is FlowDocument {
  return typeof state === 'object' && state !== null && 'run_id' in state && 'structure_hash' in state;
}
