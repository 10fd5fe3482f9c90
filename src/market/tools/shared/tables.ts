import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import type { TableHealth } from '../../jobs/schema-health.ts';
import type { MarketServices } from '../../services.ts';
import { isoTime } from './fields.ts';
import { isoOfUs } from './provenance.ts';
import { measure } from '../../domain/measure.ts';

export const tableHealthShape = z.object({
  table: z.string(),
  status: z.string(),
  rows: measure.count,
  bytes: measure.bytes.nullable(),
  last_event_time: isoTime,
  growth_rows_per_day: measure.rowsPerDay.nullable(),
  advice: z.array(z.string()),
});

export function showTable(table: TableHealth): z.infer<typeof tableHealthShape> {
  return {
    table: table.table,
    status: table.status,
    rows: table.rows,
    bytes: table.bytes,
    last_event_time: isoOfUs(table.last_event_time),
    growth_rows_per_day: table.growth_rows_per_day,
    advice: [...table.advice],
  };
}

/** Throws NotFound with the nearest name when the store has no such table. */
export async function requireTable(services: Pick<MarketServices, 'store'>, table: string): Promise<void> {
  const names = (await services.store.stats()).map((s) => s.table);
  if (!names.includes(table)) {
    throw new NotFound(
      `there is no table '${table}'${didYouMean(table, names)}; list_available_tables gives all ${names.length}`,
    );
  }
}
