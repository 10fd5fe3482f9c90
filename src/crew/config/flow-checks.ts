import { type ConfigIssue, InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { EVENT_NAMES } from '../../kit/event.ts';
import { flowProblems } from '../flow/define.ts';
import { questionOfStep } from '../flow/from-spec.ts';
import { fieldOf } from '../condition.ts';
import type { YamlFile } from './yaml-file.ts';
import { type FlowSpec, type FlowStepSpec, stepsOf } from './flow-schema.ts';

/** What flows may name. */
export interface FlowNames {
  readonly crews: readonly string[];
  readonly agents: readonly string[];
  readonly flows: readonly string[];
  /** Undefined: tools are not checked. */
  readonly tools: readonly string[] | undefined;
}

/** Everything in flows.yaml names what exists, each step does one thing, and something sets it off. */
export function flowChecks(file: YamlFile, flows: readonly FlowSpec[], names: FlowNames): readonly ConfigIssue[] {
  return flows.flatMap((flow) => [
    ...triggerIssues(file, flow),
    ...flow.crews.flatMap((crew, i) =>
      missing(file, [flow.id, 'crews', i], `flow ${flow.id}`, 'crew', crew, names.crews),
    ),
    ...stepIssues(file, flow, names),
    ...structureIssues(file, flow),
  ]);
}

function triggerIssues(file: YamlFile, { id, trigger }: FlowSpec): readonly ConfigIssue[] {
  if (trigger === null || !('event' in trigger)) return [];
  return missing(file, [id, 'trigger', 'event'], `flow ${id}`, 'event', trigger.event, EVENT_NAMES);
}

function stepIssues(file: YamlFile, flow: FlowSpec, names: FlowNames): readonly ConfigIssue[] {
  return Object.entries(flow.steps).flatMap(([id, step]) => {
    const at = (field: string): readonly string[] => [flow.id, 'steps', id, field];
    const where = `flow ${flow.id}, step ${id}`;
    const named = [
      ['crew', names.crews],
      ['agent', names.agents],
      ['flow', names.flows],
      ['tool', names.tools],
    ] as const;
    const issues = named.flatMap(([field, known]) => {
      const name = step[field];
      return name === null || known === undefined ? [] : missing(file, at(field), where, field, name, known);
    });
    const does = [step.crew, step.tool ?? step.agent, step.flow, step.ask].filter((x) => x !== null).length;
    if (does > 1)
      issues.push(
        file.issue([flow.id, 'steps', id], `${where}: it does more than one thing: make steps of them`, 'key'),
      );
    issues.push(...askIssues(file, at, where, step));
    if (step.tool !== null && step.agent === null) {
      issues.push(file.issue(at('tool'), `${where}: a tool is called as an agent: name it with agent`));
    }
    if (step.tool === null && (step.agent === null) !== (step.prompt === null)) {
      issues.push(file.issue([flow.id, 'steps', id], `${where}: agent and prompt belong together`, 'key'));
    }
    return issues;
  });
}

/** The terms of a question stand by a question, and what stands without an answer is one. */
function askIssues(
  file: YamlFile,
  at: (field: string) => readonly string[],
  where: string,
  step: FlowStepSpec,
): readonly ConfigIssue[] {
  const terms = ['show', 'show_schema', 'answer', 'answer_timeout', 'otherwise'] as const;
  if (step.ask === null) {
    const lone = terms.find((field) => (step[field] ?? null) !== null);
    return lone === undefined ? [] : [file.issue(at(lone), `${where}: ${lone} belongs to a question: say what to ask`)];
  }
  try {
    questionOfStep(step, step.ask);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return [file.issue(at('otherwise'), `${where}: ${error.message}`)];
  }
}

function structureIssues(file: YamlFile, flow: FlowSpec): readonly ConfigIssue[] {
  const methods = Object.entries(stepsOf(flow)).map(([id, step]) => ({
    id,
    start: step.start,
    on: step.after,
    routes: step.routes?.map((r) => r.to) ?? null,
  }));
  return flowProblems(flow.id, methods).map(({ method, field, message }) => {
    const step = method === null ? undefined : flow.steps[method];
    const path = step === undefined ? [flow.id] : [flow.id, 'steps', method ?? ''];
    const deep = step !== undefined && fieldOf(step, field) != null;
    return file.issue(deep ? [...path, field] : path, `flow ${flow.id}: ${message}`, deep ? 'value' : 'key');
  });
}

function missing(
  file: YamlFile,
  path: readonly (string | number)[],
  where: string,
  what: string,
  name: string,
  known: readonly string[],
): ConfigIssue[] {
  if (known.includes(name)) return [];
  const article = what === 'agent' || what === 'event' ? 'an' : 'a';
  return [file.issue(path, `${where}: '${name}' is not ${article} ${what}${didYouMean(name, known)}`)];
}
