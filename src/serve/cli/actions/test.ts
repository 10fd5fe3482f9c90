import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Evaluation, EvaluationReport } from '../../../crew/index.ts';
import { errorMessage, InvalidInput } from '../../../kit/errors.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { type Output, paint, printJson, printTable } from '../print.ts';

interface TestOptions {
  readonly n: number;
  readonly cases?: string;
  readonly threshold?: number;
  readonly active?: boolean;
}

const loadFramework = () => import('../../../crew/index.ts');
const loadConfig = () => import('../../config.ts');

/** `crew test` */
export async function testCrew(crew: string, command: Command): Promise<void> {
  const { n, cases, threshold, active } = command.opts<TestOptions>();
  const context = contextOf(command);
  const { output, signal, live, options } = context;
  const { evaluate } = await loadFramework();
  const { configDir } = await loadConfig();
  const given = await readCases(crew, cases, configDir(options));
  const evaluation = threshold === undefined ? given : { ...given, threshold };
  const { judge_model: model } = evaluation;
  await using desk = await context.desk('run');
  const report = await evaluate({
    crew,
    evaluation,
    runs: n,
    // Testing must not change the world n times over, unless somebody says so.
    run: (inputs) => desk.kickoff({ crew, inputs, shadow: active !== true, trigger: 'test' }, { signal }),
    judge:
      model === null ? undefined : ({ signal: until, ...asked }) => desk.judge({ ...asked, model }, { signal: until }),
    signal,
    onRun: ({ name, run, score }) => live?.show(`${name}: run ${run} of ${n}, score ${score.toFixed(2)}`),
  });
  live?.show('');
  if (!report.passed) process.exitCode = EXIT.failed;
  if (output.json) printJson(output, report);
  else printReport(output, report);
}

async function readCases(crew: string, path: string | undefined, dir: string): Promise<Evaluation> {
  const { parseEvaluation } = await loadFramework();
  const file = path ?? join(dir, 'crews', crew, 'evaluation.yaml');
  if (path === undefined && !existsSync(file))
    throw new InvalidInput(`crew ${crew} has no cases: write ${file}, or name a file with --cases`);
  try {
    return parseEvaluation(file, readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined || !('syscall' in (error as object))) throw error;
    throw new InvalidInput(`--cases ${file} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
}

function printReport(output: Output, report: EvaluationReport): void {
  printTable(
    output,
    report.cases,
    [
      { title: 'CASE', value: (c) => c.name },
      { title: 'RUNS', value: (c) => c.runs.length, right: true },
      { title: 'SCORE', value: (c) => c.score.toFixed(2), right: true },
      { title: 'LOW', value: (c) => c.lowest.toFixed(2), right: true },
      { title: 'HIGH', value: (c) => c.highest.toFixed(2), right: true },
      { title: 'NEEDED', value: (c) => c.threshold.toFixed(2), right: true },
      { title: 'VERDICT', value: (c) => (c.passed ? 'passed' : 'failed') },
    ],
    'no cases',
  );
  const missed = report.cases.flatMap((c) =>
    c.runs.flatMap((run, i) =>
      run.checks.filter((check) => check.score < 1).map((check) => ({ ...check, case: c.name, run: i + 1 })),
    ),
  );
  if (missed.length > 0) {
    output.write('\n');
    printTable(
      output,
      missed,
      [
        { title: 'CASE', value: (m) => m.case },
        { title: 'RUN', value: (m) => m.run, right: true },
        { title: 'SCORE', value: (m) => m.score.toFixed(2), right: true },
        { title: 'CHECK', value: (m) => m.check, max: 60 },
        { title: 'WHY', value: (m) => m.reason, max: 90 },
      ],
      '',
    );
  }
  const { judging } = report;
  const cost =
    judging === null || judging.unknown_cost_calls > 0 ? 'an unknown cost' : `$${judging.cost_usd.toFixed(4)}`;
  const judged = judging === null ? '' : `, judged with ${judging.total_tokens} tokens for ${cost}`;
  const verdict = report.passed ? paint(output, 'green', 'passed') : paint(output, 'red', 'failed');
  output.write(
    `\n${report.crew} ${verdict}: ${report.score.toFixed(2)} of ${report.threshold.toFixed(2)} needed${judged}\n`,
  );
}
