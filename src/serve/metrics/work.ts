import type { AnyEvent } from '../../kit/event.ts';
import { Counter, Histogram } from './counter.ts';
import type { MetricFamily } from './text.ts';

/** Counts what crews do, from events, since the process began. */
export class WorkCounts {
  readonly #runs = new Counter('crew', 'status');
  readonly #tasks = new Counter('crew', 'status');
  readonly #modelCalls = new Counter('model', 'outcome');
  readonly #tokens = new Counter('model', 'kind');
  readonly #cost = new Counter('model');
  readonly #unpriced = new Counter('model');
  readonly #toolCalls = new Counter('tool', 'outcome');
  readonly #modelTime = new Histogram();
  readonly #toolTime = new Histogram();

  readonly hear = (event: AnyEvent): void => {
    switch (event.type) {
      case 'run.started':
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
      case 'run.waiting':
        return this.#runs.add(1, event.data.crew, event.type.slice(4));
      case 'task.completed':
      case 'task.failed':
      case 'task.skipped':
      case 'task.retried':
        return this.#tasks.add(1, event.data.crew, event.type.slice(5));
      case 'model.called': {
        const { model, input_tokens: input, output_tokens: output, duration_ms: took, cost_usd: cost } = event.data;
        this.#modelCalls.add(1, model, 'success');
        this.#tokens.add(input, model, 'input');
        this.#tokens.add(output, model, 'output');
        if (typeof cost === 'number') this.#cost.add(cost, model);
        else if (cost === null) this.#unpriced.add(1, model);
        return this.#modelTime.observe(took / 1000);
      }
      case 'model.failed':
        return this.#modelCalls.add(1, event.data.model, 'failure');
      case 'tool.called': {
        this.#toolCalls.add(1, event.data.tool, event.data.ok ? 'success' : 'failure');
        return this.#toolTime.observe(event.data.duration_ms / 1000);
      }
      case 'tool.refused':
        return this.#toolCalls.add(1, event.data.tool, 'refused');
      case 'tool.proposed':
        return this.#toolCalls.add(1, event.data.tool, 'proposed');
      default:
        return undefined;
    }
  };

  families(): readonly MetricFamily[] {
    return [
      counter('crew_runs_total', 'Runs by crew and what became of them.', this.#runs),
      counter('crew_tasks_total', 'Tasks by crew and what became of them.', this.#tasks),
      counter('crew_model_calls_total', 'Calls of models.', this.#modelCalls),
      counter('crew_model_tokens_total', 'Tokens that models read and wrote.', this.#tokens),
      counter('crew_model_cost_usd_total', 'Cost of calls whose price is known, USD.', this.#cost),
      counter('crew_model_calls_without_price_total', 'Calls of models whose cost is not known.', this.#unpriced),
      {
        name: 'crew_model_call_seconds',
        type: 'histogram',
        help: 'Time of calls of models.',
        samples: this.#modelTime.samples(),
      },
      counter('crew_tool_calls_total', 'Calls of tools by outcome.', this.#toolCalls),
      {
        name: 'crew_tool_call_seconds',
        type: 'histogram',
        help: 'Time of calls of tools.',
        samples: this.#toolTime.samples(),
      },
    ];
  }
}

function counter(name: string, help: string, values: Counter): MetricFamily {
  return { name, type: 'counter', help, samples: values.samples() };
}
