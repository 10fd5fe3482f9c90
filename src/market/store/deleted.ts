import type { Database } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';

/** A stretch of a series that was deleted: nothing of it is held, and nothing of it is taken in again. */
export interface DeletedStretch {
  readonly id: string;
  readonly from: Us;
  readonly to: Us;
}

/** Deleted stretches by series id. */
export type Deletions = Map<number, readonly DeletedStretch[]>;

/** The table of deletions; for databases of any age. */
export const DELETION_STATEMENTS: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS _deletions (deletion_id VARCHAR PRIMARY KEY, series_id INTEGER NOT NULL,
     from_time TIMESTAMP NOT NULL, to_time TIMESTAMP NOT NULL, rows BIGINT NOT NULL, copies BIGINT NOT NULL,
     deleted_at TIMESTAMP NOT NULL)`,
];

/** The deletions of the file; none where an older program made it. */
export async function readDeletions(db: Database): Promise<Deletions> {
  const found = await db.all("SELECT 1 FROM duckdb_tables() WHERE table_name = '_deletions' AND schema_name = 'main'");
  const deletions: Deletions = new Map();
  if (found.length === 0) return deletions;
  for (const row of await db.all('SELECT deletion_id, series_id, from_time, to_time FROM _deletions')) {
    const stretch = { id: String(row['deletion_id']), from: Number(row['from_time']), to: Number(row['to_time']) };
    addStretch(deletions, Number(row['series_id']), stretch);
  }
  return deletions;
}

export function addStretch(deletions: Deletions, seriesId: number, stretch: DeletedStretch): void {
  deletions.set(seriesId, [...(deletions.get(seriesId) ?? []), stretch]);
}
