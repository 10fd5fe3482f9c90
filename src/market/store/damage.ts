import { saysDamaged } from '../../infra/duckdb/damage.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import { Unavailable, errorMessage } from '../../kit/errors.ts';
import { quoted } from './names.ts';

/** Reads every block of every table of the file, whose checksums DuckDB compares. Throws what DuckDB says. */
export async function readEverything(db: Database): Promise<void> {
  const found = await db.all(
    `SELECT schema_name, table_name FROM duckdb_tables()
     WHERE NOT internal AND NOT temporary AND database_name = current_database() AND estimated_size > 0`,
  );
  for (const row of found) {
    const table = `${quoted(String(row['schema_name']))}.${quoted(String(row['table_name']))}`;
    await db.all(`SELECT bit_xor(hash(COLUMNS(*))) FROM ${table}`);
  }
}

/** What is wrong with the file, or null when all of it can be read. */
export async function findDamage(db: Database): Promise<string | null> {
  try {
    await readEverything(db);
    return null;
  } catch (error) {
    if (error instanceof Unavailable && saysDamaged(error.message, db.path)) return errorMessage(error);
    throw error;
  }
}
