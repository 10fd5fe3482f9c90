import { NotFound } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { CrewHooks } from '../hooks.ts';
import type { TaskSpec } from '../spec.ts';
import type { AnyGuardrail } from './guardrail.ts';

/** A text without white space names a function; any other is a rule for a model to judge. */
export function namesFunction(guardrail: string): boolean {
  return /^[A-Za-z_][\w.]*$/.test(guardrail);
}

/** The guardrails of a task, in order. Throws NotFound for the name of a function that the crew's hooks do not have. */
export function guardrailsOf(task: TaskSpec, hooks: CrewHooks): readonly AnyGuardrail[] {
  const known = hooks.guardrails ?? {};
  return task.guardrails.map((text, i): AnyGuardrail => {
    const maxRetries = task.guardrail_max_retries;
    const check = known[text];
    if (check !== undefined) return { name: text, maxRetries, check };
    if (namesFunction(text)) {
      const hint = didYouMean(text, Object.keys(known));
      throw new NotFound(`task ${task.id}: guardrail '${text}' is no function of the crew's hooks${hint}`);
    }
    return { name: `rule ${i + 1}`, maxRetries, rule: text };
  });
}

/** Functions that a task names and the crew's hooks do not have: guardrails, conditions. */
export function missingFunctions(task: TaskSpec, hooks: CrewHooks): readonly string[] {
  const missing = (kind: string, name: string, known: object | undefined): readonly string[] =>
    Object.hasOwn(known ?? {}, name)
      ? []
      : [
          `task ${task.id}: ${kind} '${name}' is no function of the crew's hooks${didYouMean(name, Object.keys(known ?? {}))}`,
        ];
  const { condition } = task;
  return [
    ...task.guardrails.filter(namesFunction).flatMap((name) => missing('guardrail', name, hooks.guardrails)),
    ...(typeof condition === 'string' ? missing('condition', condition, hooks.conditions) : []),
  ];
}
