import { z } from 'zod';
import { cronPattern, durationSeconds } from './fields.ts';
import { taskQuestionsSchema } from './question-schema.ts';
import { tripwiresSchema } from './tripwire-schema.ts';

/** agents.yaml, tasks.yaml and crews.yaml: maps keyed by id, with CrewAI's fields and, marked so, a few of ours. */

const prose = z.string().trim().min(1);
const names = z.array(z.string().trim().min(1));
const orNull = <T extends z.ZodType>(schema: T): z.ZodDefault<z.ZodNullable<T>> => schema.nullable().default(null);

/** Ids of agents, tasks and crews. */
export const idSchema = z
  .string()
  .regex(/^\p{L}[\p{L}\p{M}\p{N}_-]{0,99}$/u, 'is not an id: a letter, then letters, digits, _ or -');

export const agentSchema = z.strictObject({
  role: prose.describe('What the agent is; may hold {placeholders}'),
  goal: prose.describe('What it works towards; may hold {placeholders}'),
  backstory: prose.describe('Who it is: experience, standards; may hold {placeholders}'),
  tools: names.nullable().default([]).describe('Tools it may use, one a line; any other is denied'),
  toolsets: names
    .nullable()
    .default([])
    .describe('Ours: groups of tools, and MCP servers; of each it gets what its role may use'),
  llm: orNull(z.string().trim().min(1)).describe(
    'Its model, when not the system’s: openai:…, anthropic:…, ollama:…, playbook',
  ),
  llm_fallbacks: names.nullable().default([]).describe('Ours: models asked in this order when its model fails'),
  allow_delegation: z.boolean().default(false).describe('Whether it may hand work to the crew’s other agents'),
  max_iter: z.number().int().min(1).default(20).describe('Answers of the model in a task before it must conclude'),
  max_rpm: orNull(z.number().positive()).describe('Requests a minute to the model'),
  max_tpm: orNull(z.number().positive()).describe('Ours: tokens a minute, in and out'),
  max_cost: orNull(z.number().positive()).describe('Ours: USD that its models may cost in one run'),
  max_execution_time: orNull(z.number().positive()).describe('Seconds allowed for a task'),
  max_retry_limit: z.number().int().min(0).default(2).describe('Times that a failed task is tried again'),
  respect_context_window: z
    .boolean()
    .default(true)
    .describe('Summarise older messages when the model’s window is full, instead of failing'),
  context_window: orNull(z.number().int().min(1000)).describe('Ours: tokens that its model can read'),
  reasoning: z.boolean().default(false).describe('Write a plan before acting'),
  max_reasoning_attempts: orNull(z.number().int().min(1).max(20)).describe(
    'Times that the plan is refined until it is ready; 5 unless given',
  ),
  inject_date: z.boolean().default(false).describe('Tell it the date'),
  date_format: z.string().default('%Y-%m-%d').describe('How the date is written, as strftime has it'),
  max_delegation_depth: z
    .number()
    .int()
    .min(1)
    .max(5)
    .default(1)
    .describe('Ours: how far work may be handed on; 1: whoever gets it does it'),
  max_delegations: z.number().int().min(1).default(10).describe('Ours: pieces of work it may hand out in one task'),
  handoffs: names.nullable().default([]).describe('Ours: agents of the crew that may take its task over'),
  skills: names.nullable().default([]).describe('Folders with a SKILL.md each, below skills/ or by path'),
  knowledge_sources: names
    .nullable()
    .default([])
    .describe('Files, folders and web pages it is told from: txt, md, csv, json, yaml, pdf'),
  stream: orNull(z.boolean()).describe(
    'Ours: whether its models write in pieces, always or never; the crew’s unless given',
  ),
  verbose: z.boolean().default(false).describe('Log each step'),
  temperature: orNull(z.number().min(0).max(2)).describe('Sampling temperature of the model'),
  max_tokens: orNull(z.number().int().positive()).describe('Longest answer of the model, tokens'),
  permission_role: orNull(z.string()).describe('Ours: its role in system.yaml; without one nothing is granted'),
  approval_required: names
    .nullable()
    .default([])
    .describe('Ours: tools of its list that need a person’s approval each time'),
  tripwires: orNull(tripwiresSchema).describe('Ours: what may end the run, by what goes in or comes out'),
});

