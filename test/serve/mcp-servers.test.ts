import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { InvalidInput, NotFound } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { CrewController } from '../../src/serve/controller.ts';
import { openFilesDesk } from '../../src/serve/files-desk.ts';

const PROGRAM = fileURLToPath(new URL('../crew/mcp/server.mjs', import.meta.url));

const controllerOf = (options: ConstructorParameters<typeof CrewController>[0]): CrewController =>
  new CrewController({
    config: '.',
    dataDir: mkdtempSync(join(tmpdir(), 'crew-mcp-servers-')),
    source: 'sim',
    exchanges: ['binance_futures'],
    symbols: ['BTCUSDT'],
    log: silentLogger,
    env: {},
    ...options,
  });

describe('MCP servers of others at a desk', { timeout: 90_000 }, () => {
  it('bring accepted tools to its listing and its callers', async () => {
    await using controller = controllerOf({
      mcp: {
        servers: {
          others: {
            command: process.execPath,
            args: [PROGRAM],
            tools: { echo: { category: 'historical_query', level: 'READ_ONLY' } },
          },
        },
      },
    });
    await controller.initialize();
    const { desk } = controller;
    const names = async (): Promise<readonly string[]> => (await desk.tools()).map((tool) => tool.name);
    expect(await desk.mcpServers()).toMatchObject([{ id: 'others', transport: 'stdio', state: 'idle', accepted: 0 }]);
    expect(await names()).not.toContain('others__echo');
    const rows = await desk.acceptMcpTools({ server: 'others', tools: ['echo'], by: 'ann' });
    expect(rows).toContainEqual(expect.objectContaining({ id: 'others__echo', state: 'accepted', accepted_by: 'ann' }));
    expect(await names()).toContain('others__echo');
    expect(await desk.describeTool('others__echo')).toMatchObject({
      toolset: 'others',
      category: 'historical_query',
      input_schema: { properties: { text: { maxLength: 20 } } },
    });
    const outcome = await desk.callTool({ name: 'others__echo', args: { text: 'hi' } });
    expect(outcome).toMatchObject({ ok: true, data: { text: 'hi' }, provenance: { origin: 'foreign' } });
    await desk.forgetMcpTools({ server: 'others', tools: ['echo'] });
    expect(await names()).not.toContain('others__echo');
    await expect(desk.mcpTools({ server: 'other' })).rejects.toThrow(NotFound);
  });

  it('are listed from the files when no controller runs, and asked for their tools', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'crew-mcp-servers-'));
    const options = {
      config: '.',
      dataDir,
      env: {},
      mcp: {
        servers: {
          others: {
            command: process.execPath,
            args: [PROGRAM],
            tools: { echo: { category: 'historical_query' as const, level: 'READ_ONLY' as const } },
          },
        },
      },
    };
    const files = openFilesDesk(options);
    expect(await files.mcpServers()).toMatchObject([{ id: 'others', state: 'idle', accepted: 0 }]);
    expect(await files.mcpTools()).toContainEqual(expect.objectContaining({ id: 'others__echo', state: 'new' }));
    expect(readdirSync(dataDir)).toEqual([]);
    {
      await using controller = controllerOf(options);
      await controller.initialize();
      await controller.desk.acceptMcpTools({ server: 'others', tools: ['echo'], by: 'ann' });
    }
    expect(await files.mcpServers()).toMatchObject([{ id: 'others', state: 'idle', accepted: 1 }]);
    await expect(files.mcpTools({ server: 'other' })).rejects.toThrow(NotFound);
  });

  it('are none where none is declared, and wrong ones are named before anything starts', async () => {
    await using controller = controllerOf({});
    await controller.initialize();
    expect(await controller.desk.mcpServers()).toEqual([]);
    await expect(controller.desk.mcpTools({ server: 'files' })).rejects.toThrow(/no MCP server 'files'/);
    const wrong = controllerOf({ mcp: { servers: { a: {} } } });
    await expect(wrong.initialize()).rejects.toThrow(InvalidInput);
  });
});
