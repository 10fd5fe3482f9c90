import { InvalidInput } from '../../kit/errors.ts';
import type { RunDocument } from '../run/document.ts';
import { type Evaluation, type EvaluationCase, listOf } from './cases.ts';
import type { Judge } from './judge.ts';
import { type CheckResult, mean, outputOf, scoreReference, scoreRule } from './score.ts';

/** One run of a case. */
export interface ScoredRun {
  readonly run_id: string;
  readonly status: RunDocument['status'];
  /** Mean of its checks; 0 for a run that did not complete. */
  readonly score: number;
  readonly checks: readonly CheckResult[];
  readonly cost_usd: number;
}

export interface ScoredCase {
  readonly name: string;
  readonly threshold: number;
  /** Mean of its runs. */
  readonly score: number;
  readonly passed: boolean;
  readonly lowest: number;
  readonly highest: number;
  readonly runs: readonly ScoredRun[];
}

export interface EvaluationReport {
  readonly crew: string;
  readonly runs_per_case: number;
  readonly threshold: number;
  /** Mean of the cases. */
  readonly score: number;
  /** Whether the mean and every case reach their threshold. */
  readonly passed: boolean;
  readonly cases: readonly ScoredCase[];
  /** What judging took; null where nobody judged. */
  readonly judging: {
    readonly model_calls: number;
    readonly total_tokens: number;
    /** As far as it is known: too low where `unknown_cost_calls` is not 0. */
    readonly cost_usd: number;
    readonly unknown_cost_calls: number;
  } | null;
}

const NO_JUDGE = 'some cases are judged, and no judge is given';

/**
 * Runs a crew on each case so many times, one after the other, and scores what came out. A case without checks asks that
 * the run completes. Throws InvalidInput when a case needs a judge and there is none, and what starting a run throws.
 */
export async function evaluate(options: {
  readonly crew: string;
  readonly evaluation: Evaluation;
  /** Runs of each case. */
  readonly runs: number;
  readonly run: (inputs: Readonly<Record<string, unknown>>) => Promise<RunDocument>;
  readonly judge?: Judge | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told after each run. */
  readonly onRun?:
    | ((done: { readonly name: string; readonly run: number; readonly score: number }) => void)
    | undefined;
}): Promise<EvaluationReport> {
  const { crew, evaluation, runs, judge } = options;
  const { threshold } = evaluation;
  if (judge === undefined && evaluation.cases.some((c) => listOf(c.judge).length > 0)) throw new InvalidInput(NO_JUDGE);
  const judging = { model_calls: 0, total_tokens: 0, cost_usd: 0, unknown_cost_calls: 0 };
  const counting: Judge = async (request) => {
    if (judge === undefined) throw new InvalidInput(NO_JUDGE);
    const judgement = await judge(request);
    judging.model_calls += judgement.usage.model_calls;
    judging.total_tokens += judgement.usage.total_tokens;
    judging.cost_usd += judgement.usage.cost_usd;
    judging.unknown_cost_calls += judgement.usage.unknown_cost_calls;
    return judgement;
  };
  const cases: ScoredCase[] = [];
  for (const one of evaluation.cases) {
    const scored: ScoredRun[] = [];
    for (let n = 1; n <= runs; n++) {
      options.signal?.throwIfAborted();
      const result = await scoreRun(one, await options.run(one.inputs), counting, options.signal);
      scored.push(result);
      options.onRun?.({ name: one.name, run: n, score: result.score });
    }
    cases.push(summed(one, one.threshold ?? threshold, scored));
  }
  const score = mean(cases.map((c) => c.score));
  return {
    crew,
    runs_per_case: runs,
    threshold,
    score,
    passed: score >= threshold && cases.every((c) => c.passed),
    cases,
    judging: judge === undefined ? null : judging,
  };
}

async function scoreRun(
  one: EvaluationCase,
  run: RunDocument,
  judge: Judge,
  signal: AbortSignal | undefined,
): Promise<ScoredRun> {
  const { run_id, status } = run;
  const { cost_usd } = run.usage;
  if (status !== 'completed') {
    const check = { check: 'completed', score: 0, reason: run.error ?? `it ${status}` };
    return { run_id, status, score: 0, checks: [check], cost_usd };
  }
  const checks: CheckResult[] = [
    ...one.rules.map((rule) => scoreRule(rule, run)),
    ...listOf(one.reference).map((reference) => scoreReference(reference, run)),
  ];
  for (const { task, criterion } of listOf(one.judge)) {
    const { score, reason } = await judge({
      criterion,
      inputs: one.inputs,
      answer: outputOf(run, task) ?? null,
      run: run_id,
      signal,
    });
    checks.push({ check: `judge: ${criterion}`, score, reason });
  }
  if (checks.length === 0) checks.push({ check: 'completed', score: 1, reason: null });
  return { run_id, status, score: mean(checks.map((c) => c.score)), checks, cost_usd };
}

function summed({ name }: EvaluationCase, threshold: number, runs: readonly ScoredRun[]): ScoredCase {
  const scores = runs.map((run) => run.score);
  const score = mean(scores);
  const [lowest, highest] = [Math.min(...scores), Math.max(...scores)];
  return { name, threshold, score, passed: score >= threshold, lowest, highest, runs };
}
