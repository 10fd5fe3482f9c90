import type { Clock } from '../../kit/clock.ts';
import { AppError } from '../../kit/errors.ts';
import type { CallLedger, CallQuery, Spent } from './call.ts';

/** What may be spent. All limits that are given hold; of what it covers, null means any. */
export interface Budget {
  readonly name: string;
  /** Days and months are UTC's. */
  readonly per: 'run' | 'day' | 'month';
  readonly crew: string | null;
  readonly agent: string | null;
  readonly model: string | null;
  readonly usd: number | null;
  readonly tokens: number | null;
  readonly calls: number | null;
  /** What happens before a call that may exceed it: the run ends, or waits for a person. */
  readonly then: 'stop' | 'ask';
}

/** The budget that a crew's or an agent's `max_cost` (USD a run) is; none where there is no such limit. */
export function costBudget(
  name: string,
  usd: number | null,
  of: { readonly crew?: string; readonly agent?: string },
): readonly Budget[] {
  if (usd === null) return [];
  const { crew = null, agent = null } = of;
  return [{ name, per: 'run', crew, agent, model: null, usd, tokens: null, calls: null, then: 'stop' }];
}

/** What a call is for, as far as budgets look at it. */
export interface BudgetSubject {
  readonly run_id: string;
  readonly crew: string;
  readonly agent_id: string;
  readonly model: string;
}

const UNITS = ['usd', 'tokens', 'calls'] as const;
type Unit = (typeof UNITS)[number];

/** A call was not made, because it might have spent more than a budget allows. Nothing was spent on it. */
export class BudgetExceeded extends AppError {
  readonly code = 'budget_exceeded' as const;
  readonly budget: Budget;

  constructor(message: string, budget: Budget, details: Readonly<Record<string, unknown>>) {
    super(message, { details });
    this.budget = budget;
  }
}

/** What a call holds of its budgets until its cost is known. */
export interface Reservation {
  /** Puts what was spent in the place of what was held. */
  settle(spent: Spent): void;
}

/** Counters that are kept in memory; others are summed from the account again when they are needed. */
const COUNTERS = 10_000;

/**
 * Holds calls to their budgets. What a call can cost at most is taken before it is made and made good after it, so that
 * any number of calls at once stay within. One process: its counters are the only writers of its account.
 */
export class Budgets {
  readonly #ledger: CallLedger;
  readonly #clock: Clock;
  readonly #budgets: readonly Budget[];
  readonly #counters = new Map<string, { usd: number; tokens: number; calls: number }>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly ledger: CallLedger; readonly clock: Clock; readonly budgets: readonly Budget[] }) {
    this.#ledger = options.ledger;
    this.#clock = options.clock;
    this.#budgets = options.budgets;
  }

  get all(): readonly Budget[] {
    return this.#budgets;
  }

  /** Those that a call counts against, with the subject's own (`max_cost`). */
  covering(subject: BudgetSubject, own: readonly Budget[] = []): readonly Budget[] {
    return [...own, ...this.#budgets].filter(
      ({ crew, agent, model }) =>
        (crew === null || crew === subject.crew) &&
        (agent === null || agent === subject.agent_id) &&
        (model === null || model === subject.model),
    );
  }

  /** Takes the most that a call can cost from all that cover it, or from none. Throws BudgetExceeded. */
  reserve(subject: BudgetSubject, most: Spent, own: readonly Budget[] = []): Promise<Reservation> {
    const budgets = this.covering(subject, own);
    if (budgets.length === 0) return Promise.resolve({ settle: () => undefined });
    const taken = this.#turn.then(() => this.#take(budgets, subject, most));
    this.#turn = taken.catch(() => undefined);
    return taken;
  }

  /** What has been spent and is held under a budget now; of a budget per run, for that run. */
  async spent(budget: Budget, runId?: string): Promise<Spent> {
    return { ...(await this.#counter(budget, runId ?? '')) };
  }

  async #take(budgets: readonly Budget[], subject: BudgetSubject, most: Spent): Promise<Reservation> {
    const decisions = await this.#ledger.decisions(subject.run_id);
    for (const budget of budgets) {
      const spent = await this.#counter(budget, subject.run_id);
      const own = decisions.filter((d) => d.budget === budget.name);
      const refused = own.some((d) => !d.accepted);
      for (const unit of UNITS) {
        const limit = budget[unit];
        if (limit === null) continue;
        const more = own.reduce((sum, d) => sum + d.more[unit], 0);
        // A billionth of slack: sums of fractions must not refuse the last call that fits exactly.
        if (spent[unit] + most[unit] > (limit + more) * (1 + 1e-9)) {
          throw exceeded(refused ? { ...budget, then: 'stop' } : budget, unit, {
            limit: limit + more,
            spent: spent[unit],
            needed: most[unit],
          });
        }
      }
    }
    const keys = budgets.map((budget) => this.#key(budget, subject.run_id));
    this.#add(keys, most);
    return {
      settle: (spent) =>
        this.#add(keys, {
          usd: spent.usd - most.usd,
          tokens: spent.tokens - most.tokens,
          calls: spent.calls - most.calls,
        }),
    };
  }

  #add(keys: readonly string[], change: Spent): void {
    for (const key of keys) {
      const counter = this.#counters.get(key);
      // One that was let go is summed from the account when it is needed again.
      if (counter === undefined) continue;
      for (const unit of UNITS) counter[unit] += change[unit];
    }
  }

  async #counter(budget: Budget, runId: string): Promise<{ usd: number; tokens: number; calls: number }> {
    const key = this.#key(budget, runId);
    const known = this.#counters.get(key);
    if (known !== undefined) return known;
    const { crew, agent, model } = budget;
    const query: CallQuery = {
      crew: crew ?? undefined,
      agent: agent ?? undefined,
      model: model ?? undefined,
      ...(budget.per === 'run' ? { run: runId } : { since: this.#periodStart(budget) }),
    };
    const counter = { ...(await this.#ledger.spent(query)) };
    this.#counters.set(key, counter);
    for (const old of this.#counters.keys()) {
      if (this.#counters.size <= COUNTERS) break;
      this.#counters.delete(old);
    }
    return counter;
  }

  #key(budget: Budget, runId: string): string {
    return `${budget.name} ${budget.per === 'run' ? runId : this.#periodStart(budget)}`;
  }

  #periodStart({ per }: Budget): number {
    const now = new Date(this.#clock.now());
    return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), per === 'month' ? 1 : now.getUTCDate());
  }
}

function exceeded(
  budget: Budget,
  unit: Unit,
  amounts: { readonly limit: number; readonly spent: number; readonly needed: number },
): BudgetExceeded {
  const { limit, spent, needed } = amounts;
  const say = (value: number): string => (unit === 'usd' ? `$${trimmed(value)}` : `${Math.round(value)} ${unit}`);
  const left = Math.max(0, limit - spent);
  return new BudgetExceeded(
    `budget ${budget.name} allows ${say(limit)} a ${budget.per}; ${say(spent)} are spent or held, and the next call may take ${say(needed)}, more than the ${say(left)} left: raise the budget, or lower max_tokens of the agent`,
    budget,
    { budget: budget.name, per: budget.per, unit, limit, spent, needed, then: budget.then },
  );
}

/** Up to six decimals, without trailing noughts. */
function trimmed(value: number): string {
  return String(Number(value.toFixed(6)));
}
