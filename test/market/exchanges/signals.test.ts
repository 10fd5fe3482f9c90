import { expect, test } from 'vitest';
import { conclude, type Evidence } from '../../../src/market/exchanges/shared/signals.ts';

const history = { last_rate_8h: 0.00013857 } as NonNullable<Evidence['funding']>;
const ticker = { funding_rate_8h: 0.00035, last: 1 } as NonNullable<Evidence['ticker']>;

test('crowded funding is judged by the rate that runs; by the last paid one where no part tells it', () => {
  const funding = (evidence: Evidence) => conclude('BTCUSDT', evidence).risks.find((r) => r.name === 'funding');
  expect(funding({ ticker, funding: history })).toMatchObject({ value: 0.00035, level: 'elevated' });
  expect(funding({ ticker: { ...ticker, funding_rate_8h: null }, funding: history })).toMatchObject({
    value: 0.00013857,
    level: 'normal',
  });
});
