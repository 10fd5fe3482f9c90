/** What the health score is made of. */
export interface HealthInputs {
  readonly exchanges_connected: number;
  readonly exchanges_total: number;
  /** Validated rows that passed, percent; null when nothing was validated, which then costs nothing. */
  readonly pass_rate: number | null;
  readonly pending_escalations: number;
  /** Critical escalations that are open, or were raised within the last 24 hours. */
  readonly recent_criticals: number;
  readonly errors: number;
  readonly actions: number;
}

export interface HealthScore {
  /** 0–100. */
  readonly score: number;
  /** Points taken off, by cause. */
  readonly penalties: {
    readonly connections: number;
    readonly validation: number;
    readonly pending_escalations: number;
    readonly criticals: number;
    readonly errors: number;
  };
}

/**
 * 100 − 0.3·(100 − 100·connected/max(total, 1)) − 0.2·(100 − pass rate) − min(20, 2·pending) − min(15, 5·criticals)
 * − min(15, 100·errors/actions), held within 0 and 100. A critical counts while open or recent, not for ever.
 * Example: 0 of 8 venues connected and nothing else wrong gives 70.
 */
export function healthScore(inputs: HealthInputs): HealthScore {
  const connected = (100 * inputs.exchanges_connected) / Math.max(inputs.exchanges_total, 1);
  const penalties = {
    connections: 0.3 * (100 - Math.min(100, connected)),
    validation: inputs.pass_rate === null ? 0 : 0.2 * (100 - inputs.pass_rate),
    pending_escalations: Math.min(20, 2 * inputs.pending_escalations),
    criticals: Math.min(15, 5 * inputs.recent_criticals),
    errors: inputs.actions === 0 ? 0 : Math.min(15, (100 * inputs.errors) / inputs.actions),
  };
  const total = Object.values(penalties).reduce((sum, value) => sum + value, 0);
  return { score: Math.round(Math.min(100, Math.max(0, 100 - total)) * 100) / 100, penalties };
}
