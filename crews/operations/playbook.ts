import { definePlaybook, type PlaybookContext, type PlaybookStep } from '../../src/crew/index.ts';

/** What the operations crew does without a language model. */
export default definePlaybook({ monitor_system_health: monitorSystemHealth });

/** Checks every component, scores the desk, and escalates what is critical. */
function monitorSystemHealth(context: PlaybookContext): PlaybookStep {
  const seen = (tool: string): boolean => context.observations.some((o) => o.tool === tool);
  const found = (tool: string): Readonly<Record<string, unknown>> => {
    const result = context.observations.findLast((o) => o.tool === tool && o.ok)?.result;
    return result !== null && typeof result === 'object' ? Object.fromEntries(Object.entries(result)) : {};
  };
  if (context.final !== true && !seen('check_system_health')) {
    return {
      calls: [
        { tool: 'check_system_health', args: {}, reason: 'measure every component' },
        { tool: 'get_health_score', args: {}, reason: 'give the score with it' },
      ],
    };
  }
  const health = found('check_system_health');
  const problems = Array.isArray(health['problems']) ? health['problems'].map(String) : [];
  if (context.final !== true && health['status'] === 'critical' && !seen('escalate_issue')) {
    const args = {
      level: 'critical',
      trigger: 'system_health',
      description: `the system is critical: ${problems.join('; ')}`.slice(0, 900),
      recommended_actions: ['crew status', 'crew doctor'],
    };
    return { calls: [{ tool: 'escalate_issue', args, reason: 'a component is critical: people must know' }] };
  }
  const failures = context.observations.filter((o) => !o.ok);
  return {
    answer: {
      status: health['status'] ?? 'unknown',
      components: health['components'] ?? [],
      problems,
      health_score: found('get_health_score')['score'] ?? null,
      escalated: context.observations.some((o) => o.tool === 'escalate_issue' && o.ok),
      failures: failures.map((o) => ({ tool: o.tool, result: o.result })),
    },
  };
}
