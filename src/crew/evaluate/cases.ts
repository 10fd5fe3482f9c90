import { z } from 'zod';
import { ConfigInvalid } from '../../kit/errors.ts';
import { describeIssues } from '../../kit/schema-issues.ts';
import { parseYamlFile } from '../config/yaml-file.ts';

const score = z.number().min(0).max(1);
const pattern = z.string().refine(isPattern, 'not a regular expression');

const rule = z
  .strictObject({
    task: z.string().min(1).optional(),
    field: z.string().min(1).optional(),
    is: z.unknown().optional(),
    is_not: z.unknown().optional(),
    above: z.number().optional(),
    below: z.number().optional(),
    contains: z.string().optional(),
    exists: z.boolean().optional(),
    matches: pattern.optional(),
    /** Tools that must have been called, or must not. */
    calls: z.array(z.string().min(1)).min(1).optional(),
    calls_not: z.array(z.string().min(1)).min(1).optional(),
    /** Limits of the run as a whole. */
    seconds_below: z.number().positive().optional(),
    cost_below: z.number().positive().optional(),
    tokens_below: z.number().positive().optional(),
  })
  .refine(
    ({ task: _, field: __, ...tests }) => Object.values(tests).some((test) => test !== undefined),
    'tests nothing',
  );

const reference = z.strictObject({
  /** Task whose output is compared; the run's output unless given. */
  task: z.string().min(1).optional(),
  field: z.string().min(1).optional(),
  answer: z.unknown(),
});

const judged = z.strictObject({ task: z.string().min(1).optional(), criterion: z.string().trim().min(1) });

const evaluationSchema = z.strictObject({
  /** Mean score from which the crew passes. */
  threshold: score.default(0.7),
  /** Model that judges; needed where a case has `judge`. */
  judge_model: z.string().min(1).nullable().default(null),
  cases: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        inputs: z.record(z.string(), z.unknown()).default({}),
        /** Of this case alone; else the file's. */
        threshold: score.optional(),
        rules: z.array(rule).default([]),
        reference: z.union([reference, z.array(reference)]).default([]),
        judge: z.union([judged, z.array(judged)]).default([]),
      }),
    )
    .min(1)
    .refine((cases) => new Set(cases.map((c) => c.name)).size === cases.length, 'two cases have the same name'),
});

/** What a crew is measured by. */
export type Evaluation = z.output<typeof evaluationSchema>;
export type EvaluationCase = Evaluation['cases'][number];
export type EvaluationRule = EvaluationCase['rules'][number];
export type EvaluationReference = z.output<typeof reference>;
export type JudgedCriterion = z.output<typeof judged>;

/** Reads a file of cases. Throws ConfigInvalid with file and line of all that is wrong. */
export function parseEvaluation(name: string, text: string): Evaluation {
  const file = parseYamlFile(name, text);
  if (file.issues.length > 0) throw new ConfigInvalid(file.issues);
  const value = file.value ?? {};
  const parsed = evaluationSchema.safeParse(value);
  if (!parsed.success)
    throw new ConfigInvalid(
      describeIssues(evaluationSchema, value, parsed.error).map(({ path, message }) => file.issue(path, message)),
    );
  const { cases, judge_model: judge } = parsed.data;
  const judgeless = judge === null ? cases.findIndex((c) => listOf(c.judge).length > 0) : -1;
  if (judgeless >= 0)
    throw new ConfigInvalid([
      file.issue(['cases', judgeless, 'judge'], 'judge needs judge_model at the top of the file'),
    ]);
  return parsed.data;
}

/** A list of what may be one or several. */
export function listOf<T>(one: T | readonly T[]): readonly T[] {
  return Array.isArray(one) ? (one as readonly T[]) : [one as T];
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}
