import { ModelChain } from '../model/chain.ts';
import type { AgentSpec, CrewSpec } from '../spec.ts';
import { OUTPUT_LIMIT } from '../spend/meter.ts';
import type { RunnerParts } from './contract.ts';
import type { RunEvents } from './run-events.ts';

/** The models of a run's agents, each with its fallbacks: one chain for all agents that ask the same way. */
export class ModelChains {
  readonly #parts: RunnerParts;
  readonly #events: RunEvents;
  readonly #chains = new Map<string, ModelChain>();

  constructor(parts: RunnerParts, events: RunEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  async of(agent: AgentSpec, crew: CrewSpec): Promise<ModelChain> {
    const { models, clock, random, modelTimeoutMs, spend, redactor } = this.#parts;
    // Under a budget an answer needs a limit: only then is it known what a call can cost at most.
    const isLimited = agent.max_tokens === null && spend.covers(agent, crew);
    const list = await models.modelsFor(isLimited ? { ...agent, max_tokens: OUTPUT_LIMIT } : agent, crew);
    const key = [...list.map((model) => model.name), agent.temperature, agent.max_tokens, isLimited].join(' ');
    let chain = this.#chains.get(key);
    if (chain === undefined) {
      const parts = { clock, redactor, events: this.#events, random, meter: spend, timeoutMs: modelTimeoutMs };
      chain = new ModelChain(list, parts);
      this.#chains.set(key, chain);
    }
    return chain;
  }
}
