import { SharedWindow, type WindowLimits } from '../../infra/shared-window.ts';
import type { Clock } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import { type Budget, Budgets } from './budget.ts';
import type { CallLedger } from './call.ts';
import { type CircuitOptions, Circuits } from './circuit.ts';
import { SpendMeter } from './meter.ts';
import { createPriceBook } from './price.ts';
import type { ModelPrice } from './price-list.ts';

/** What a user may say about money and limits. All of it has a default. */
export interface SpendOptions {
  /** Prices by model name, over the shipped ones. */
  readonly prices?: Readonly<Record<string, ModelPrice>> | undefined;
  readonly budgets?: readonly Budget[] | undefined;
  /** Requests and tokens a minute by provider (`openai`), for each of its keys. */
  readonly limits?: Readonly<Record<string, WindowLimits>> | undefined;
  /** Folder by which processes share the limits; null: they are this process's. Default null. */
  readonly limitsFolder?: string | null | undefined;
  /** Default: 5 failures in a row, 30 s. */
  readonly circuit?: CircuitOptions | undefined;
}

export interface SpendParts extends SpendOptions {
  readonly ledger: CallLedger;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
}

/** Makes the meter through which all model calls of a host go. */
export function createSpendMeter(parts: SpendParts): SpendMeter {
  const { ledger, events, clock, log, newId } = parts;
  const circuit = parts.circuit ?? { failures: 5, openMs: 30_000 };
  return new SpendMeter({
    ledger,
    prices: createPriceBook(parts.prices),
    budgets: new Budgets({ ledger, clock, budgets: parts.budgets ?? [] }),
    circuits: new Circuits(clock, circuit, (provider, state, failures) =>
      events.emit('model.circuit', { provider, state, failures }),
    ),
    window: new SharedWindow({ clock, folder: parts.limitsFolder ?? null, newId: () => newId('w') }),
    limits: parts.limits ?? {},
    events,
    clock,
    log,
    newId,
  });
}
