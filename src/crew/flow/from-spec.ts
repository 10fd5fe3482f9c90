import { z } from 'zod';
import { InvalidInput } from '../../kit/errors.ts';
import { type Question, questionFromJson } from '../../kit/question.ts';
import { passes, fieldOf } from '../condition.ts';
import { asText, filled as filledFrom } from '../filled.ts';
import { type FlowSpec, type FlowStepSpec, stepsOf } from '../config/flow-schema.ts';
import type { FlowContext } from './context.ts';
import type { FlowState } from './state.ts';
import { defineFlow, type FlowDefinition, type FlowMethodDefinition } from './define.ts';

/** A flow of flows.yaml as code would define it. Throws InvalidInput for steps that do not fit together. */
export function flowFromSpec(spec: FlowSpec): FlowDefinition {
  const fields = Object.fromEntries(
    Object.entries(spec.state).map(([key, value]) => [key, z.unknown().default(value)]),
  );
  const methods = Object.entries(stepsOf(spec)).map(([id, step]) => [id, methodOf(step)] as const);
  return defineFlow({
    id: spec.id,
    description: spec.description,
    schedule: spec.trigger,
    enabled: spec.enabled,
    maxRuns: spec.max_runs,
    state: z.object(fields),
    methods: Object.fromEntries(methods),
  });
}

function methodOf(step: FlowStepSpec): FlowMethodDefinition<{ readonly id: string }> {
  return {
    start: step.start,
    ...(step.after === null ? {} : { on: step.after }),
    ...(step.routes === null ? {} : { routes: [...new Set(step.routes.map((r) => r.to))] }),
    ...(step.max_runs === null ? {} : { maxRuns: step.max_runs }),
    ...(labelOf(step) === null ? {} : { label: labelOf(step) ?? '' }),
    run: async (context) => {
      const output = await act(step, context);
      keep(step, context, output);
      if (step.routes === null) return output;
      const seen = { ...context.state, output, input: context.input, payload: context.payload };
      const taken = step.routes.find((r) => r.when === undefined || passes(r.when, seen));
      if (taken === undefined)
        throw new InvalidInput(`step ${context.method}: none of its routes holds; give the last one no condition`);
      return taken.to;
    },
  };
}

/** Whether a step says more of its question than its text. */
function isTypedAsk({ show, show_schema, answer, answer_timeout, otherwise }: FlowStepSpec): boolean {
  return [show, show_schema, answer, answer_timeout].some((field) => field !== null) || otherwise !== undefined;
}

/** The question of a step, in these words. Throws InvalidInput for an `otherwise` that is no answer, or without a time. */
export function questionOfStep(step: FlowStepSpec, words: string): Question {
  const { show_schema: payload, answer, answer_timeout: seconds, otherwise } = step;
  const timeoutMs = seconds === null ? null : seconds * 1000;
  const stands = otherwise === undefined ? {} : { otherwise: { value: otherwise } };
  return questionFromJson({ text: words, payload, answer, timeoutMs, ...stands });
}

/** What a step does, in a few words. */
export function labelOf(step: FlowStepSpec): string | null {
  if (step.crew !== null) return `crew ${step.crew}`;
  if (step.tool !== null) return `${step.tool} as ${step.agent ?? ''}`;
  if (step.agent !== null) return `ask ${step.agent}`;
  if (step.flow !== null) return `flow ${step.flow}`;
  return step.ask === null ? null : 'ask a person';
}

async function act(step: FlowStepSpec, context: FlowContext<{ readonly id: string }>): Promise<unknown> {
  const seen = { ...context.state, input: context.input, payload: context.payload };
  const inputs = (): FlowState => asMap(filled(step.inputs, seen));
  if (step.crew !== null) return (await context.crew(step.crew, inputs())).output;
  if (step.tool !== null) {
    const outcome = await context.tool(step.tool, inputs(), {
      agent: step.agent ?? '',
      reason: `step ${context.method} of flow ${context.flow}`,
    });
    return 'proposed' in outcome ? { proposed: outcome.proposal_id } : outcome.data;
  }
  if (step.agent !== null) {
    return (await context.agent(step.agent, { prompt: asText(filled(step.prompt ?? '', seen)) })).output;
  }
  if (step.flow !== null) return (await context.subflow(step.flow, inputs())).output;
  if (step.ask !== null) {
    if (!isTypedAsk(step)) return context.ask(filled(step.ask, seen));
    const shown = step.show === null ? null : filled(step.show, seen);
    return context.ask(questionOfStep(step, asText(filled(step.ask, seen))), shown);
  }
  return context.input;
}

function keep(step: FlowStepSpec, context: FlowContext<{ readonly id: string }>, output: unknown): void {
  const seen = { ...context.state, output, input: context.input, payload: context.payload };
  const added = Object.entries(step.add).map(([field, by]) => {
    const known = fieldOf(context.state, field);
    if (known !== undefined && typeof known !== 'number')
      throw new InvalidInput(`step ${context.method}: state.${field} is not a number`);
    return [field, (known ?? 0) + by] as const;
  });
  const fields = {
    ...asMap(filled(step.set, seen)),
    ...Object.fromEntries(added),
    ...(step.save === null ? {} : { [step.save]: output }),
  };
  // The fields of a flow of flows.yaml are of any type.
  context.update(fields);
}

/** Values of the flow's state in the place of names. */
function filled(value: unknown, seen: FlowState): unknown {
  return filledFrom(value, seen, "the flow's state");
}

function asMap(value: unknown): FlowState {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
