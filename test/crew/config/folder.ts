import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { KnownTool } from '../../../src/crew/config/known-tool.ts';
import { type ConfigOptions, type CrewConfig, loadConfig } from '../../../src/crew/config/load.ts';
import { ConfigInvalid, configIssueText } from '../../../src/kit/errors.ts';

export const sections = {
  market: z.strictObject({
    source: z.string().default('sim').describe('Where from'),
    collect: z.strictObject({ flush_interval_ms: z.number().int().min(50).default(1000) }).prefault({}),
    symbols: z.array(z.string()).default(['BTCUSDT']),
  }),
};

export const knownTools: readonly KnownTool[] = [
  { name: 'get_status', aliases: ['status_of_old'], category: 'exchange_data', access: 'READ_ONLY', effects: 'none' },
  { name: 'fill_gaps', category: 'database_write', access: 'WRITE', effects: 'effect' },
];

/** A configuration folder named `desk` with these files; indentation common to all lines is removed. */
export function folder(files: Readonly<Record<string, string>>, name = 'desk'): string {
  const dir = join(mkdtempSync(join(tmpdir(), 'crew-config-')), name);
  mkdirSync(dir, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), dedent(text));
  return dir;
}

export function load(
  files: Readonly<Record<string, string>>,
  changes: Partial<ConfigOptions<typeof sections>> = {},
): CrewConfig<typeof sections> {
  return loadConfig({ dir: folder(files), env: {}, sections, knownTools, ...changes });
}

/** The issues of a configuration that must be wrong, as text. */
export function issuesOf(
  files: Readonly<Record<string, string>>,
  changes: Partial<ConfigOptions<typeof sections>> = {},
): readonly string[] {
  try {
    load(files, changes);
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.issues.map(configIssueText);
    throw error;
  }
  throw new Error('the configuration was accepted');
}

function dedent(text: string): string {
  const lines = text.replace(/^\n/, '').split('\n');
  const indent = Math.min(...lines.filter((l) => l.trim() !== '').map((l) => l.length - l.trimStart().length));
  return lines.map((l) => l.slice(Number.isFinite(indent) ? indent : 0)).join('\n');
}
