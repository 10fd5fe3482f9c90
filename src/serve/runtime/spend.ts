import { homedir } from 'node:os';
import { join } from 'node:path';
import type { SystemConfig } from '../../crew/index.ts';
import type { SpendOptions } from '../../crew/spend/create.ts';

/** What system.yaml says about money and limits. Limits are shared by all processes of the user unless they are none. */
export function spendOptions(
  { model, budgets }: SystemConfig,
  env: Readonly<Record<string, string | undefined>>,
): SpendOptions {
  const limits = Object.entries(model.limits).map(
    ([provider, limit]) =>
      [provider, { requests: limit.requests_per_minute, tokens: limit.tokens_per_minute }] as const,
  );
  const home = env['HOME'] ?? homedir();
  const folder = model.limits_dir ?? join(home, '.orderflow-crew', 'limits');
  return {
    prices: model.prices,
    budgets: Object.entries(budgets).map(([name, budget]) => ({ name, ...budget })),
    limits: Object.fromEntries(limits),
    limitsFolder: limits.length === 0 ? null : folder,
    circuit: { failures: model.circuit.failures, openMs: model.circuit.open_seconds * 1000 },
  };
}
