import { agentSchema, crewSchema, taskSchema } from './config/crew-schemas.ts';
import { toAgent, toCrew, toTask } from './config/specs.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from './spec.ts';

/** What the configuration's schemas give a field that is left out: the one place where defaults are. */

const same = (name: string): string => name;
const agentDefaults = toAgent('', agentSchema.parse({ role: '-', goal: '-', backstory: '-' }), same);
const taskDefaults = toTask('', taskSchema.parse({ description: '-', expected_output: '-' }), same);
const crewDefaults = toCrew('', crewSchema.parse({ tasks: ['-'] }), []);

/** An agent with the defaults of agents.yaml for what is not given. */
export function agentSpec(
  given: Partial<AgentSpec> & Pick<AgentSpec, 'id' | 'role' | 'goal' | 'backstory'>,
): AgentSpec {
  return { ...agentDefaults, ...given };
}

/** A task with the defaults of tasks.yaml for what is not given. */
export function taskSpec(
  given: Partial<TaskSpec> & Pick<TaskSpec, 'id' | 'description' | 'expected_output'>,
): TaskSpec {
  return { ...taskDefaults, ...given };
}

/** A crew with the defaults of crews.yaml for what is not given. */
export function crewSpec(given: Partial<CrewSpec> & Pick<CrewSpec, 'id' | 'agents' | 'tasks'>): CrewSpec {
  return { ...crewDefaults, name: given.id, ...given };
}
