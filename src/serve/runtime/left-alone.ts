import { queryEvents } from '../../events/index.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import type { Ms } from '../../kit/clock.ts';
import type { EventPayload } from '../../kit/event.ts';

/** A host that refused requests for their rate, and for how long from now it wants to be left alone. */
export interface HostLeftAlone {
  readonly host: string;
  readonly forMs: Ms;
}

/** Longer than any ban that a venue documents (Binance: up to three days). */
const LONGEST_MS = 7 * 86_400_000;

/**
 * Hosts whose refusal still holds, by the journal: a ban is one of this address, and a restart that asks again at once
 * makes it longer.
 */
export async function hostsLeftAlone(db: Database, now: Ms): Promise<readonly HostLeftAlone[]> {
  const query = { types: ['streaming.rate_limited'], since: now - LONGEST_MS, order: 'desc' } as const;
  const until = new Map<string, Ms>();
  for (const { time, data } of await queryEvents(db, query)) {
    const { host, retry_after_ms } = data as EventPayload<'streaming.rate_limited'>;
    until.set(host, Math.max(until.get(host) ?? 0, time + Math.min(retry_after_ms, LONGEST_MS)));
  }
  return [...until].filter(([, end]) => end > now).map(([host, end]) => ({ host, forMs: end - now }));
}
