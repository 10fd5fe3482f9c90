import { ACCESS_LEVELS, type AccessLevel } from '../../kit/access.ts';
import type { Clock } from '../../kit/clock.ts';
import { Corrupt, InvalidInput, NotFound } from '../../kit/errors.ts';
import type { Database, SqlRow } from '../../infra/duckdb/database.ts';
import type { OverrideSpec } from '../spec.ts';

/** An override granted while running, as stored. Times are UTC ms. */
export interface Grant extends OverrideSpec {
  readonly id: string;
  readonly granted_at: number;
}

/** Overrides granted and revoked while running, kept in the ops database, so they survive a restart. */
export interface GrantStore {
  /** Those not revoked, expired ones included; the gate reads this. */
  current(): readonly Grant[];
  /** Takes effect at once, durable when it resolves. Throws InvalidInput for a level that does not exist or an end in the past. */
  grant(grant: OverrideSpec): Promise<Grant>;
  /** Throws NotFound when nothing such is in force. */
  revoke(id: string, revokedBy: string): Promise<void>;
}

const TABLE = `CREATE TABLE IF NOT EXISTS permission_overrides (
  id VARCHAR NOT NULL, agent VARCHAR NOT NULL, tool VARCHAR NOT NULL, level VARCHAR NOT NULL, expires_at TIMESTAMP,
  granted_by VARCHAR NOT NULL, granted_at TIMESTAMP NOT NULL, reason VARCHAR NOT NULL,
  revoked_by VARCHAR, revoked_at TIMESTAMP)`;

/** Creates the table when missing and reads what is in force. Throws Corrupt for a stored level that does not exist. */
export async function openGrants(options: {
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: (prefix: string) => string;
}): Promise<GrantStore> {
  const { db, clock, ids } = options;
  await db.run(TABLE);
  const rows = await db.all('SELECT * FROM permission_overrides WHERE revoked_at IS NULL ORDER BY granted_at, id');
  let grants: readonly Grant[] = rows.map(toGrant);
  return {
    current: () => grants,
    async grant(spec) {
      if (!isLevel(spec.level)) {
        throw new InvalidInput(`'${String(spec.level)}' is not an access level: use ${ACCESS_LEVELS.join(', ')}`);
      }
      const now = clock.now();
      if (spec.expires_at !== null && !(spec.expires_at > now)) {
        throw new InvalidInput(`an override cannot end in the past (${new Date(spec.expires_at).toISOString()})`);
      }
      const grant: Grant = Object.freeze({ ...spec, id: ids('grant'), granted_at: now });
      await db.run(
        'INSERT INTO permission_overrides VALUES (?, ?, ?, ?, make_timestamp(?::BIGINT), ?, make_timestamp(?::BIGINT), ?, NULL, NULL)',
        [
          grant.id,
          grant.agent,
          grant.tool,
          grant.level,
          grant.expires_at === null ? null : grant.expires_at * 1000,
          grant.granted_by,
          now * 1000,
          grant.reason,
        ],
      );
      grants = [...grants, grant];
      return grant;
    },
    async revoke(id, revokedBy) {
      if (!grants.some((g) => g.id === id)) throw new NotFound(`no override '${id}' is in force`);
      // What is given is taken away at once, even if the disk then fails.
      const before = grants;
      grants = grants.filter((g) => g.id !== id);
      try {
        await db.run(
          'UPDATE permission_overrides SET revoked_by = ?, revoked_at = make_timestamp(?::BIGINT) WHERE id = ?',
          [revokedBy, clock.now() * 1000, id],
        );
      } catch (error) {
        if (before.some((g) => g.id === id && g.level === 'NONE')) grants = before;
        throw error;
      }
    },
  };
}

function isLevel(level: unknown): level is AccessLevel {
  return ACCESS_LEVELS.some((known) => known === level);
}

function toGrant(row: SqlRow): Grant {
  const { level } = row;
  if (!isLevel(level)) throw new Corrupt(`permission_overrides ${String(row['id'])} has the level '${String(level)}'`);
  return Object.freeze({
    id: String(row['id']),
    agent: String(row['agent']),
    tool: String(row['tool']),
    level,
    expires_at: typeof row['expires_at'] === 'number' ? row['expires_at'] / 1000 : null,
    granted_by: String(row['granted_by']),
    granted_at: Number(row['granted_at']) / 1000,
    reason: String(row['reason']),
  });
}
