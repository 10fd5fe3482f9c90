import { z } from 'zod';
import { InvalidInput } from '../../kit/errors.ts';
import type { RunPause } from '../run/document.ts';
import type { BudgetDecision } from './call.ts';

const more = z.number().nonnegative().optional();
const Answer = z.union([
  z.strictObject({ accept: z.literal(true), usd: more, tokens: more, calls: more }),
  z.strictObject({ accept: z.literal(false) }),
]);
const Details = z.object({ budget: z.string(), unit: z.enum(['usd', 'tokens', 'calls']), limit: z.number() });

/**
 * Reads a person's answer to a budget that asked: `{ "accept": false }` ends the run, `{ "accept": true, "usd": 5 }` lets
 * it spend so much more; without an amount as much again as the budget allows. Throws InvalidInput for anything else.
 */
export function decisionOf(pause: RunPause, answer: unknown): Omit<BudgetDecision, 'run_id' | 'decided_at'> {
  const { budget, unit, limit } = Details.parse(pause.details);
  const parsed = Answer.safeParse(answer).data;
  if (parsed === undefined) {
    throw new InvalidInput(
      `the answer for ${pause.task} is {"accept": true, "${unit}": how much more} or {"accept": false}, not ${JSON.stringify(answer)}`,
    );
  }
  const none = { usd: 0, tokens: 0, calls: 0 };
  if (!parsed.accept) return { pause_id: pause.id, budget, accepted: false, more: none };
  const { usd, tokens, calls } = parsed;
  const given = usd ?? tokens ?? calls;
  const amount = given === undefined ? { [unit]: limit } : { usd: usd ?? 0, tokens: tokens ?? 0, calls: calls ?? 0 };
  return { pause_id: pause.id, budget, accepted: true, more: { ...none, ...amount } };
}
