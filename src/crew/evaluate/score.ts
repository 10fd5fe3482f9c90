import { canonicalJson } from '../../kit/json.ts';
import { fieldOf, passes } from '../condition.ts';
import type { RunDocument } from '../run/document.ts';
import type { EvaluationReference, EvaluationRule } from './cases.ts';

/** One check of a run: 0 to 1, and why not 1. */
export interface CheckResult {
  readonly check: string;
  readonly score: number;
  readonly reason: string | null;
}

/** The output that a check looks at; undefined when the task has not completed. */
export function outputOf(run: RunDocument, task: string | undefined): unknown {
  if (task === undefined) return run.output ?? undefined;
  const found = run.tasks.find((one) => one.id === task);
  return found?.status === 'completed' ? found.output : undefined;
}

/** 1 when every test of the rule holds, else 0. */
export function scoreRule(rule: EvaluationRule, run: RunDocument): CheckResult {
  const {
    task,
    calls,
    calls_not: not,
    seconds_below: seconds,
    cost_below: cost,
    tokens_below: tokens,
    matches,
    ...test
  } = rule;
  const output = outputOf(run, task);
  const value = test.field === undefined ? output : fieldOf(output, test.field);
  const called = new Set(
    run.tasks
      .filter((one) => task === undefined || one.id === task)
      .flatMap((one) => one.tool_calls.map((c) => c.tool)),
  );
  const took = run.finished_at === null ? Infinity : (Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000;
  const { usage } = run;
  const problems = [
    ...(passes(test, output) ? [] : [`is ${short(value)}`]),
    ...(matches === undefined || new RegExp(matches, 'u').test(textOf(value))
      ? []
      : [`${short(value)} does not match`]),
    ...(calls ?? []).filter((tool) => !called.has(tool)).map((tool) => `${tool} was not called`),
    ...(not ?? []).filter((tool) => called.has(tool)).map((tool) => `${tool} was called`),
    ...(seconds === undefined || took < seconds ? [] : [`took ${took} s`]),
    ...(cost === undefined || (usage.unknown_cost_calls === 0 && usage.cost_usd < cost)
      ? []
      : [usage.unknown_cost_calls > 0 ? 'its cost is not known' : `cost $${usage.cost_usd}`]),
    ...(tokens === undefined || usage.total_tokens < tokens ? [] : [`took ${usage.total_tokens} tokens`]),
  ];
  return {
    check: `rule ${canonicalJson(rule)}`,
    score: problems.length === 0 ? 1 : 0,
    reason: problems.length === 0 ? null : problems.join('; '),
  };
}

/** How near an output is to a reference answer, 0 to 1: see `similarity`. */
export function scoreReference({ task, field, answer }: EvaluationReference, run: RunDocument): CheckResult {
  const output = outputOf(run, task);
  const value = field === undefined ? output : fieldOf(output, field);
  const near = value === undefined ? 0 : similarity(answer, value);
  const where = [task, field].filter((part) => part !== undefined).join('.');
  const reason = near === 1 ? null : `${short(value)} instead of ${short(answer)}`;
  return { check: `reference${where === '' ? '' : ` ${where}`}`, score: near, reason };
}

/**
 * Texts: F1 of their words, whatever their case and punctuation (as SQuAD compares answers, without its dropping of
 * articles). Objects: mean over the fields of the reference; what the answer has beside them does not count. Lists: mean
 * over the longer one's places. All else: 1 when equal.
 *
 * Rajpurkar et al., SQuAD: 100,000+ Questions, EMNLP 2016, §6.1. Worked example: "the red cat" and "a red cat" share two
 * of three words each, so precision = recall = 2/3 and F1 = 2/3.
 */
export function similarity(reference: unknown, answer: unknown): number {
  if (typeof reference === 'string' && typeof answer === 'string') return wordF1(reference, answer);
  if (Array.isArray(reference) && Array.isArray(answer)) {
    const longer = Math.max(reference.length, answer.length);
    return longer === 0 ? 1 : mean(Array.from({ length: longer }, (_, i) => pair(reference, answer, i)));
  }
  if (isFields(reference) && isFields(answer)) {
    const names = Object.keys(reference);
    return names.length === 0
      ? 1
      : mean(names.map((name) => (Object.hasOwn(answer, name) ? similarity(reference[name], answer[name]) : 0)));
  }
  return canonicalJson(reference) === canonicalJson(answer) ? 1 : 0;
}

function pair(reference: readonly unknown[], answer: readonly unknown[], i: number): number {
  return i < reference.length && i < answer.length ? similarity(reference[i], answer[i]) : 0;
}

function wordF1(reference: string, answer: string): number {
  const [wanted, given] = [wordsOf(reference), wordsOf(answer)];
  if (wanted.length === 0 || given.length === 0) return wanted.length === given.length ? 1 : 0;
  const left = [...wanted];
  let shared = 0;
  for (const word of given) {
    const at = left.indexOf(word);
    if (at < 0) continue;
    left.splice(at, 1);
    shared += 1;
  }
  return (2 * shared) / (wanted.length + given.length);
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:[.,]\p{N}+)*/gu) ?? [];
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : canonicalJson(value);
}

function short(value: unknown): string {
  const text = value === undefined ? 'nothing' : typeof value === 'string' ? `'${value}'` : canonicalJson(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
