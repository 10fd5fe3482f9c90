import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreCore } from './core.ts';
import { literal } from './names.ts';

/**
 * Day files that lie at their places and are not in force, or soon will not be: the rows of the database are what holds.
 * For databases of any age.
 */
export const LEFT_OVER_STATEMENTS: readonly string[] = [
  'CREATE TABLE IF NOT EXISTS _left_over_files (file VARCHAR NOT NULL)',
];

/** Notes files, paths as `_days` has them, before they are placed or in the transaction that takes them out of force. */
export function addLeftOvers(files: readonly string[]): string {
  return `INSERT INTO _left_over_files VALUES ${files.map((file) => `(${literal(file)})`).join(', ')}`;
}

/** Forgets them, once none of them is left that is not in force. */
export const NO_LEFT_OVERS = 'DELETE FROM _left_over_files';

/** What a kill left: such a file is removed unread, unless it came into force. */
export async function removeLeftOvers(core: StoreCore): Promise<void> {
  const rows = await core.db.all('SELECT DISTINCT file FROM _left_over_files');
  if (rows.length === 0) return;
  const files = rows.map((row) => String(row['file']));
  const inForce = new Set(core.days.names().flatMap((name) => core.days.of(name).map(({ file }) => file)));
  const left = files.filter((file) => !inForce.has(file));
  for (const file of left) await rm(join(core.dataDir, file), { force: true });
  await core.db.run(NO_LEFT_OVERS);
  core.log.info('store.left_overs_removed', { files: left.length });
}
