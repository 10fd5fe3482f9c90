import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/kit/logger.ts';
import { serveMcpHttp } from '../../../src/serve/mcp/http.ts';
import { conformanceSurface } from './conformance-surface.ts';

/**
 * The official suite, installed outside the project (it needs Node 22): MCP_CONFORMANCE_DIR names the folder of
 * `npm i --prefix DIR node@22 @modelcontextprotocol/conformance@0.1.16`. CI installs it; without it these are skipped.
 */
const suite = process.env['MCP_CONFORMANCE_DIR'] ?? '';
const node = join(suite, 'node_modules/node/bin/node');
const cli = join(suite, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

describe.runIf(suite !== '' && existsSync(cli))('MCP conformance', () => {
  it('passes every active server scenario of 2025-11-25', { timeout: 240_000 }, async () => {
    await using server = await serveMcpHttp(conformanceSurface, {
      port: 0,
      host: '127.0.0.1',
      token: undefined,
      log: silentLogger,
    });
    const url = server.url.replace('127.0.0.1', 'localhost');
    const result = await promisify(execFile)(node, [cli, 'server', '--url', url, '--suite', 'active'], {
      maxBuffer: 64e6,
    }).then(
      (ok) => ({ code: 0, text: ok.stdout + ok.stderr }),
      (error: { code?: number; stdout?: string; stderr?: string }) => ({
        code: error.code ?? 1,
        text: `${error.stdout ?? ''}${error.stderr ?? ''}`,
      }),
    );
    const summary = result.text.slice(result.text.indexOf('=== SUMMARY ==='));
    expect(summary).toMatch(/passed/);
    expect(result.code, summary).toBe(0);
  });
});
