import { coversTool } from '../config/mcp-schema.ts';
import type { ToolCategory } from '../../kit/access.ts';
import type { ToolCall } from '../../kit/invoke.ts';
import type { BoundTool } from '../../kit/tool.ts';
import { type ApprovalRule, needsText, ruleFor } from './rules.ts';
import type { AgentSpec } from '../spec.ts';

/** Why a call needs a person's approval; null: it needs none. */
export type ApprovalPolicy = (call: ToolCall, tool: BoundTool) => string | null;

/**
 * For the crew's agents their own `approval_required` list decides; for every other caller, whether the tool has
 * effects in one of the categories. An agent that is not known needs approval for everything with effects.
 */
export function createApprovalPolicy(options: {
  readonly agents: readonly Pick<AgentSpec, 'id' | 'approval_required'>[];
  readonly categories: readonly ToolCategory[];
  /** Tools that need approval whoever calls them. */
  readonly rules?: readonly ApprovalRule[] | undefined;
}): ApprovalPolicy {
  const agents = new Map(options.agents.map((agent) => [agent.id, agent]));
  return (call, tool) => {
    const rule = ruleFor(options.rules ?? [], [tool.name, ...tool.aliases]);
    if (rule !== undefined) return `a rule wants the yes of ${needsText(rule.needed, rule.approvers)}`;
    const { agentId } = call.caller;
    if (agentId === null) {
      if (tool.effects !== 'effect' || !options.categories.includes(tool.category)) return null;
      return `${tool.name} has effects in ${tool.category}`;
    }
    const agent = agents.get(agentId);
    if (agent === undefined) return tool.effects === 'none' ? null : `agent ${agentId} is not known`;
    const listed = [tool.name, ...tool.aliases].some((name) => coversTool(agent.approval_required, name));
    return listed ? `agent ${agentId} must ask before each ${tool.name}` : null;
  };
}
