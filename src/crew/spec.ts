import type { AccessLevel, ToolCategory } from '../kit/access.ts';

/**
 * What the YAML files mean, after checking. Agent and task fields are CrewAI's, so its files load unchanged;
 * fields of ours are marked. All frozen.
 */
export interface AgentSpec {
  readonly id: string;
  readonly role: string;
  readonly goal: string;
  readonly backstory: string;
  /** Tools that it may use, those that its toolsets gave included. */
  readonly tools: readonly string[];
  /** Ours: the toolsets that it names, each with the tools that it gave: of a set, those that the role may use. */
  readonly toolsets: Readonly<Record<string, readonly string[]>>;
  readonly allow_delegation: boolean;
  readonly max_iter: number;
  readonly max_rpm: number | null;
  /** Seconds. */
  readonly max_execution_time: number | null;
  readonly max_retry_limit: number;
  readonly temperature: number | null;
  readonly max_tokens: number | null;
  /** Tokens a minute, in and out (ours). A crew's limit takes its place. */
  readonly max_tpm: number | null;
  /** Ours: USD that its models may cost in one run. */
  readonly max_cost: number | null;
  /** Overrides the system's model. */
  readonly llm: string | null;
  /** Ours: models asked in this order when `llm` fails, before the system's own fallbacks. */
  readonly llm_fallbacks: readonly string[];
  /** Summarise older messages when the conversation outgrows the model, instead of failing. */
  readonly respect_context_window: boolean;
  /** Ours: tokens that the model can read; null: only the model's own refusal tells. */
  readonly context_window: number | null;
  /** Write a plan before acting. */
  readonly reasoning: boolean;
  /** Times that the plan is refined; null: until it is ready, at most 5. */
  readonly max_reasoning_attempts: number | null;
  /** Tell the agent the date. */
  readonly inject_date: boolean;
  /** As `strftime` has it. */
  readonly date_format: string;
  /** Ours: how far work may be handed on from this agent: 1 means that whoever gets it does it themselves. */
  readonly max_delegation_depth: number;
  /** Ours: pieces of work and questions that it may hand to others in one task. */
  readonly max_delegations: number;
  /** Ours: agents of the crew that may take a task over from this one. */
  readonly handoffs: readonly string[];
  /** Folders with a SKILL.md each, read on demand. */
  readonly skills: readonly string[];
  /** Files, folders and web pages that it is told from; paths are below the configuration folder or its `knowledge/`. */
  readonly knowledge_sources: readonly string[];
  /** Ours: whether its models write in pieces, always or never; null: as the crew says. */
  readonly stream: boolean | null;
  readonly verbose: boolean;
  /** Ours: the permission role (roles in system.yaml). Without one the agent has no access to anything guarded. */
  readonly permission_role: string | null;
  /** Ours: tools of the agent's own list that need a person's approval each time. */
  readonly approval_required: readonly string[];
  /** Ours: what looks at what it is given, answers and calls, and may end the run. */
  readonly tripwires: TripwireSpecs;
}

/** Tripwires by the place where they look, in order. */
export interface TripwireSpecs {
  /** Of an agent: what it gets with a task; of a crew: the inputs of a kickoff. */
  readonly input: readonly TripwireSpec[];
  /** Of a crew: the answers of all its agents, and what its last hooks give. */
  readonly output: readonly TripwireSpec[];
  /** The calls of an agent, of a crew those of all its agents, before they are made. */
  readonly tool_call: readonly TripwireSpec[];
}

/** One tripwire: just one of `secrets`, `max_characters`, `deny` and `function` is given. */
export interface TripwireSpec {
  readonly name: string | null;
  readonly secrets: 'trip' | 'redact' | null;
  readonly max_characters: number | null;
  /** Regular expressions, whatever the case. */
  readonly deny: readonly string[] | null;
  /** Name of a function of the crew's hooks. */
  readonly function: string | null;
  /** Time for a verdict. */
  readonly seconds: number;
  /** What it means when it throws, is late or gives no verdict. */
  readonly on_error: 'trip' | 'pass';
}

