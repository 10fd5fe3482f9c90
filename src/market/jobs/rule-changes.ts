import { z } from 'zod';
import { InvalidInput } from '../../kit/errors.ts';
import { interpolationSchema, validationSchema, type InterpolationRules, type ValidationRules } from '../config.ts';

const STEPS = ['low', 'medium', 'high'] as const;
const Z_STEPS = STEPS.map((step) => `anomaly_z.${step}`);

/** Validation rules that are a number, by name; `anomaly_z.low` and its sisters are the thresholds of anomalies. */
export const VALIDATION_RULES: readonly string[] = [
  ...Object.keys(validationSchema.shape).filter((name) => name !== 'anomaly_z' && name !== 'row_actions'),
  ...Z_STEPS,
];

/** Interpolation rules, by name. All are numbers. */
export const INTERPOLATION_RULES: readonly string[] = Object.keys(interpolationSchema.shape);

/** Rule → the number that stands in for the configured one. */
export type RuleChanges = Readonly<Record<string, number>>;

export const ruleChangesSchema = z.record(z.string(), z.number());

/** Changes with one more, or with one less when `value` is undefined. */
export function withChange<V>(
  changes: Readonly<Record<string, V>>,
  name: string,
  value: V | undefined,
): Record<string, V> {
  const { [name]: _, ...others } = changes;
  return value === undefined ? others : { ...others, [name]: value };
}

/** The number that a validation rule has. Throws InvalidInput for a name that is not one. */
export function validationRule(rules: ValidationRules, name: string): number {
  return numberAt({ ...rules, ...dotted(rules) }, name);
}

/** The number that an interpolation rule has. Throws InvalidInput for a name that is not one. */
export function interpolationRuleOf(rules: InterpolationRules, name: string): number {
  return numberAt(rules, name);
}

/** The configured validation rules with changes; the schema of the configuration judges them. Throws InvalidInput. */
export function withRuleChanges(configured: ValidationRules, changes: RuleChanges): ValidationRules {
  const { low, medium, high } = { ...configured.anomaly_z, ...steps(changes) };
  if (Z_STEPS.some((name) => name in changes) && !(low < medium && medium < high)) {
    throw new InvalidInput(`thresholds must rise: low ${low}, medium ${medium}, high ${high} do not`);
  }
  const plain = Object.fromEntries(Object.entries(changes).filter(([name]) => !Z_STEPS.includes(name)));
  return judged(validationSchema, { ...configured, ...plain, anomaly_z: { low, medium, high } });
}

/** The configured interpolation rules with changes. Throws InvalidInput for a value that the configuration refuses. */
export function withInterpolationChanges(configured: InterpolationRules, changes: RuleChanges): InterpolationRules {
  return judged(interpolationSchema, { ...configured, ...changes });
}

function judged<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidInput(result.error.issues.map((i) => `${i.path.map(String).join('.')}: ${i.message}`).join('; '));
}

function dotted(rules: ValidationRules): Record<string, number> {
  return Object.fromEntries(STEPS.map((step) => [`anomaly_z.${step}`, rules.anomaly_z[step]]));
}

function steps(changes: RuleChanges): Partial<Record<(typeof STEPS)[number], number>> {
  return Object.fromEntries(
    STEPS.flatMap((step) => {
      const value = changes[`anomaly_z.${step}`];
      return value === undefined ? [] : [[step, value]];
    }),
  );
}

function numberAt(rules: Readonly<Record<string, unknown>>, name: string): number {
  const value = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (typeof value !== 'number') throw new InvalidInput(`'${name}' is not a rule that is a number`);
  return value;
}
