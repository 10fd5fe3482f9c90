import type { Clock } from '../../kit/clock.ts';
import { Unavailable } from '../../kit/errors.ts';

/** A provider failed so often in a row that it is not asked for a while. Another model may answer. */
export class CircuitOpen extends Unavailable {
  override readonly retryable = false;
}

export interface CircuitOptions {
  /** Failures in a row, of any model of the provider, after which it is left alone. */
  readonly failures: number;
  readonly openMs: number;
}

type State = 'closed' | 'open' | 'half_open';

interface Circuit {
  failures: number;
  /** On the monotonic clock; null: closed. */
  openUntil: number | null;
  /** What the last failure said. */
  reason: string;
  /** One call is trying whether the provider is back. */
  probing: boolean;
}

/**
 * One circuit a provider (address and key). Open, it refuses at once, so that runs go on with their fallbacks instead of
 * waiting for time-outs; after `openMs` one call tries, and closes it or opens it again.
 */
export class Circuits {
  readonly #clock: Clock;
  readonly #options: CircuitOptions;
  readonly #changed: (id: string, state: State, failures: number) => void;
  readonly #circuits = new Map<string, Circuit>();

  /** `changed` is told of every change of a state. */
  constructor(
    clock: Clock,
    options: CircuitOptions,
    changed: (id: string, state: State, failures: number) => void = () => undefined,
  ) {
    this.#clock = clock;
    this.#options = options;
    this.#changed = changed;
  }

  /** Throws CircuitOpen while the provider is left alone. Whoever passes must report with `succeeded`, `failed` or `left`. */
  enter(id: string, name: string): void {
    const circuit = this.#circuits.get(id);
    if (circuit === undefined || circuit.openUntil === null) return;
    const left = circuit.openUntil - this.#clock.monotonicMs();
    if (left > 0 || circuit.probing) {
      const wait = left > 0 ? `for ${Math.ceil(left / 1000)} s more` : 'until the call that tries it now has ended';
      throw new CircuitOpen(
        `${name} failed ${circuit.failures} times in a row and is not asked ${wait}; last: ${circuit.reason}`,
      );
    }
    circuit.probing = true;
    this.#changed(id, 'half_open', circuit.failures);
  }

  succeeded(id: string): void {
    const circuit = this.#circuits.get(id);
    this.#circuits.delete(id);
    if (circuit?.openUntil != null) this.#changed(id, 'closed', 0);
  }

  /** A failure that says something about the provider: time-out, cut connection, 5xx, 429. */
  failed(id: string, reason: string): void {
    const circuit = this.#circuits.get(id) ?? { failures: 0, openUntil: null, probing: false, reason };
    this.#circuits.set(id, circuit);
    circuit.reason = reason;
    circuit.failures++;
    const reopens = circuit.probing;
    circuit.probing = false;
    if (!reopens && (circuit.openUntil !== null || circuit.failures < this.#options.failures)) return;
    circuit.openUntil = this.#clock.monotonicMs() + this.#options.openMs;
    this.#changed(id, 'open', circuit.failures);
  }

  /** The call ended without saying anything about the provider: it was aborted. */
  left(id: string): void {
    const circuit = this.#circuits.get(id);
    if (circuit !== undefined) circuit.probing = false;
  }
}
