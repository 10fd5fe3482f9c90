import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it } from 'vitest';
import { built, CLI, crew, end, temporaryFolder } from './crew.ts';

const small = (dataDir: string): string[] => [
  'mcp',
  '--data',
  dataDir,
  '--exchanges',
  'binance_futures',
  '--symbols',
  'BTCUSDT',
];

describe.runIf(built)('crew mcp over stdio', { timeout: 90_000 }, () => {
  it('serves the desk to a client of the SDK', async () => {
    const client = new Client({ name: 'test', version: '1.0.0' });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [CLI, ...small(temporaryFolder())],
        stderr: 'ignore',
      }),
    );
    try {
      expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual([
        'search_tools',
        'describe_tool',
        'call_tool',
        'run_crew',
      ]);
      const result = await client.callTool({
        name: 'call_tool',
        arguments: { name: 'get_all_exchange_status', arguments: {} },
      });
      expect(result.isError ?? false).toBe(false);
      expect(JSON.stringify(result.structuredContent)).toContain('binance');
    } finally {
      await client.close();
    }
  });

  it.each(['legacy', 'auto'] as const)('tells a client of %s of the events that it subscribed to', async (mode) => {
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [CLI, ...small(temporaryFolder())],
        stderr: 'ignore',
      }),
    );
    try {
      const told = new Promise<string>((resolve) =>
        client.setNotificationHandler('notifications/resources/updated', ({ params }) => resolve(params.uri)),
      );
      if (mode === 'legacy') await client.subscribeResource({ uri: 'crew://events' });
      else await client.listen({ resourceSubscriptions: ['crew://events'] });
      await client.callTool({ name: 'call_tool', arguments: { name: 'get_all_exchange_status', arguments: {} } });
      expect(await told).toBe('crew://events');
    } finally {
      await client.close();
    }
  });

  it('writes nothing but JSON-RPC to stdout, and ends when its stdin does', async () => {
    const child = spawn(process.execPath, [CLI, ...small(temporaryFolder()), '--log-level', 'debug'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const lines: string[] = [];
    const ask = (message: object): void =>
      void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    ask({ id: 1, method: 'initialize', params });
    ask({ method: 'notifications/initialized' });
    ask({ id: 2, method: 'tools/list' });
    ask({ id: 3, method: 'tools/call', params: { name: 'run_crew', arguments: { crew: 'operations', shadow: true } } });
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if ((JSON.parse(line) as { id?: number }).id === 3) child.stdin.end();
    }
    expect(await exit).toBe(0);
    const messages = lines.map((line) => JSON.parse(line) as { jsonrpc: string; id?: number; result?: object });
    expect(messages.every((message) => message.jsonrpc === '2.0')).toBe(true);
    expect(messages.filter((m) => m.result !== undefined).map((m) => m.id)).toEqual(expect.arrayContaining([1, 2, 3]));
  });
});

describe.runIf(built)('crew mcp over HTTP', { timeout: 60_000 }, () => {
  it.each(['CREW_MCP_TOKEN', 'CREW_MY_TOKEN'])(
    'serves a client with the token of %s, and ends at Ctrl-C',
    async (variable) => {
      const child = spawn(
        process.execPath,
        [CLI, ...small(temporaryFolder()), '--http', '0', '--token-env', variable],
        {
          stdio: ['ignore', 'pipe', 'ignore'],
          env: { ...process.env, [variable]: 'right' },
        },
      );
      const [url = ''] = await new Promise<string[]>((resolve) =>
        child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().split('\n'))),
      );
      expect((await fetch(url, { method: 'POST' })).status).toBe(401);
      const client = new Client({ name: 'test', version: '1.0.0' });
      const requestInit = { headers: { authorization: 'Bearer right' } };
      await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
      expect((await client.listTools()).tools).toHaveLength(4);
      await client.close();
      expect(await end(child, 'SIGINT')).toBe(130);
    },
  );

  it('does not listen beyond loopback without a token', async () => {
    const args = [...small(temporaryFolder()), '--http', '0', '--host', '0.0.0.0'];
    const { code, stderr } = await crew(args, { env: { CREW_MCP_TOKEN: undefined } });
    expect(code).toBe(2);
    expect(stderr).toContain('needs a token');
  });
});