export interface TaskSpec {
  readonly id: string;
  readonly description: string;
  readonly expected_output: string;
  readonly agent: string | null;
  /** Tasks whose outputs this one sees. */
  readonly context: readonly string[];
  readonly tools: readonly string[] | null;
  readonly async_execution: boolean;
  readonly human_input: boolean;
  /** Ours: seconds that a person has to look at the answer; null: any time. */
  readonly human_input_timeout: number | null;
  /** Ours: what becomes of the task when nobody has. */
  readonly human_input_on_timeout: 'fail' | 'accept';
  /** May hold {placeholders}. */
  readonly output_file: string | null;
  /** Make the folders of `output_file`. */
  readonly create_directory: boolean;
  /** Ask for Markdown. */
  readonly markdown: boolean;
  /** Rules for the answer, in order: a name is a function of the crew's hooks, any other text is judged by a model. */
  readonly guardrails: readonly string[];
  /** How often each of them may send the answer back. */
  readonly guardrail_max_retries: number;
  /** Ours: seconds that guardrails and the answers they asked for may take in all. */
  readonly guardrail_max_seconds: number | null;
  /** Ours: tokens that they may use in all. */
  readonly guardrail_max_tokens: number | null;
  /** Ours: the task runs only when this holds. A text is the name of a function of the crew's hooks. */
  readonly condition: TaskCondition | string | null;
  /** Name of a function of the crew's hooks, called with the output. */
  readonly callback: string | null;
  readonly output_json: Readonly<Record<string, unknown>> | null;
  readonly priority: 'critical' | 'high' | 'medium' | 'low';
  /** Seconds. */
  readonly timeout: number | null;
  readonly max_retries: number;
  /** Ours: what starts it in continuous work; null: only as part of its crew. */
  readonly trigger: TaskTrigger | null;
  /** Ours: what a person is asked before its agent begins, by name. An answer is an input of the task under that name. */
  readonly ask: Readonly<Record<string, TaskQuestion>>;
}

/** A question of a task to a person. Texts may hold {placeholders}: inputs, and outputs of tasks of its context. */
export interface TaskQuestion {
  readonly question: string;
  readonly show: Readonly<Record<string, unknown>> | null;
  /** JSON Schema of what is shown. */
  readonly show_schema: Readonly<Record<string, unknown>> | null;
  /** JSON Schema of the answer; null: anything. */
  readonly answer: Readonly<Record<string, unknown>> | null;
  /** Seconds; null: any time. */
  readonly answer_timeout: number | null;
  /** What stands when nobody answered in time; undefined: the task fails. */
  readonly otherwise?: unknown;
}

/** A comparison with the output of an earlier task. All that is given must hold. */
export interface TaskCondition {
  /** The task; without one, the last that completed. */
  readonly task?: string | undefined;
  /** Path of a field in its output, `a.b`; without one, the whole output. */
  readonly field?: string | undefined;
  readonly is?: unknown;
  readonly is_not?: unknown;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  /** A text that holds this one, or a list that holds this entry. */
  readonly contains?: string | undefined;
  readonly exists?: boolean | undefined;
}

export type TaskTrigger = { readonly every: number } | { readonly event: string } | { readonly cron: string };

export interface CrewSpec {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly process: 'sequential' | 'parallel' | 'hierarchical' | 'graph';
  readonly agents: readonly string[];
  readonly tasks: readonly string[];
  readonly manager_agent: string | null;
  readonly manager_llm: string | null;
  readonly max_rpm: number | null;
  /** Ours: tokens a minute over all its agents. */
  readonly max_tpm: number | null;
  /** Ours: USD that a run may cost, over all its agents. */
  readonly max_cost: number | null;
  /** A planner writes a plan for each task before the first one starts. */
  readonly planning: boolean;
  readonly planning_llm: string | null;
  /** Ours: the manager looks at all results at the end, and may reject them. */
  readonly manager_review: boolean;
  /** Files, folders and web pages that all its agents are told from (ours here; CrewAI takes objects). */
  readonly knowledge_sources: readonly string[];
  /** What its agents remember from run to run; null: nothing. */
  readonly memory: MemorySpec | null;
  /** Ours: what looks at its inputs, its agents' answers and their calls, and may end the run. */
  readonly tripwires: TripwireSpecs;
  /** Whether models write in pieces, always or never; null: while somebody reads the text of the run. */
  readonly stream: boolean | null;
  readonly verbose: boolean;
}

/** Memory of a crew (ours; CrewAI has `memory: true`). */
export interface MemorySpec {
  /** Wall around it, which nothing is read over; may hold {placeholders}. Null: the one that all without share. */
  readonly tenant: string | null;
  /** Its agents share what they remember; false: each has its own. */
  readonly share: boolean;
  /** Crews of the same tenant whose shared memory its agents may read, not write. */
  readonly reads: readonly string[];
  /** Memories put before an agent with its task. */
  readonly recall: number;
  /** Its agents get the tools `remember` and `recall`. */
  readonly tools: boolean;
  /** Days after which what they remember ends; null: never. */
  readonly keep_days: number | null;
}

export interface RoleSpec {
  readonly id: string;
  readonly grants: Readonly<Partial<Record<ToolCategory, AccessLevel>>>;
}

/** An exception for one agent and tool. NONE takes away, anything else gives; ends at `expires_at` (UTC ms). */
export interface OverrideSpec {
  readonly agent: string;
  readonly tool: string;
  readonly level: AccessLevel;
  readonly expires_at: number | null;
  readonly granted_by: string;
  readonly reason: string;
}
