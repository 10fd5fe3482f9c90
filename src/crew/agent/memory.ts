/** What the agents of a crew with `memory: true` keep from run to run. */
export interface CrewMemory {
  /** What the agent kept of this task; null when nothing. */
  recall(agentId: string, taskId: string): Promise<unknown>;
  remember(agentId: string, taskId: string, output: unknown): Promise<void>;
}

/** The part of an agent memory store that crews use. */
export interface MemoryStore {
  get(agentId: string, key: string): Promise<unknown>;
  set(agentId: string, key: string, value: unknown): Promise<void>;
}

/** Keeps the last output of each task under the key `task:<id>`. */
export function crewMemory(store: MemoryStore): CrewMemory {
  return {
    recall: (agentId, taskId) => store.get(agentId, `task:${taskId}`),
    remember: (agentId, taskId, output) => store.set(agentId, `task:${taskId}`, output),
  };
}
