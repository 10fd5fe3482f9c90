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
  readonly tools: readonly string[];
  readonly allow_delegation: boolean;
  readonly max_iter: number;
  readonly max_rpm: number | null;
  /** Seconds. */
  readonly max_execution_time: number | null;
  readonly max_retry_limit: number;
  readonly temperature: number | null;
  readonly max_tokens: number | null;
  /** Overrides the system's model. */
  readonly llm: string | null;
  readonly verbose: boolean;
  /** Ours: the permission role (roles in system.yaml). Without one the agent has no access to anything guarded. */
  readonly permission_role: string | null;
  /** Ours: tools of the agent's own list that need a person's approval each time. */
  readonly approval_required: readonly string[];
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
  readonly output_file: string | null;
  readonly output_json: Readonly<Record<string, unknown>> | null;
  readonly priority: 'critical' | 'high' | 'medium' | 'low';
  /** Seconds. */
  readonly timeout: number | null;
  readonly max_retries: number;
  /** Ours: what starts it in continuous work; null: only as part of its crew. */
  readonly trigger: TaskTrigger | null;
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
  readonly memory: boolean;
  readonly verbose: boolean;
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
