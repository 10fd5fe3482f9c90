import type { Clock } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { OpsStore, OpsStored } from '../../kit/ops.ts';

export interface Message {
  readonly from: string;
  /** Null or absent: to all. */
  readonly to?: string | null | undefined;
  readonly type: 'request' | 'response' | 'alert' | 'info';
  readonly content: unknown;
  /** 1–10, higher is more urgent. Default 5. */
  readonly priority?: number | undefined;
}

type Stored = OpsStored<'communication_log'>;

/** Messages between agents, on disk. */
export class Messages {
  readonly #store: OpsStore;
  readonly #clock: Clock;

  constructor(store: OpsStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The message's id. Throws InvalidInput for a priority outside 1–10. */
  async send(message: Message): Promise<number> {
    const { priority = 5 } = message;
    if (!Number.isInteger(priority) || priority < 1 || priority > 10)
      throw new InvalidInput(`a message's priority is a whole number from 1 to 10, not ${priority}`);
    return this.#store.insert('communication_log', {
      timestamp: this.#clock.now(),
      from_agent: message.from,
      to_agent: message.to ?? null,
      message_type: message.type,
      content: message.content,
      priority,
      acknowledged: false,
      acknowledged_at: null,
    });
  }

  /** The agent's own messages and those to all, most urgent first, among equals the oldest. */
  async inbox(
    agentId: string,
    options: { readonly unacknowledgedOnly?: boolean | undefined; readonly limit?: number | undefined } = {},
  ): Promise<readonly Stored[]> {
    const open = options.unacknowledgedOnly === true ? { acknowledged: false } : {};
    const [own, all] = await Promise.all(
      [agentId, null].map((to_agent) =>
        this.#store.select('communication_log', { where: { to_agent, ...open }, limit: 10_000 }),
      ),
    );
    return [...(own ?? []), ...(all ?? [])]
      .sort((a, b) => b.priority - a.priority || a.timestamp - b.timestamp || a.id - b.id)
      .slice(0, options.limit ?? 100);
  }

  /** Marks a message as read; one to all counts as read when the first agent has read it. Throws NotFound. */
  acknowledge(id: number): Promise<void> {
    return this.#store.update('communication_log', id, { acknowledged: true, acknowledged_at: this.#clock.now() });
  }
}
