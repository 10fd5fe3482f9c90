import type { SharedWindow, WindowLimits } from '../../infra/shared-window.ts';
import type { Clock, Ms } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import type { ModelFailure } from '../model/failure.ts';
import type { AdmittedCall, CallMeter, MeteredCall } from '../model/meter.ts';
import type { CrewModel } from '../model/model.ts';
import type { TokenCounts } from '../model/tokens.ts';
import type { AgentSpec, CrewSpec } from '../spec.ts';
import { type Budget, BudgetExceeded, type Budgets, type Reservation } from './budget.ts';
import type { BudgetDecision, CallEnd, CallLedger, ModelCall, Spent } from './call.ts';
import type { Circuits } from './circuit.ts';
import { costOf, mostOf, type PriceBook } from './price.ts';
import type { ModelPrice } from './price-list.ts';

/** Tokens of an answer where neither agent nor model sets a limit. Under a budget agents' models are held to it. */
export const OUTPUT_LIMIT = 8192;
/** Longest wait for a provider that asked for quiet; beyond it the next model is asked. */
export const LONGEST_WAIT_MS = 60_000;

export interface MeterParts {
  readonly ledger: CallLedger;
  readonly prices: PriceBook;
  readonly budgets: Budgets;
  readonly circuits: Circuits;
  readonly window: SharedWindow;
  /** Requests and tokens a minute, by provider. */
  readonly limits: Readonly<Record<string, WindowLimits>>;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
}

const NO_LIMITS: WindowLimits = { requests: null, tokens: null };

/** The account of model calls, and all that holds them back. */
export class SpendMeter implements CallMeter {
  readonly #parts: MeterParts;

  constructor(parts: MeterParts) {
    this.#parts = parts;
  }

  get ledger(): CallLedger {
    return this.#parts.ledger;
  }

  get prices(): PriceBook {
    return this.#parts.prices;
  }

  get budgets(): Budgets {
    return this.#parts.budgets;
  }

