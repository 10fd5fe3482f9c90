import type { ValidationRules } from '../../config.ts';
import type { Severity } from '../finding.ts';

/** Count, mean, standard deviation (sample and population), least and greatest. Null where there are too few values. */
export interface Statistics {
  readonly count: number;
  readonly mean: number | null;
  /** Divided by n − 1; null below two values. */
  readonly std: number | null;
  /** Divided by n. */
  readonly population_std: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly median: number | null;
}

/**
 * Statistics of finite values. Empty input gives nulls. Two passes, so that a large mean costs no precision.
 * Example: 2, 4, 4, 4, 5, 5, 7, 9 has mean 5, population σ 2, median 4.5.
 */
export function statistics(values: readonly number[]): Statistics {
  const count = values.length;
  if (count === 0) return { count, mean: null, std: null, population_std: null, min: null, max: null, median: null };
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    count,
    mean,
    std: count < 2 ? null : Math.sqrt(squares / (count - 1)),
    population_std: Math.sqrt(squares / count),
    min: Math.min(...values),
    max: Math.max(...values),
    median: median(values),
  };
}

/** Middle value; the mean of the two middle ones for an even count; null for none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half];
  if (upper === undefined) return null;
  const lower = sorted[half - 1];
  return sorted.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2;
}

export interface AnomalyVerdict {
  /** (current − mean) ÷ population σ of the history; 0 when the history is constant and equals it; null if undecidable. */
  readonly z_score: number | null;
  readonly severity: Severity | null;
  readonly mean: number | null;
  readonly population_std: number | null;
  readonly samples: number;
  /** Why there is no score. */
  readonly reason: string | null;
}

/**
 * z-score of a value against its history, which must not contain it. Fewer samples than the rule wants, or a constant
 * history that the value leaves (σ = 0, so any distance is infinitely many σ), give null and the reason.
 */
export function detectAnomaly(current: number, history: readonly number[], rules: ValidationRules): AnomalyVerdict {
  const { mean, population_std: sigma, count } = statistics(history);
  const base = { mean, population_std: sigma, samples: count };
  if (mean === null || sigma === null || count < rules.anomaly_min_samples) {
    const reason = `${count} samples, ${rules.anomaly_min_samples} are needed`;
    return { ...base, z_score: null, severity: null, reason };
  }
  if (sigma === 0) {
    if (current === mean) return { ...base, z_score: 0, severity: null, reason: null };
    return { ...base, z_score: null, severity: null, reason: 'the history is constant, so distance has no scale' };
  }
  const z = (current - mean) / sigma;
  return { ...base, z_score: z, severity: anomalySeverity(z, rules), reason: null };
}

/** Severity of a z-score by the rule's three steps; null within them. */
export function anomalySeverity(z: number, rules: ValidationRules): Severity | null {
  const size = Math.abs(z);
  if (size > rules.anomaly_z.high) return 'high';
  if (size > rules.anomaly_z.medium) return 'medium';
  return size > rules.anomaly_z.low ? 'low' : null;
}
