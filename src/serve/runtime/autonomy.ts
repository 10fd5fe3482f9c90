import {
  type Behaviour,
  type BehaviourEngine,
  createBehaviourEngine,
  createBehaviourStore,
  defineBehaviour,
} from '../../crew/index.ts';
import type { Clock } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { createIdSource } from '../../kit/id.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { createIssueRecorder } from '../../market/jobs/issue-recorder.ts';
import type { DeskConfig } from '../config.ts';
import type { Autonomy, Runtime } from './contract.ts';
import type { CrewCode } from './modules.ts';
import type { BehaviourRow } from '../desk.ts';

/**
 * Records quality issues from now on. After `begin`, when `autonomous`, behaviours are watched; else they fire by hand
 * only.
 */
export async function openAutonomy(options: {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly shadow: () => boolean;
  readonly autonomous: boolean;
  /** Only the behaviours of these crews; undefined: of all. */
  readonly crews?: readonly string[] | undefined;
}): Promise<Autonomy> {
  const { runtime, clock, log, autonomous } = options;
  const { operations, crews, config } = runtime;
  const engine = createBehaviourEngine({
    behaviours: behavioursOf(crews.code, config, options.crews),
    store: await createBehaviourStore(operations.db),
    agents: Object.fromEntries(config.agents.map((agent) => [agent.id, agent])),
    invoker: crews.invoker,
    runner: crews.runner,
    events: operations.bus,
    eventSource: operations.bus,
    clock,
    log,
    newId: createIdSource(() => clock.now(), options.random),
    shadow: options.shadow,
    concurrency: config.system.limits.max_concurrent_agents,
  });
  const recorder = createIssueRecorder(runtime.market.services, operations.bus);
  const begin = (): Promise<void> => (autonomous ? engine.start() : Promise.resolve());
  return {
    begin,
    settle: () => recorder.flush(),
    behaviours: async () => (await engine.list()).map(behaviourRow),
    fire: async (name) => ({ behaviour: name, outcome: await engine.trigger(name) }),
    pause: () => engine.stop(),
    async [Symbol.asyncDispose]() {
      await engine.stop();
      await recorder[Symbol.asyncDispose]();
    },
  };
}

export function behaviourRow(status: Awaited<ReturnType<BehaviourEngine['list']>>[number]): BehaviourRow {
  const { id, enabled, trigger, priority, cooldown_seconds, last_run, next_run, last_status, last_error, description } =
    status;
  return {
    id,
    description,
    enabled,
    trigger,
    priority,
    cooldown_seconds,
    last_run,
    next_run,
    last_outcome: last_error ?? last_status,
  };
}

/** The behaviours that the crews bring, with the changes of system.yaml. Throws InvalidInput for a change of one that does not exist. */
export function behavioursOf(
  code: Readonly<Record<string, CrewCode>>,
  config: DeskConfig,
  only?: readonly string[],
): readonly Behaviour[] {
  const all = Object.entries(code).flatMap(([crew, code]) =>
    code.behaviours.map((behaviour) => ({ crew, behaviour: behaviour as Behaviour })),
  );
  const names = all.map(({ behaviour }) => behaviour.name);
  for (const name of Object.keys(config.system.behaviours)) {
    if (!names.includes(name))
      throw new InvalidInput(`system.yaml changes behaviour '${name}', which no crew has${didYouMean(name, names)}`);
  }
  return all
    .filter(({ crew }) => only === undefined || only.includes(crew))
    .map(({ behaviour }) => changed(behaviour, config.system.behaviours[behaviour.name]));
}

function changed(
  behaviour: Behaviour,
  settings: Runtime['config']['system']['behaviours'][string] | undefined,
): Behaviour {
  if (settings === undefined) return behaviour;
  const { enabled, cron, every, cooldown, time_zone } = settings;
  const trigger =
    cron !== undefined
      ? { cron, timezone: time_zone }
      : every !== undefined
        ? { every: every / 1000 }
        : 'cron' in behaviour.trigger && time_zone !== undefined
          ? { ...behaviour.trigger, timezone: time_zone }
          : behaviour.trigger;
  return defineBehaviour({
    ...behaviour,
    trigger,
    enabled: enabled ?? behaviour.enabled,
    cooldownSeconds: cooldown === undefined ? behaviour.cooldownSeconds : cooldown / 1000,
  });
}
