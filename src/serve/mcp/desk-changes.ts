import { type Clock, sleep } from '../../kit/clock.ts';
import type { AnyEvent } from '../../kit/event.ts';
import type { Desk } from '../desk.ts';
import type { McpSurface } from './surface.ts';

/** A resource is told of at most this often. */
const TELL_EVERY_MS = 1000;
/** Tables have no events of their own: their counts are looked at, while somebody may want to know. */
const LOOK_EVERY_MS = 2000;

/** Tells which of the desk's resources changed: from its journal, and from the counts of its tables. */
export function deskChanges(desk: Desk, clock: Clock): NonNullable<McpSurface['changes']> {
  return async (listener, { signal, watched }) => {
    const pending = new Set<string>();
    const wanted = (prefix: string): boolean => {
      const uris = watched();
      return uris === undefined || [...uris].some((uri) => uri.startsWith(prefix));
    };
    const followEvents = async (): Promise<void> => {
      for await (const event of desk.follow({}, signal)) for (const uri of touchedBy(event)) pending.add(uri);
    };
    const tell = async (): Promise<void> => {
      while (!signal.aborted) {
        await pause(clock, TELL_EVERY_MS, signal);
        const uris = [...pending];
        pending.clear();
        for (const uri of uris) listener({ kind: 'resource', uri });
      }
    };
    const lookAtTables = async (): Promise<void> => {
      const seen = new Map<string, string>();
      while (!signal.aborted) {
        if (wanted('crew://tables')) await noteTables(desk, seen, pending);
        await pause(clock, LOOK_EVERY_MS, signal);
      }
    };
    await Promise.all([followEvents(), tell(), lookAtTables()]);
  };
}

/** Resources that an event touches. */
function touchedBy(event: AnyEvent): readonly string[] {
  const uris = ['crew://events', 'crew://status'];
  const run: unknown = 'run_id' in event.data ? event.data.run_id : undefined;
  if (typeof run === 'string') uris.push('crew://runs', `crew://runs/${run}`);
  return uris;
}

async function noteTables(desk: Desk, seen: Map<string, string>, pending: Set<string>): Promise<void> {
  const first = seen.size === 0;
  for (const { table, rows, last_event_time: last, state } of (await desk.status()).streams) {
    const now = `${rows} ${last} ${state}`;
    if (seen.get(table) === now) continue;
    seen.set(table, now);
    if (first) continue;
    pending.add('crew://tables');
    pending.add(`crew://tables/${table}`);
  }
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await sleep(clock, ms, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
