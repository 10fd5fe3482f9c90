import type { Budget, Budgets } from '../crew/spend/budget.ts';
import type { BudgetRow } from './desk.ts';

/** Budgets with what is spent under them: of one per run, for the run that is named. */
export async function budgetRows(
  all: readonly Budget[],
  budgets: Pick<Budgets, 'spent'>,
  run: string | undefined,
): Promise<readonly BudgetRow[]> {
  return Promise.all(
    all.map(async (budget) => ({
      ...budget,
      spent: budget.per === 'run' && run === undefined ? null : await budgets.spent(budget, run),
    })),
  );
}