const trigger = z
  .union([
    z.strictObject({ every: durationSeconds.describe('Seconds between two starts, or 30s, 5m, 1h') }),
    z.strictObject({ event: z.string().min(1).describe('Event that starts it') }),
    z.strictObject({ cron: cronPattern.describe('When it starts, in cron’s fields, UTC') }),
  ])
  .describe('Ours: what starts it in continuous work');

/** What must hold for a task to run. */
export const conditionSchema = z.strictObject({
  task: z.string().min(1).optional().describe('Task whose output is looked at; the last that completed unless given'),
  field: z.string().min(1).optional().describe('Path of a field in it, as in a.b'),
  is: z.unknown().optional().describe('Equal to this'),
  is_not: z.unknown().optional().describe('Not equal to this'),
  above: z.number().optional().describe('Greater than this'),
  below: z.number().optional().describe('Less than this'),
  contains: z.string().optional().describe('A text or a list that holds this'),
  exists: z.boolean().optional().describe('Whether there is such a field'),
});

const guardrails = z.union([names, prose]).nullable();

export const taskSchema = z.strictObject({
  description: prose.describe('What is to be done; may hold {placeholders}'),
  expected_output: prose.describe('What the answer must hold; may hold {placeholders}'),
  agent: orNull(z.string().trim().min(1)).describe(
    'Agent that does it; none: the manager of a hierarchical crew decides',
  ),
  context: names.nullable().default([]).describe('Tasks whose outputs it sees'),
  tools: orNull(names).describe('Tools for this task alone, out of its agent’s list'),
  async_execution: z.boolean().default(false).describe('Whether the next task starts without waiting for it'),
  human_input: z.boolean().default(false).describe('Whether a person looks at the answer first'),
  human_input_timeout: orNull(z.number().positive()).describe(
    'Ours: seconds that a person has for that; any time unless given',
  ),
  human_input_on_timeout: z
    .enum(['fail', 'accept'])
    .default('fail')
    .describe('Ours: what becomes of the task when nobody has'),
  output_file: orNull(z.string().min(1)).describe('File that the answer is written to'),
  create_directory: z.boolean().default(true).describe('Make the folders of output_file'),
  markdown: z.boolean().default(false).describe('Ask for an answer in Markdown'),
  guardrail: guardrails
    .default(null)
    .describe('A rule for the answer: text for a model to judge, or a function’s name'),
  guardrails: guardrails.default(null).describe('Several rules, applied in order'),
  guardrail_max_retries: z.number().int().min(0).default(3).describe('Times that each rule may send it back'),
  guardrail_max_seconds: orNull(z.number().positive()).describe('Ours: seconds for all rules and retries together'),
  guardrail_max_tokens: orNull(z.number().int().positive()).describe('Ours: tokens for all of that together'),
  condition: orNull(z.union([conditionSchema, z.string().min(1)])).describe(
    'Ours: run only when this holds; a text names a function of the crew’s hooks',
  ),
  callback: orNull(z.string().min(1)).describe('Function of the crew’s hooks that gets the output'),
  output_json: z
    .union([z.record(z.string(), z.unknown()), z.string()])
    .nullable()
    .default(null)
    .describe('JSON schema that the answer must follow'),
  priority: z.enum(['critical', 'high', 'medium', 'low']).default('medium').describe('Ours: who goes first'),
  timeout: orNull(z.number().positive()).describe('Ours: seconds allowed'),
  max_retries: z.number().int().min(0).default(2).describe('Ours: times that it is tried again'),
  trigger: orNull(trigger),
  ask: taskQuestionsSchema.describe(
    'Ours: what a person is asked before the agent begins, by name; {name} in its texts is the answer',
  ),
});