  /** Whether any budget looks at what the agent's models cost or count. */
  covers(agent: AgentSpec, crew: CrewSpec): boolean {
    if (agent.max_cost !== null || crew.max_cost !== null) return true;
    return this.#parts.budgets.all.some(
      (b) => (b.crew === null || b.crew === crew.id) && (b.agent === null || b.agent === agent.id),
    );
  }

  /** What a run has cost so far; playbooks cost nothing. */
  async costOf(runId: string): Promise<{ readonly cost_usd: number; readonly unknown_cost_calls: number }> {
    const [row] = await this.ledger.usage('run', { run: runId });
    return { cost_usd: row?.cost_usd ?? 0, unknown_cost_calls: row?.unknown_calls ?? 0 };
  }

  /** Records a person's answer to a budget that asked; a second answer to one pause changes nothing. */
  async decide(decision: BudgetDecision, crew: string): Promise<void> {
    await this.ledger.decide(decision);
    const { run_id, budget, accepted, more } = decision;
    this.#parts.events.emit(
      'budget.decided',
      { run_id, crew, budget, accepted, more_usd: more.usd, more_tokens: more.tokens, more_calls: more.calls },
      correlated(run_id),
    );
  }

  async admit(call: MeteredCall): Promise<AdmittedCall> {
    const { circuits, window, limits } = this.#parts;
    const { model, signal } = call;
    const id = model.endpoint?.id ?? model.name;
    const provider = model.endpoint?.provider ?? null;
    const most = this.#most(call);
    circuits.enter(id, provider ?? model.name);
    try {
      const entry = await window.take(
        id,
        (provider === null ? undefined : limits[provider]) ?? NO_LIMITS,
        call.expectedInput,
        LONGEST_WAIT_MS,
        signal,
      );
      const held = await this.#reserve(call, most.spent, most.price);
      const callId = await this.#begin(call, provider, most).catch((error: unknown) => {
        held.settle({ usd: 0, tokens: 0, calls: 0 });
        throw error;
      });
      return this.#admitted({ callId, id, call, most, held, entry, began: this.#parts.clock.monotonicMs() });
    } catch (error) {
      circuits.left(id);
      throw error;
    }
  }

  #most(call: MeteredCall): { readonly price: ModelPrice | null; readonly spent: Spent } {
    const price = this.#parts.prices.of(call.model);
    const output = call.model.maxOutputTokens ?? OUTPUT_LIMIT;
    const usd = price === null ? 0 : mostOf(price, call.mostInput, output);
    return { price, spent: { usd, tokens: call.mostInput + output, calls: 1 } };
  }

  async #reserve(call: MeteredCall, most: Spent, price: ModelPrice | null): Promise<Reservation> {
    const { budgets, events } = this.#parts;
    const { where, model, own } = call;
    const subject = { ...where, model: model.name };
    try {
      const unpriced = price === null ? budgets.covering(subject, own).find(({ usd }) => usd !== null) : undefined;
      if (unpriced !== undefined) throw noPrice(model, unpriced);
      return await budgets.reserve(subject, most, own);
    } catch (error) {
      if (error instanceof BudgetExceeded) {
        const { run_id, crew, task_id, agent_id } = where;
        const data = { run_id, crew, task_id, agent_id, model: model.name, budget: error.budget.name };
        events.emit('budget.exceeded', { ...data, then: error.budget.then, reason: error.message }, correlated(run_id));
      }
      throw error;
    }
  }

  async #begin(
    call: MeteredCall,
    provider: string | null,
    most: { readonly price: ModelPrice | null; readonly spent: Spent },
  ): Promise<string> {
    const { ledger, clock, newId } = this.#parts;
    const { run_id, crew, task_id, agent_id, purpose } = call.where;
    const row: ModelCall = {
      call_id: newId('mc'),
      run_id,
      crew,
      task_id,
      agent_id,
      purpose: purpose ?? null,
      tool: call.via,
      model: call.model.name,
      provider,
      attempt: call.attempt,
      state: 'open',
      began_at: clock.now(),
      latency_ms: null,
      tokens: null,
      cost_usd: null,
      most_usd: most.price === null ? null : most.spent.usd,
      most_tokens: most.spent.tokens,
      price_source: most.price?.source ?? null,
      price_as_of: most.price?.as_of ?? null,
      error: null,
    };
    await ledger.begin(row);
    return row.call_id;
  }

  #admitted(open: OpenCall): AdmittedCall {
    const { circuits, window } = this.#parts;
    const { call, id, most } = open;
    return {
      answered: async (tokens) => {
        circuits.succeeded(id);
        const cost = most.price === null || tokens === null ? null : costOf(most.price, tokens);
        const used = tokens === null ? most.spent.tokens : total(tokens);
        await this.#close(open, { state: 'answered', tokens, cost_usd: cost, error: null }, used, cost);
        return cost;
      },
      failed: async (failure, message) => {
        const state = failure?.refused === true ? 'refused' : 'failed';
        report(circuits, id, failure);
        if (failure?.limited === true && failure.retryAfterMs !== null) await window.block(id, failure.retryAfterMs);
        const cost = state === 'refused' ? 0 : null;
        const used = state === 'refused' ? 0 : call.expectedInput;
        await this.#close(open, { state, tokens: null, cost_usd: cost, error: message }, used, cost);
      },
    };
  }

  /** Never keeps an answer from its agent: what cannot be written stays open in the account, at the most it can be. */
  async #close(
    { callId, held, entry, most, began }: OpenCall,
    end: Omit<CallEnd, 'latency_ms'>,
    tokens: number,
    cost: number | null,
  ): Promise<void> {
    const { ledger, clock, log } = this.#parts;
    const unknown = end.state === 'failed' || (end.state === 'answered' && end.tokens === null);
    const spent: Spent = unknown ? most.spent : { usd: cost ?? most.spent.usd, tokens, calls: 1 };
    held.settle(spent);
    try {
      await ledger.end(callId, { ...end, latency_ms: Math.max(0, clock.monotonicMs() - began) });
      await entry.settle(tokens);
    } catch (error) {
      log.error('model_calls.not_closed', { call_id: callId, error: errorMessage(error) });
    }
  }
}

interface OpenCall {
  readonly callId: string;
  /** Of the endpoint. */
  readonly id: string;
  readonly call: MeteredCall;
  readonly most: { readonly price: ModelPrice | null; readonly spent: Spent };
  readonly held: Reservation;
  readonly entry: { settle(tokens: number): Promise<void> };
  readonly began: Ms;
}

/** What a failure says of the provider. One that answers, be it with a no, is there. */
function report(circuits: Circuits, id: string, failure: ModelFailure | null): void {
  if (failure === null) circuits.left(id);
  else if (failure.retryable) circuits.failed(id, failure.message);
  else circuits.succeeded(id);
}

function total(tokens: TokenCounts): number {
  return tokens.input_tokens + tokens.output_tokens;
}

function correlated(correlationId: string): { readonly correlationId: string } {
  return { correlationId };
}

function noPrice(model: CrewModel, budget: Budget): BudgetExceeded {
  return new BudgetExceeded(
    `model ${model.name} has no price, so budget ${budget.name} cannot be kept: give its price under model.prices in system.yaml, or take a model that has one (crew usage prices)`,
    { ...budget, then: 'stop' },
    { budget: budget.name, model: model.name, unit: 'usd', reason: 'no_price' },
  );
}
