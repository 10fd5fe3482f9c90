import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/kit/logger.ts';
import { serveMcpHttp } from '../../../src/serve/mcp/http.ts';
import { createConformanceSurface } from './conformance-surface.ts';

/**
 * The official suite in two versions, installed outside the project (they need Node 22). MCP_CONFORMANCE_DIR names the
 * folder; `.ci/run` says how it is filled. Without it these are skipped.
 */
const suite = process.env['MCP_CONFORMANCE_DIR'] ?? '';
const node = join(suite, 'node_modules/node/bin/node');
const frozen = join(suite, 'node_modules/mcp-conformance-0.1/dist/index.js');
const newest = join(suite, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

async function conformance(
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

describe.runIf(suite !== '' && existsSync(newest))('MCP conformance of the server', () => {
  it.each([
    ['every active scenario of 0.1.16', frozen, ['--suite', 'active'], 30],
    ['what 2025-11-25 requires', newest, ['--requirements', '2025-11-25'], 30],
    ['what 2026-07-28 requires', newest, ['--requirements', '2026-07-28'], 37],
  ])('passes %s', { timeout: 240_000 }, async (_what, cli, args, scored) => {
    await using server = await serveMcpHttp(createConformanceSurface(), {
      port: 0,
      host: '127.0.0.1',
      token: undefined,
      log: silentLogger,
    });
    const url = server.url.replace('127.0.0.1', 'localhost');
    const { code, text } = await conformance(cli, ['server', '--url', url, ...args]);
    const summary = text.slice(text.indexOf('=== SUMMARY ==='));
    expect(code, summary).toBe(0);
    expect(summary.match(/^✓ /gm)?.length ?? 0, summary).toBeGreaterThanOrEqual(scored);
  });
});
