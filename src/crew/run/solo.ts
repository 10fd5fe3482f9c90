import { NotFound } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { crewSpec, taskSpec } from '../defaults.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';

/** The task of an agent that runs alone. */
export const SOLO_TASK = 'answer';
const PREFIX = 'agent:';

/** What an agent alone is asked. Kept as the inputs of its run, so that it can be taken up by another process. */
export interface SoloRequest {
  readonly prompt: string;
  /** What the answer must hold. */
  readonly expected_output?: string | undefined;
  /** JSON schema of the answer. */
  readonly output_json?: Readonly<Record<string, unknown>> | undefined;
}

/** Name that the runs of an agent alone have in the place of a crew. */
export function soloCrewId(agentId: string): string {
  return `${PREFIX}${agentId}`;
}

/** The crew of one that an agent alone is; null when the id is that of a crew. Throws NotFound for an unknown agent. */
export function soloCrew(
  crewId: string,
  agents: Readonly<Record<string, AgentSpec>>,
  inputs: Readonly<Record<string, unknown>>,
): { readonly crew: CrewSpec; readonly task: TaskSpec } | null {
  if (!crewId.startsWith(PREFIX)) return null;
  const id = crewId.slice(PREFIX.length);
  if (agents[id] === undefined) throw new NotFound(`there is no agent '${id}'${didYouMean(id, Object.keys(agents))}`);
  const { expected_output: expected, output_json: schema } = inputs;
  const output_json = typeof schema === 'object' && schema !== null ? Object.fromEntries(Object.entries(schema)) : null;
  return {
    crew: crewSpec({ id: crewId, agents: [id], tasks: [SOLO_TASK], description: `The agent ${id} alone.` }),
    task: taskSpec({
      id: SOLO_TASK,
      agent: id,
      // Filled from the inputs, so that braces in it stay as they are.
      description: '{prompt}',
      expected_output: typeof expected === 'string' ? '{expected_output}' : 'A complete answer.',
      output_json,
      max_retries: 0,
    }),
  };
}
