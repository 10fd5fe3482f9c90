import { z } from 'zod';
import type { ConfigIssue } from '../../kit/errors.ts';
import { asEntry, type RawFiles } from './raw.ts';

const Roles = z.object({ roles: z.array(z.string()).default([]) });
const Rule = z.object({
  approvers: z.array(z.string()).default([]),
  needed: z.number().default(1),
  escalate_to: z.array(z.string()).default([]),
});

/** Rules of approvals can be met: enough people hold the roles that they name. What is malformed is the schema's to say. */
export function peopleChecks({ system, systemValue }: RawFiles): readonly ConfigIssue[] {
  const whole = asEntry(systemValue);
  const people = z.record(z.string(), Roles).safeParse(whole?.['people'] ?? {});
  const rules = z.array(Rule).safeParse(asEntry(whole?.['approvals'])?.['rules'] ?? []);
  if (!people.success || !rules.success) return [];
  const listed = Object.values(people.data);
  const holding = (roles: readonly string[]): number =>
    listed.filter((person) => person.roles.some((role) => roles.includes(role))).length;
  return rules.data.flatMap(({ approvers, needed, escalate_to: escalateTo }, i) => {
    const path = ['approvals', 'rules', i];
    const few = approvers.length > 0 ? holding(approvers) < needed : listed.length > 0 && listed.length < needed;
    const lost = escalateTo.find((role) => holding([role]) === 0);
    return [
      ...(few
        ? [
            system.issue(
              [...path, approvers.length > 0 ? 'approvers' : 'needed'],
              `approvals.rules[${i}]: ${needed} people with the role ${approvers.join(' or ') || 'of any'} are needed, and system.yaml lists ${approvers.length > 0 ? holding(approvers) : listed.length}`,
            ),
          ]
        : []),
      ...(lost === undefined
        ? []
        : [system.issue([...path, 'escalate_to'], `approvals.rules[${i}]: nobody in people has the role '${lost}'`)]),
    ];
  });
}
