import type { Clock, Ms } from '../../kit/clock.ts';
import type { OpsRows, OpsStore, OpsStored, OpsTable } from '../../kit/ops.ts';
import { Flows } from './flows.ts';
import { Knowledge } from './knowledge.ts';
import { AgentMemory, type MemoryLimits } from './memory.ts';
import { Messages } from './messages.ts';

/** A decision of an agent; `timestamp` is set when it is recorded. */
export type Decision = Omit<OpsRows['agent_decisions'], 'timestamp'>;

const TABLES = [
  'agent_decisions',
  'agent_memory',
  'flow_state',
  'knowledge_base',
  'communication_log',
  'agent_metrics',
] as const satisfies readonly OpsTable[];

/** What agents and flows keep between runs: decisions, memory, flows, knowledge, messages and metrics. */
export interface CrewRecords {
  readonly memory: AgentMemory;
  readonly flows: Flows;
  readonly knowledge: Knowledge;
  readonly messages: Messages;
  /** The decision's id. */
  recordDecision(decision: Decision): Promise<number>;
  /** Newest first; default 100. */
  decisions(
    agentId: string,
    options?: {
      readonly tool?: string | undefined;
      readonly successOnly?: boolean | undefined;
      readonly limit?: number | undefined;
    },
  ): Promise<readonly OpsStored<'agent_decisions'>[]>;
  recordMetric(agentId: string, name: string, value: number, dimensions?: unknown): Promise<number>;
  /** Oldest first, of the last `withinMs` (default 24 hours). */
  metrics(
    agentId: string,
    options?: { readonly name?: string | undefined; readonly withinMs?: Ms | undefined; readonly limit?: number },
  ): Promise<readonly OpsStored<'agent_metrics'>[]>;
  /** Rows of each table. */
  statistics(): Promise<Readonly<Record<(typeof TABLES)[number], number>>>;
}

/** Binds the records to the operations tables. */
export function createCrewRecords(store: OpsStore, clock: Clock, limits: MemoryLimits = {}): CrewRecords {
  return {
    memory: new AgentMemory(store, clock, limits),
    flows: new Flows(store, clock),
    knowledge: new Knowledge(store, clock),
    messages: new Messages(store, clock),
    recordDecision: (decision) => store.insert('agent_decisions', { timestamp: clock.now(), ...decision }),
    decisions: (agentId, { tool, successOnly, limit = 100 } = {}) =>
      store.select('agent_decisions', {
        where: {
          agent_id: agentId,
          ...(tool === undefined ? {} : { tool_name: tool }),
          ...(successOnly === true ? { success: true } : {}),
        },
        limit,
      }),
    recordMetric: (agent_id, metric_name, metric_value, dimensions = null) =>
      store.insert('agent_metrics', { timestamp: clock.now(), agent_id, metric_name, metric_value, dimensions }),
    async metrics(agentId, { name, withinMs = 86_400_000, limit = 10_000 } = {}) {
      const where = name === undefined ? { agent_id: agentId } : { agent_id: agentId, metric_name: name };
      const newest = await store.select('agent_metrics', { where, since: clock.now() - withinMs, limit });
      return newest.toReversed();
    },
    async statistics() {
      const counts = await Promise.all(TABLES.map(async (table) => [table, await store.count(table)] as const));
      return Object.fromEntries(counts) as Record<(typeof TABLES)[number], number>;
    },
  };
}
