import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import type { OpsStored } from '../../../kit/ops.ts';
import { stringsOf } from '../../jobs/issue-book.ts';
import type { MarketServices } from '../../services.ts';
import { isoTime } from './fields.ts';
import { isoOfMs } from './provenance.ts';
import { measure } from '../../domain/measure.ts';

export const escalationShape = z.object({
  id: measure.id,
  raised_at: isoTime,
  level: z.string(),
  trigger: z.string(),
  value: z.string().nullable(),
  threshold: z.string().nullable(),
  description: z.string(),
  channels_told: z.array(z.string()),
  acknowledged_at: isoTime,
  acknowledged_by: z.string().nullable(),
  resolved_at: isoTime,
  notes: z.string().nullable(),
});

export function showEscalation(row: OpsStored<'escalations'>): z.infer<typeof escalationShape> {
  return {
    id: row.id,
    raised_at: isoOfMs(row.escalated_at),
    level: row.escalation_level,
    trigger: row.trigger_condition,
    value: row.trigger_value,
    threshold: row.threshold_value,
    description: row.description,
    channels_told: [...stringsOf(row.notification_channels)],
    acknowledged_at: isoOfMs(row.acknowledged_at),
    acknowledged_by: row.acknowledged_by,
    resolved_at: isoOfMs(row.resolved_at),
    notes: row.resolution_notes,
  };
}

/** The open escalation with this id. Throws NotFound when there is none or it is resolved. */
export async function openEscalation(
  services: Pick<MarketServices, 'ops'>,
  id: number,
): Promise<OpsStored<'escalations'>> {
  const [row] = await services.ops.select('escalations', { where: { id }, limit: 1 });
  if (row === undefined) throw new NotFound(`there is no escalation ${id}`);
  if (row.resolved_at !== null) throw new NotFound(`escalation ${id} is resolved already`);
  return row;
}
