import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { fromStamp } from '../../events/index.ts';
import { Corrupt, NotFound, Unavailable, Unsupported, errorMessage } from '../../kit/errors.ts';
import { describeIssues, pathText } from '../../kit/schema-issues.ts';

/** Version of a backup's layout. */
export const BACKUP_FORMAT = 1;
export const MANIFEST = 'manifest.json';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** Relative, downwards, with plain names only: a manifest cannot point out of its folder. */
const relativePath = z.string().regex(/^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*)(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/);

const manifestSchema = z.strictObject({
  format: z.literal(BACKUP_FORMAT),
  id: z.string(),
  created_at: z.iso.datetime(),
  program: z.string(),
  tape: z.boolean(),
  /** Rows of the market database's series together, and of the operations tables. */
  market_rows: z.number(),
  ops_rows: z.number(),
  files: z.array(z.strictObject({ path: relativePath, bytes: z.number(), sha256: hash })),
});

/** What a manifest of any version says. */
const anyFormat = z.object({ format: z.number(), program: z.string().optional() });

/** What a backup holds. Paths are relative, as in a data folder. */
export type BackupManifest = z.output<typeof manifestSchema>;
export type BackupFile = BackupManifest['files'][number];

const NAME = /^backup-\d{8}T\d{9}Z$/;

/** UTC ms of the moment that an id names. */
export function backupTime(id: string): number {
  return fromStamp(id.slice('backup-'.length));
}

/** Ids of the backups in a folder, newest first; none for a folder that is not there. */
export async function listBackupIds(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder))
      .filter((name) => NAME.test(name))
      .sort()
      .reverse();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** The folder of a backup. Throws NotFound naming those that there are. */
export async function backupFolder(folder: string, id: string | undefined): Promise<string> {
  const ids = await listBackupIds(folder);
  const found = id === undefined || id === 'latest' ? ids[0] : ids.find((one) => one === id);
  if (found !== undefined) return join(folder, found);
  const there = ids.length === 0 ? 'there are none: crew backup create makes one' : `there are ${ids.join(', ')}`;
  throw new NotFound(`there is no backup '${id ?? 'latest'}' in ${folder}; ${there}`);
}

/** Throws Corrupt when it is missing or damaged, Unsupported when it has another layout than this version's. */
export async function readManifest(backup: string): Promise<BackupManifest> {
  const path = join(backup, MANIFEST);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new Corrupt(`${path} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
  const { data: told } = anyFormat.safeParse(value);
  if (told !== undefined && told.format !== BACKUP_FORMAT) {
    const by = told.program === undefined ? '' : ` (made by ${told.program})`;
    throw new Unsupported(
      `${path} says format ${told.format}${by}, this version reads format ${BACKUP_FORMAT}: use the version that made it`,
    );
  }
  const manifest = manifestSchema.safeParse(value);
  if (manifest.success) return manifest.data;
  const issues = describeIssues(manifestSchema, value, manifest.error).map(
    (issue) => `${pathText(issue.path)} ${issue.message}`,
  );
  throw new Corrupt(`${path} is damaged: ${issues.join('; ')}`);
}

/** Bytes after which a copy waits for the disk: more at once make everybody else's wait long. */
const STEP_BYTES = 32 * 1024 * 1024;

/**
 * Copies a file through to the disk and hashes what was read. `check` is awaited after each 32 MB. Throws Unavailable
 * (the target is removed then).
 */
export async function copyHashed(
  source: string,
  target: string,
  check?: () => Promise<void>,
): Promise<Pick<BackupFile, 'bytes' | 'sha256'>> {
  const digest = createHash('sha256');
  let bytes = 0;
  try {
    await mkdir(dirname(target), { recursive: true });
    const handle = await open(target, 'w');
    try {
      let unsynced = 0;
      for await (const chunk of createReadStream(source, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
        digest.update(chunk);
        await handle.writeFile(chunk);
        bytes += chunk.length;
        unsynced += chunk.length;
        if (unsynced < STEP_BYTES) continue;
        unsynced = 0;
        await handle.datasync();
        await check?.();
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(target, { force: true });
    throw new Unavailable(`${source} cannot be copied to ${target}: ${errorMessage(error)}`, { cause: error });
  }
  return { bytes, sha256: digest.digest('hex') };
}

export async function sha256Of(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) digest.update(chunk);
  return digest.digest('hex');
}
