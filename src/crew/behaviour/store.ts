import { z } from 'zod';
import type { Ms } from '../../kit/clock.ts';
import type { Database, SqlRow } from '../../infra/duckdb/database.ts';

/** What is known of one behaviour and key. Times are UTC ms. */
export interface BehaviourRecord {
  readonly name: string;
  readonly key: string;
  /** Set by a person; null: as defined. */
  readonly enabled: boolean | null;
  /** Up to when the schedule has been seen to. */
  readonly last_slot: Ms | null;
  readonly last_fired_at: Ms | null;
  readonly last_status: 'running' | 'completed' | 'failed' | null;
  readonly last_error: string | null;
  readonly last_duration_ms: number | null;
  readonly fired: number;
  readonly failed: number;
}

export interface LeaseRequest {
  readonly name: string;
  readonly key: string;
  readonly owner: string;
  readonly now: Ms;
  readonly until: Ms;
  /** Time of the schedule this firing is for; null for events and by hand. */
  readonly slot: Ms | null;
  /** Not if it fired at or after this, UTC ms; null: whatever it did. */
  readonly notSince: Ms | null;
}

/** `taken`: someone runs it. `seen`: this slot was run already. `cooling`: it fired too short a time ago. */
export type LeaseAnswer = 'granted' | 'taken' | 'seen' | 'cooling';

/** State and leases of behaviours. One lease a name and key, whoever asks. */
export interface BehaviourStore {
  load(): Promise<readonly BehaviourRecord[]>;
  /** Notes from when on a schedule is watched; keeps an earlier note. */
  watch(name: string, slot: Ms): Promise<void>;
  setEnabled(name: string, enabled: boolean): Promise<void>;
  lease(request: LeaseRequest): Promise<LeaseAnswer>;
  /** Ends the lease and notes how it went. */
  finish(name: string, key: string, owner: string, error: string | null, durationMs: number): Promise<void>;
}

const TABLE = `CREATE TABLE IF NOT EXISTS behaviour_state (
  name VARCHAR NOT NULL, key VARCHAR NOT NULL, enabled BOOLEAN, owner VARCHAR, lease_until TIMESTAMP,
  last_slot TIMESTAMP, last_fired_at TIMESTAMP, last_status VARCHAR, last_error VARCHAR, last_duration_ms DOUBLE,
  fired BIGINT NOT NULL DEFAULT 0, failed BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (name, key))`;
const TIME = 'epoch_ms(CAST(? AS BIGINT))';

/** Keeps behaviours in the table `behaviour_state` of the ops database, which it creates when it is missing. */
export async function createBehaviourStore(database: Database): Promise<BehaviourStore> {
  if (!database.readOnly) await database.run(TABLE);
  const ensure = (name: string, key: string) => ({
    sql: 'INSERT INTO behaviour_state (name, key) VALUES (?, ?) ON CONFLICT DO NOTHING',
    params: [name, key],
  });
  return {
    load: async () => (await database.all('SELECT * FROM behaviour_state ORDER BY name, key')).map(readRecord),
    watch: async (name, slot) => {
      await database.transaction([
        ensure(name, ''),
        {
          sql: `UPDATE behaviour_state SET last_slot = ${TIME} WHERE name = ? AND key = '' AND last_slot IS NULL`,
          params: [slot, name],
        },
      ]);
    },
    setEnabled: async (name, enabled) => {
      await database.transaction([
        ensure(name, ''),
        { sql: `UPDATE behaviour_state SET enabled = ? WHERE name = ? AND key = ''`, params: [enabled, name] },
      ]);
    },
    lease: (request) => lease(database, ensure(request.name, request.key), request),
    finish: async (name, key, owner, error, durationMs) => {
      await database.run(
        `UPDATE behaviour_state SET owner = NULL, lease_until = NULL, last_status = ?, last_error = ?,
         last_duration_ms = ?, failed = failed + ? WHERE name = ? AND key = ? AND owner = ?`,
        [error === null ? 'completed' : 'failed', error, durationMs, error === null ? 0 : 1, name, key, owner],
      );
    },
  };
}

async function lease(
  database: Database,
  ensure: { readonly sql: string; readonly params: readonly string[] },
  request: LeaseRequest,
): Promise<LeaseAnswer> {
  const { name, key, owner, now, until, slot, notSince } = request;
  const free = `(owner IS NULL OR lease_until <= ${TIME})`;
  const unseen = slot === null ? 'TRUE' : `(last_slot IS NULL OR last_slot < ${TIME})`;
  const cooled = notSince === null ? 'TRUE' : `(last_fired_at IS NULL OR last_fired_at <= ${TIME})`;
  const [, granted] = await database.transaction([
    ensure,
    {
      sql: `UPDATE behaviour_state SET owner = ?, lease_until = ${TIME}, last_fired_at = ${TIME}, last_status = 'running',
        last_slot = ${slot === null ? 'last_slot' : TIME}, fired = fired + 1
        WHERE name = ? AND key = ? AND ${free} AND ${unseen} AND ${cooled}`,
      params: [
        owner,
        until,
        now,
        ...(slot === null ? [] : [Math.max(slot, now)]),
        name,
        key,
        now,
        ...(slot === null ? [] : [slot]),
        ...(notSince === null ? [] : [notSince]),
      ],
    },
  ]);
  if (granted?.changed === 1) return 'granted';
  const [why] = await database.all<{ taken: boolean; seen: boolean }>(
    `SELECT NOT ${free} AS taken, NOT ${unseen} AS seen FROM behaviour_state WHERE name = ? AND key = ?`,
    [now, ...(slot === null ? [] : [slot]), name, key],
  );
  if (why?.taken === true) return 'taken';
  return why?.seen === true ? 'seen' : 'cooling';
}

const time = z
  .number()
  .transform((us) => Math.floor(us / 1000))
  .nullable();
const StoredRecord = z.object({
  name: z.string(),
  key: z.string(),
  enabled: z.boolean().nullable(),
  last_slot: time,
  last_fired_at: time,
  last_status: z.enum(['running', 'completed', 'failed']).nullable(),
  last_error: z.string().nullable(),
  last_duration_ms: z.number().nullable(),
  fired: z.number(),
  failed: z.number(),
});

function readRecord(row: SqlRow): BehaviourRecord {
  return StoredRecord.parse(row);
}
