import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformance, newest, node, suiteIsThere } from '../../serve/mcp/conformance-suite.ts';
import { runScenario } from './conformance-client.ts';

const SHIM = fileURLToPath(new URL('conformance-shim.mjs', import.meta.url));

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

describe.runIf(suiteIsThere)('MCP conformance of the client', () => {
  const server = createServer((request, response) => {
    textOf(request)
      .then((text) => runScenario(JSON.parse(text)))
      .then(
        () => response.end('done'),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  let address = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => void server.close());

  it.each([
    ['2025-11-25', 18],
    ['2026-07-28', 32],
  ])('passes what %s requires', { timeout: 400_000 }, async (revision, scored) => {
    const command = `${node} ${SHIM} ${address}`;
    const { code, text } = await conformance(newest, [
      'client',
      '--command',
      command,
      '--requirements',
      revision,
      '--timeout',
      '120000',
    ]);
    const summary = text.slice(text.indexOf('=== SUITE SUMMARY ==='));
    expect(code, summary).toBe(0);
    expect(summary.match(/^✓ /gm)?.length ?? 0, summary).toBeGreaterThanOrEqual(scored);
  });
});
