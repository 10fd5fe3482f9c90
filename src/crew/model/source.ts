import type { Playbook } from '../playbook.ts';
import type { AgentSpec, CrewSpec } from '../spec.ts';
import { createModel } from './create.ts';
import type { CrewModel, ModelSource } from './model.ts';

export interface ModelSourceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The system's model; an agent's `llm` takes its place for that agent. */
  readonly model: string;
  /** Asked in this order when the model fails. */
  readonly fallbacks: readonly string[];
  /** The playbook of each crew, by crew id. */
  readonly playbooks: Readonly<Record<string, Playbook>>;
  /** How a model is made; default `createModel`. */
  readonly create?: typeof createModel | undefined;
}

/** Models by name from the environment, made once and shared. A crew without a playbook has none to fall back to. */
export function createModelSource(options: ModelSourceOptions): ModelSource {
  const made = new Map<string, Promise<CrewModel>>();
  const create = options.create ?? createModel;

  const modelOf = (name: string, agent: AgentSpec, crew: CrewSpec): Promise<CrewModel> => {
    const key = name === 'playbook' ? `playbook ${crew.id}` : `${name} ${agent.temperature} ${agent.max_tokens}`;
    let model = made.get(key);
    if (model === undefined) {
      model = create(name, {
        env: options.env,
        options: { temperature: agent.temperature, maxTokens: agent.max_tokens },
        playbook: options.playbooks[crew.id],
      });
      made.set(key, model);
      model.catch(() => made.delete(key));
    }
    return model;
  };

  const namesFor = (agent: AgentSpec, crew: CrewSpec): readonly string[] => {
    const managed = crew.manager_agent === agent.id ? crew.manager_llm : null;
    const first = managed ?? agent.llm ?? options.model;
    const rest = options.fallbacks.filter((n) => n !== 'playbook' || crew.id in options.playbooks);
    return [...new Set([first, ...agent.llm_fallbacks, ...rest])];
  };

  return {
    modelsFor: async (agent, crew) => Promise.all(namesFor(agent, crew).map((name) => modelOf(name, agent, crew))),
    missing: (crew, taskIds) => {
      if (options.model !== 'playbook') return Promise.resolve([]);
      const policies = options.playbooks[crew.id]?.policies;
      if (policies === undefined) return Promise.resolve([`crew ${crew.id} has no playbook.ts`]);
      return Promise.resolve(
        taskIds.filter((id) => policies[id] === undefined).map((id) => `its playbook has no policy for task ${id}`),
      );
    },
  };
}
