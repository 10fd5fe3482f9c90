import type { OutsidePolicy } from '../../kit/outside.ts';
import type { SystemConfig } from './system-schema.ts';

/** The section `outside` as the pipeline takes it. */
export function outsidePolicy(outside: SystemConfig['outside']): OutsidePolicy {
  const rules = outside.allow.map(({ tool, agents, fields }) => ({ tool, agents, fields }));
  return { onViolation: outside.on_violation, rules };
}
