import { InvalidInput } from '../../kit/errors.ts';
import { mergeOutside } from '../../kit/outside.ts';
import type { Recalled, Remembered } from '../memory/contract.ts';
import { agentScope, checkTenant, crewScope, DEFAULT_TENANT } from '../memory/scopes.ts';
import type { MemoryVault } from '../memory/vault.ts';
import type { CrewSpec, MemorySpec } from '../spec.ts';
import { compactJson } from './compact.ts';
import { fill, placeholders } from './prompt.ts';

/** What agents of crews with `memory` keep from run to run. */
export interface CrewMemory {
  /** The memory as the agents of a run see it. Throws InvalidInput when its tenant has no input. */
  of(crew: CrewSpec, run: { readonly id: string; readonly inputs: Readonly<Record<string, unknown>> }): RunMemory;
}

/** Who asks, or writes: an agent at a task. */
export interface MemoryUser {
  readonly agent: string;
  readonly task: string;
}

/** What an agent wants to be remembered. */
export interface AgentNote {
  readonly content: string;
  /** What it is about, as in BTCUSDT or kraken. */
  readonly about?: string | undefined;
  readonly importance?: number | undefined;
  /** For the agent alone, not for the crew. */
  readonly private?: boolean | undefined;
}

/** The memory of one crew in one run, within its tenant's walls. */
export interface RunMemory {
  readonly tenant: string;
  readonly settings: MemorySpec;
  /**
   * What the agent gave as this task's output the last time, and whose words from outside it holds (null: not known);
   * null when nothing.
   */
  last(user: MemoryUser): Promise<{ readonly value: unknown; readonly outside: readonly string[] | null } | null>;
  /** Keeps a task's output until its next run, or until short-term memory ends. */
  keep(user: MemoryUser, output: unknown, outside: readonly string[]): Promise<Remembered>;
  /** `outside`: whose words from outside the agent had read. */
  remember(user: MemoryUser, note: AgentNote, outside: readonly string[]): Promise<Remembered>;
  /**
   * What the agent may read that has to do with a question, best first: its own, its crew's and that of the crews that
   * `reads` names. What this run wrote itself is left out, and so is the last output of the task.
   */
  recall(user: MemoryUser, question: string, limit: number, signal?: AbortSignal): Promise<readonly Recalled[]>;
}

const DAY_MS = 86_400_000;
/** Characters of an output that can be found by its words. */
const OUTPUT_LIMIT = 4000;

const taskKey = (task: string): string => `task:${task}`;

/** Binds a vault to crews: who may read and write what follows from crew, agent and the crew's `memory`. */
export function crewMemory(vault: MemoryVault): CrewMemory {
  return {
    of(crew, run) {
      const { memory } = crew;
      if (memory === null) throw new InvalidInput(`crew ${crew.id} has no memory`);
      const tenant = tenantOf(memory, run.inputs);
      const shared = (agent: string): string => (memory.share ? crewScope(crew.id) : agentScope(crew.id, agent));
      const author = ({ agent, task }: MemoryUser) => ({ crew: crew.id, agent, task, run: run.id });
      const expiresInMs = memory.keep_days === null ? null : memory.keep_days * DAY_MS;
      return {
        tenant,
        settings: memory,
        async last({ agent, task }) {
          const kept = await (await vault.tenant(tenant)).get(agentScope(crew.id, agent), taskKey(task));
          return kept === undefined ? null : { value: kept.value, outside: kept.outside };
        },
        async keep(user, output, outside) {
          const text = typeof output === 'string' ? output : compactJson(output, OUTPUT_LIMIT);
          return (await vault.tenant(tenant)).remember({
            scope: agentScope(crew.id, user.agent),
            key: taskKey(user.task),
            kind: 'short_term',
            content: `${user.task}: ${text.slice(0, OUTPUT_LIMIT)}`,
            value: output,
            outside,
            by: author(user),
          });
        },
        async remember(user, { content, about, importance, private: own = false }, outside) {
          return (await vault.tenant(tenant)).remember({
            scope: own ? agentScope(crew.id, user.agent) : shared(user.agent),
            kind: about === undefined ? 'long_term' : 'entity',
            entity: about,
            content,
            importance,
            outside,
            expiresInMs,
            by: author(user),
          });
        },
        async recall({ agent, task }, question, limit, signal) {
          const roots = [
            ...(memory.share ? [crewScope(crew.id)] : []),
            agentScope(crew.id, agent),
            ...memory.reads.map(crewScope),
          ];
          const found = await (await vault.tenant(tenant)).recall(question, {
            scopes: roots,
            // What the crew shares is no way into what its other agents keep to themselves.
            except: (scope) => isPrivate(scope) && scope !== agentScope(crew.id, agent),
            leaveOut: (memory) =>
              memory.written_by.run === run.id || (memory.key === taskKey(task) && memory.written_by.agent === agent),
            limit,
            signal,
          });
          return found;
        },
      };
    },
  };
}

/** Whose words from outside recalled memories hold; memory whose origin is not known counts as such. */
export function outsideOfMemories(found: readonly Recalled[]): readonly string[] {
  return mergeOutside(...found.map(({ memory }) => memory.outside ?? ['memory']));
}

/** What one agent keeps to itself: `/crew/<crew>/agent/<agent>`. */
function isPrivate(scope: string): boolean {
  return /^\/crew\/[^/]+\/agent\//.test(scope);
}

function tenantOf({ tenant }: MemorySpec, inputs: Readonly<Record<string, unknown>>): string {
  if (tenant === null) return DEFAULT_TENANT;
  for (const name of placeholders(tenant)) {
    const value = inputs[name];
    if (typeof value !== 'string' || value === '')
      throw new InvalidInput(`the tenant of memory, '${tenant}', needs the input {${name}} as text`);
  }
  return checkTenant(fill(tenant, inputs));
}
