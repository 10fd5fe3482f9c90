import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/kit/logger.ts';
import { serveMcpHttp } from '../../../src/serve/mcp/http.ts';
import { conformance, frozen, newest, suiteIsThere } from './conformance-suite.ts';
import { createConformanceSurface } from './conformance-surface.ts';

describe.runIf(suiteIsThere)('MCP conformance of the server', () => {
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
