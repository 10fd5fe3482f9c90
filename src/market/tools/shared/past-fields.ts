import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { anyExchange, marketOr } from './fields.ts';

/** Input fields of tools over stored history. */

export const symbolDefault = z
  .string()
  .min(2)
  .max(40)
  .default('BTCUSDT')
  .describe('Canonical symbol that is collected (default BTCUSDT)');

export const minutesBack = (fallback: number) =>
  z
    .number()
    .min(1)
    .max(43_200)
    .default(fallback)
    .describe(`How far back, minutes, 1 to 43,200 which is 30 days (default ${fallback})`);

export const hoursBack = (fallback: number) =>
  z
    .number()
    .min(0.1)
    .max(720)
    .default(fallback)
    .describe(`How far back, hours, 0.1 to 720 which is 30 days (default ${fallback})`);

/** A symbol on one or all venues over the last minutes, or hours. */
export const pastInput = {
  symbol: symbolDefault,
  exchange: anyExchange,
  market_type: marketOr('futures'),
  min_coverage: minCoverage,
};
export const pastHoursInput = {
  symbol: symbolDefault,
  exchange: anyExchange,
  hours: hoursBack(24),
  min_coverage: minCoverage,
};
