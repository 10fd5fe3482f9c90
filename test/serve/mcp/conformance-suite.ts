import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * The official suite in two versions, installed outside the project (they need Node 22). MCP_CONFORMANCE_DIR names the
 * folder; `.ci/run` says how it is filled. Without it these are skipped.
 */
const suite = process.env['MCP_CONFORMANCE_DIR'] ?? '';
export const node = join(suite, 'node_modules/node/bin/node');
export const frozen = join(suite, 'node_modules/mcp-conformance-0.1/dist/index.js');
export const newest = join(suite, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

/** Runs the suite; its exit code is 0 when everything that counts passes. */
export async function conformance(
  cli: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly text: string }> {
  const results = ['-o', mkdtempSync(join(tmpdir(), 'crew-conformance-'))];
  return promisify(execFile)(node, [cli, ...args, ...results], { maxBuffer: 64e6 }).then(
    (ok) => ({ code: 0, text: ok.stdout + ok.stderr }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: error.code ?? 1,
      text: `${error.stdout ?? ''}${error.stderr ?? ''}`,
    }),
  );
}

export const suiteIsThere = suite !== '' && existsSync(newest);