/** A task of a CrewAI project: CrewAI takes an `expected_output` that says nothing, and people write one. */
export const crewAiTaskSchema = taskSchema.extend({ expected_output: z.string().trim() });

export const memorySchema = z.strictObject({
  tenant: orNull(prose).describe(
    'Wall that nothing is read over, as in {customer}; none: the one that all others share',
  ),
  share: z.boolean().default(true).describe('Whether its agents share what they remember'),
  reads: names.nullable().default([]).describe('Crews of the same tenant whose shared memory they may read too'),
  recall: z.number().int().min(0).max(50).default(5).describe('Memories put before an agent with its task'),
  tools: z.boolean().default(true).describe('Whether its agents get the tools remember and recall'),
  keep_days: orNull(z.number().positive()).describe('Days after which what they remember ends; none: never'),
});

export const crewSchema = z.strictObject({
  name: orNull(z.string().trim().min(1)).describe('Name for people; the id unless given'),
  description: z.string().trim().default('').describe('What the crew is for'),
  process: z
    .enum(['sequential', 'parallel', 'hierarchical', 'graph'])
    .default('sequential')
    .describe('How the tasks follow each other; graph: the crew’s own graph.ts'),
  agents: orNull(names).describe('Its agents; those of its tasks unless given'),
  tasks: names.min(1).describe('Its tasks, in order'),
  manager_agent: orNull(z.string().trim().min(1)).describe('Agent that manages a hierarchical crew'),
  manager_llm: orNull(z.string().trim().min(1)).describe('Model of a manager made for the crew'),
  max_rpm: orNull(z.number().positive()).describe('Requests a minute to models, over all its agents'),
  max_tpm: orNull(z.number().positive()).describe('Tokens a minute, over all its agents'),
  max_cost: orNull(z.number().positive()).describe('USD that a run may cost, over all its agents'),
  planning: z.boolean().default(false).describe('Write a plan for each task before the first one starts'),
  planning_llm: orNull(z.string().trim().min(1)).describe('Model of the planner; the system’s unless given'),
  manager_review: z
    .boolean()
    .default(false)
    .describe('The manager looks at all results at the end and may reject them'),
  knowledge_sources: names
    .nullable()
    .default([])
    .describe('Files, folders and web pages that all its agents are told from'),
  memory: z
    .union([z.boolean(), memorySchema])
    .default(false)
    .describe('Whether its agents remember from run to run; ours: and how'),
  tripwires: orNull(tripwiresSchema).describe('Ours: what may end the run, by what goes in or comes out'),
  stream: orNull(z.boolean()).describe(
    'Whether models write in pieces, always or never; only while somebody reads unless given',
  ),
  verbose: z.boolean().default(false).describe('Log each step'),
});

/** Fields that CrewAI knows and this system accepts without acting on them; each use is a warning. */
export const UNUSED_AGENT_FIELDS: readonly string[] = [
  'a2a',
  'allow_code_execution',
  'apps',
  'cache',
  'callbacks',
  'code_execution_mode',
  'config',
  'embedder',
  'from_repository',
  'function_calling_llm',
  'guardrail',
  'guardrail_max_retries',
  'knowledge',
  'mcps',
  'memory',
  'multimodal',
  'planning',
  'planning_config',
  'prompt_template',
  'response_template',
  'step_callback',
  'system_template',
  'use_system_prompt',
];

/** See `UNUSED_AGENT_FIELDS`. */
export const UNUSED_TASK_FIELDS: readonly string[] = [
  'allow_crewai_trigger_context',
  'config',
  'converter_cls',
  'input_files',
  'name',
  'output_pydantic',
  'response_model',
];
