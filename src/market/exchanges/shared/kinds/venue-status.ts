import { z } from 'zod';
import type { Ms } from '../../../../kit/clock.ts';
import type { Kind } from '../../endpoint.ts';
import { iso } from './statistics.ts';
import { measure } from '../../../domain/measure.ts';

/** What a venue says of itself; each of its answers tells a part. */
export interface StatusReading {
  readonly status?: string | undefined;
  readonly message?: string | null | undefined;
  readonly serverTime?: Ms | undefined;
}

const statusShape = z.object({
  status: z.string().nullable(),
  message: z.string().nullable(),
  server_time: z.string().nullable(),
  clock_ahead_ms: measure.milliseconds.nullable(),
});

export const venueStatus: Kind<StatusReading, z.infer<typeof statusShape>> = {
  name: 'venue_status',
  about:
    'Whether the venue trades now, in its own word, with its message, its server time, and by how many ms our clock is ahead of it (the way of the answer included).',
  output: statusShape,
  derive: ({ status, message, serverTime }, { now }) => ({
    status: status ?? null,
    message: message ?? null,
    server_time: iso(serverTime),
    clock_ahead_ms: serverTime === undefined ? null : now - serverTime,
  }),
  summary: (data) => `Status ${data.status ?? 'unknown'}, server time ${data.server_time ?? 'unknown'}.`,
};

/** Parts of several answers together. */
export function mergeStatus(values: readonly StatusReading[]): StatusReading {
  return values.reduce((all, part) => ({ ...all, ...part }), {});
}
