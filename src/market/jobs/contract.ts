/** How grave something is, least first. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What a channel tells people. `at` is ISO UTC. */
export interface EscalationMessage {
  readonly escalation_id: string;
  readonly level: Severity;
  readonly trigger: string;
  readonly description: string;
  readonly exchanges: readonly string[];
  readonly symbols: readonly string[];
  readonly recommended_actions: readonly string[];
  readonly at: string;
}

/** A way to tell people. `send` throws when it could not; the caller says so and goes on with the other channels. */
export interface EscalationChannel {
  /** `log`, `webhook`, `email`, `slack`, `pager`. */
  readonly name: string;
  readonly send: (message: EscalationMessage, signal: AbortSignal) => Promise<void>;
}
