import { setMaxListeners } from 'node:events';
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base';
import { AIMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import type { Runnable } from '@langchain/core/runnables';
import { type Clock, sleep } from '../../kit/clock.ts';
import { DeadlineExceeded, Unavailable } from '../../kit/errors.ts';
import type { EventSink } from '../../kit/event.ts';
import type { PlaybookContext } from '../playbook.ts';
import { type Budget, BudgetExceeded } from '../spend/budget.ts';
import { answerAsText, answerTool } from './answer-tool.ts';
import type { Redactor } from '../../kit/redact.ts';
import { type ModelFailure, modelFailure } from './failure.ts';
import type { AdmittedCall, CallMeter } from './meter.ts';
import type { CrewModel, ToolSchema } from './model.ts';
import { streamed } from './stream.ts';
import { estimateTokens, mostTokens, tokenCounts, tokensOf } from './tokens.ts';
import type { ModelUsage } from './usage.ts';
import type { ModelUse } from './where.ts';

export interface ModelRequest {
  readonly messages: readonly BaseMessage[];
  readonly tools: readonly ToolSchema[];
  /** For models that follow a playbook. */
  readonly context: PlaybookContext;
  readonly where: ModelUse;
  /** The tool on whose account the agent works: `delegate_work`; none for a task of its own. */
  readonly via?: string | undefined;
  /** Budgets of the agent and its crew, beside those of the system. */
  readonly budgets?: readonly Budget[] | undefined;
  /** JSON schema that the answer must fit: held by the provider where it can, else asked for as a call of a tool. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
  /** Throw ContextOverflow when the conversation is too long, instead of going on to the next model. */
  readonly overflow?: 'throw' | undefined;
  /** Further attempts after a failure that may pass. */
  readonly retries: number;
  /** Hears each piece of an answer's text as it comes; an attempt that fails may have told pieces before. */
  readonly onText?: ((text: string) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface ModelReply {
  readonly message: AIMessage;
  readonly model: CrewModel;
  /** Of this call, failed attempts included. */
  readonly usage: readonly ModelUsage[];
}

/** All models failed. Carries what the attempts used. */
export class ModelsFailed extends Unavailable {
  readonly usage: readonly ModelUsage[];

  constructor(message: string, usage: readonly ModelUsage[], cause: unknown) {
    super(message, { cause });
    this.usage = usage;
  }
}

/** The conversation is longer than the model can read. */
export class ContextOverflow extends Unavailable {
  readonly usage: readonly ModelUsage[];

  constructor(message: string, usage: readonly ModelUsage[], cause: unknown) {
    super(message, { cause });
    this.usage = usage;
  }
}

export interface ModelChainOptions {
  readonly clock: Clock;
  readonly events: EventSink;
  /** Admits each call to a model that is not a playbook, and keeps the account. */
  readonly meter: CallMeter;
  /** One call, ms. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Takes secrets out of what providers say is wrong: some say the key. */
  readonly redactor?: Redactor | undefined;
  /** 0 ≤ x < 1, for the jitter of waits. */
  readonly random: () => number;
}

const LONGEST_WAIT_MS = 60_000;

/**
 * The models of an agent, in order. A model that fails beyond its retries is left for the next one for the rest of
 * the run, with a `model.fallback` event.
 */
export class ModelChain {
  readonly #models: readonly CrewModel[];
  readonly #options: ModelChainOptions;
  #index = 0;

  constructor(models: readonly CrewModel[], options: ModelChainOptions) {
    this.#models = models;
    this.#options = options;
  }

  /** The model that will be asked next. Throws Unavailable when there is none. */
  get current(): CrewModel {
    const model = this.#models[this.#index];
    if (model === undefined) throw new Unavailable('no model is left to ask');
    return model;
  }

  /** Goes on to the next model. False when there is none. */
  fallBack(reason: string, where: ModelUse): boolean {
    const next = this.#models[this.#index + 1];
    if (next === undefined) return false;
    this.#options.events.emit(
      'model.fallback',
      { ...where, from: this.current.name, to: next.name, reason },
      { correlationId: where.run_id },
    );
    this.#index++;
    return true;
  }

  /** Without secrets. */
  #failureOf(error: unknown): ModelFailure {
    const { clock, redactor } = this.#options;
    const failure = modelFailure(error, clock.now());
    return { ...failure, message: redactor?.text(failure.message) ?? failure.message };
  }

  /** Asks. Throws ModelsFailed when every model failed; an abort passes on untouched. */
  async ask(request: ModelRequest): Promise<ModelReply> {
    const usage: ModelUsage[] = [];
    for (;;) {
      const model = this.current;
      try {
        return await this.#askOne(model, request, usage);
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason;
        // A cheaper model would only spend what is left more slowly: the run stops here, or asks.
        if (error instanceof BudgetExceeded) throw error;
        const { message, overflow } = this.#failureOf(error);
        if (overflow && request.overflow === 'throw') throw new ContextOverflow(message, usage, error);
        if (this.#models[this.#index] !== model) continue;
        if (!this.fallBack(message, request.where)) {
          throw new ModelsFailed(
            `${this.#models.map((m) => m.name).join(', ')} failed; the last error: ${message}`,
            usage,
            error,
          );
        }
      }
    }
  }

  async #askOne(model: CrewModel, request: ModelRequest, usage: ModelUsage[]): Promise<ModelReply> {
    const { clock, events } = this.#options;
    const { where, signal } = request;
    for (let attempt = 1; ; attempt++) {
      const admitted = await this.#admit(model, request, attempt);
      const began = clock.monotonicMs();
      try {
        const message = await this.#call(model, request);
        const used = tokensOf(message);
        const counts = tokenCounts(message);
        const cost = await admitted?.answered(counts);
        usage.push({ model: model.name, source: model.source, calls: 1, failed_calls: 0, ...used });
        const account = admitted === null ? {} : { cached_tokens: counts?.cached_tokens ?? 0, cost_usd: cost ?? null };
        events.emit(
          'model.called',
          { ...where, model: model.name, ...used, ...account, duration_ms: clock.monotonicMs() - began },
          { correlationId: where.run_id },
        );
        return { message, model, usage };
      } catch (error) {
        if (signal.aborted) {
          await admitted?.failed(null, 'aborted');
          throw signal.reason;
        }
        const failure = this.#failureOf(error);
        await admitted?.failed(failure, failure.message);
        const none = { calls: 0, failed_calls: 1, input_tokens: 0, output_tokens: 0 };
        usage.push({ model: model.name, source: model.source, ...none });
        events.emit(
          'model.failed',
          { ...where, model: model.name, error: failure.message, attempt },
          { correlationId: where.run_id },
        );
        const wait = failure.retryAfterMs ?? backoff(attempt, this.#options.random());
        if (!failure.retryable || attempt > request.retries || wait > LONGEST_WAIT_MS) throw error;
        await sleep(clock, wait, signal);
      }
    }
  }

  /** Null for a playbook, which asks no provider and costs nothing. */
  async #admit(model: CrewModel, request: ModelRequest, attempt: number): Promise<AdmittedCall | null> {
    if (model.source === 'playbook') return null;
    const { messages, tools, schema, where, via = null, budgets = [], signal } = request;
    return this.#options.meter.admit({
      where,
      via,
      model,
      attempt,
      mostInput: mostTokens(messages, tools, schema),
      expectedInput: estimateTokens(messages),
      own: budgets,
      signal,
    });
  }

  async #call(model: CrewModel, request: ModelRequest): Promise<AIMessage> {
    const { clock, timeoutMs = 60_000 } = this.#options;
    const late = new AbortController();
    const timer = clock.schedule(timeoutMs, () =>
      late.abort(new DeadlineExceeded(`model ${model.name} gave no answer within ${timeoutMs} ms`)),
    );
    const signal = AbortSignal.any([request.signal, late.signal]);
    setMaxListeners(0, signal);
    try {
      const answer = answerTool(model, request);
      const tools = answer === undefined ? request.tools : [...request.tools, answer];
      const bound = tools.length === 0 ? model.chat : (model.chat.bindTools?.([...tools]) ?? model.chat);
      const options = { signal, callbacks: [], ...callOptions(model, request) };
      const answering = ask(bound, model, request, options);
      const reply: unknown = await Promise.race([answering, aborted(signal)]);
      if (!AIMessage.isInstance(reply)) throw new Unavailable(`model ${model.name} gave no chat message`);
      return answer === undefined ? reply : answerAsText(reply);
    } catch (error) {
      if (late.signal.aborted && !request.signal.aborted) throw late.signal.reason;
      throw error;
    } finally {
      timer.cancel();
    }
  }
}

/** At once, or in pieces where somebody listens. */
function ask(
  bound: Runnable<BaseLanguageModelInput, AIMessageChunk>,
  model: CrewModel,
  { messages, onText }: ModelRequest,
  options: object,
): Promise<unknown> {
  if (onText === undefined || model.source === 'playbook') return bound.invoke([...messages], options);
  return streamed(bound, messages, options, { onText, whole: model.endpoint !== undefined });
}

function callOptions(model: CrewModel, request: ModelRequest): object {
  if (model.source === 'playbook') return { playbookContext: request.context };
  // Beside tools a provider's own form would keep the model from calling them.
  if (request.schema === undefined || request.tools.length > 0) return {};
  return model.structured?.(request.schema) ?? {};
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

/** Full jitter over 0.5 s, 1 s, 2 s … 8 s. */
function backoff(attempt: number, random: number): number {
  return Math.min(8000, 500 * 2 ** (attempt - 1)) * random;
}
