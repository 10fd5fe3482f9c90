import {
  type Behaviour,
  type BehaviourEngine,
  createBehaviourEngine,
  createBehaviourStore,
  defineBehaviour,
  type FlowRunner,
} from '../../crew/index.ts';
import { closeAll } from '../../kit/close.ts';
import type { Clock } from '../../kit/clock.ts';
import { InvalidInput, Unavailable } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { createIdSource } from '../../kit/id.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { createConnectionLog } from '../../market/jobs/connection-log.ts';
import { createIssueRecorder } from '../../market/jobs/issue-recorder.ts';
import type { FileConfig } from '../config.ts';
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
    behaviours: behavioursOf(crews.code, config, { only: options.crews, flows: crews.flows }),
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
  const connections = createConnectionLog(runtime.market.services, operations.bus);
  const begin = (): Promise<void> => (autonomous ? engine.start() : Promise.resolve());
  return {
    begin,
    settle: () => recorder.flush(),
    behaviours: async () => (await engine.list()).map(behaviourRow),
    fire: async (name) => ({ behaviour: name, outcome: await engine.trigger(name) }),
    pause: () => engine.stop(),
    [Symbol.asyncDispose]: () =>
      closeAll(
        () => engine.stop(),
        () => connections[Symbol.asyncDispose](),
        () => recorder[Symbol.asyncDispose](),
      ),
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

/** A flow with a trigger, as what runs by itself: `flow_health_check`. */
function flowBehaviours(config: FileConfig, flows: FlowRunner | undefined): readonly Behaviour[] {
  return config.flows.flatMap(({ id, description, trigger, enabled }) => {
    if (trigger === null) return [];
    return defineBehaviour({
      name: `flow_${id.replaceAll('-', '_').toLowerCase()}`,
      description,
      trigger,
      enabled,
      run: async ({ event, trigger: by, signal, shadow }) => {
        if (flows === undefined) throw new Unavailable(`flow ${id} needs a controller: crew start`);
        const payload = event?.data ?? null;
        const { run_id, status } = await flows.kickoff(id, {}, { payload, shadow, signal, trigger: by });
        return { run_id, status };
      },
    });
  });
}

/** The behaviours that the crews bring and the flows that start by themselves, with the changes of system.yaml. Throws InvalidInput for a change of one that does not exist. */
export function behavioursOf(
  code: Readonly<Record<string, CrewCode>>,
  config: FileConfig,
  options: {
    /** Only those of these crews, and no flows. */
    readonly only?: readonly string[] | undefined;
    /** What runs the flows; without it they can be listed alone. */
    readonly flows?: FlowRunner | undefined;
  } = {},
): readonly Behaviour[] {
  const { only } = options;
  const all = Object.entries(code).flatMap(([crew, code]) =>
    code.behaviours.map((behaviour) => ({ crew, behaviour: behaviour as Behaviour })),
  );
  const flows = flowBehaviours(config, options.flows);
  const names = [...all.map(({ behaviour }) => behaviour.name), ...flows.map((flow) => flow.name)];
  for (const name of Object.keys(config.system.behaviours)) {
    if (!names.includes(name))
      throw new InvalidInput(`system.yaml changes behaviour '${name}', which no crew has${didYouMean(name, names)}`);
  }
  const own = all.filter(({ crew }) => only === undefined || only.includes(crew)).map(({ behaviour }) => behaviour);
  return [...own, ...(only === undefined ? flows : [])].map((behaviour) =>
    changed(behaviour, config.system.behaviours[behaviour.name]),
  );
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
