import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { CrewController } from '../../../src/serve/controller.ts';
import { createDeskSurface } from '../../../src/serve/mcp/desk-surface.ts';
import { type McpHttpServer, serveMcpHttp } from '../../../src/serve/mcp/http.ts';
import type { McpSurface } from '../../../src/serve/mcp/surface.ts';

/** No tokenizer is at hand; JSON of English names runs at four characters a token or more, so 3.5 counts too many. */
const CHARACTERS_A_TOKEN = 3.5;
const RESIDENT_TOKENS = 1500;

/** What people ask for, and a tool that must be among the five found. */
const PHRASES: readonly (readonly [string, string])[] = [
  ['reconnect binance', 'trigger_reconnect'],
  ['are all streams live', 'get_stream_status'],
  ['find gaps in trades', 'detect_data_gaps'],
  ['fill a gap', 'fill_data_gaps'],
  ['clean anomalies', 'clean_data_anomalies'],
  ['quarantine suspicious rows', 'quarantine_data'],
  ['undo a quarantine', 'release_quarantine'],
  ['give disk space back', 'vacuum_tables'],
  ['how many rows has a table', 'get_table_stats'],
  ['latest price of bitcoin', 'get_latest_prices'],
  ['order book depth now', 'get_orderbook_snapshot'],
  ['compare prices across exchanges', 'cross_exchange_consistency'],
  ['health score', 'get_health_score'],
  ['data quality report', 'get_data_quality_report'],
  ['rate limit weight used', 'get_rate_limit_status'],
  ['backfill history', 'request_backfill'],
  ['aggregate candles to 5m bars', 'aggregate_to_timeframe'],
  ['stop tracking a symbol', 'remove_symbol'],
  ['tell people about a problem', 'escalate_issue'],
  ['delete old days', 'apply_retention'],
  ['reconect exchnage', 'trigger_reconnect'],
  ['run a flow', 'run_flow'],
  ['ask one agent alone', 'run_agent'],
];

interface Connected extends AsyncDisposable {
  readonly client: Client;
}

async function connect(server: McpHttpServer, mode: 'legacy' | 'auto' = 'legacy'): Promise<Connected> {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url)));
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

const serve = (surface: McpSurface): Promise<McpHttpServer> =>
  serveMcpHttp(surface, { port: 0, host: '127.0.0.1', token: undefined, log: silentLogger });

const textOf = (result: { readonly content: readonly unknown[] }): string =>
  (result.content[0] as { readonly text: string }).text;

describe('the desk over MCP', { timeout: 60_000 }, () => {
  let controller: CrewController;
  let server: McpHttpServer;
  let everything: McpHttpServer;

  beforeAll(async () => {
    controller = new CrewController({
      config: '.',
      dataDir: mkdtempSync(join(tmpdir(), 'crew-mcp-')),
      source: 'sim',
      exchanges: ['binance_futures'],
      symbols: ['BTCUSDT'],
      log: silentLogger,
      env: {},
    });
    await controller.start({ autonomous: false });
    server = await serve(await createDeskSurface(controller.desk, { version: '0.0.0' }));
    everything = await serve(await createDeskSurface(controller.desk, { version: '0.0.0', toolsets: ['all'] }));
  }, 60_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await everything[Symbol.asyncDispose]();
    await controller[Symbol.asyncDispose]();
  }, 60_000);

  it.each(['legacy', 'auto'] as const)('lists four small tools to a client that negotiates %s', async (mode) => {
    await using connected = await connect(server, mode);
    const { tools } = await connected.client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(['search_tools', 'describe_tool', 'call_tool', 'run_crew']);
    const tokens = JSON.stringify(tools).length / CHARACTERS_A_TOKEN;
    expect(tokens + (connected.client.getInstructions() ?? '').length / CHARACTERS_A_TOKEN).toBeLessThan(
      RESIDENT_TOKENS,
    );
  });

  it('finds the tool that a phrase means', async () => {
    await using connected = await connect(server);
    const missed: string[] = [];
    for (const [query, wanted] of PHRASES) {
      const result = await connected.client.callTool({ name: 'search_tools', arguments: { query } });
      const { tools } = result.structuredContent as { readonly tools: readonly { readonly name: string }[] };
      const names = tools.map((tool) => tool.name);
      if (!names.includes(wanted)) missed.push(`${query} → ${wanted}, found ${names.join(', ')}`);
      expect(JSON.parse(textOf(result))).toEqual(tools);
    }
    expect(missed).toEqual([]);
  });

  it('describes a tool by name or alias, and names the nearest when there is none', async () => {
    await using connected = await connect(server);
    const { structuredContent } = await connected.client.callTool({
      name: 'describe_tool',
      arguments: { name: 'get_streaming_status' },
    });
    expect(structuredContent).toMatchObject({ name: 'get_stream_status', effects: 'none' });
    expect(structuredContent).toHaveProperty('input_schema.properties');
    const wrong = await connected.client.callTool({ name: 'describe_tool', arguments: { name: 'get_stream_statu' } });
    expect(wrong.isError).toBe(true);
    expect(textOf(wrong)).toContain('get_stream_status');
    expect((await connected.client.callTool({ name: 'describe_tool', arguments: {} })).isError).toBe(true);
  });

  it('calls a reading tool: structured data with provenance, and escaped XML', async () => {
    await using connected = await connect(server);
    const result = await connected.client.callTool({
      name: 'call_tool',
      arguments: { name: 'get_stream_status', arguments: {} },
    });
    expect(result.isError ?? false).toBe(false);
    expect(result.structuredContent).toMatchObject({ provenance: { complete: expect.any(Boolean) } });
    expect(textOf(result)).toMatch(/^<result tool="get_stream_status" .*<data>.*<\/data><\/result>$/s);
    const refused = await connected.client.callTool({
      name: 'call_tool',
      arguments: { name: 'get_table_stats', arguments: { table: '<b>&"no"</b>' } },
    });
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toMatch(/^<error tool="get_table_stats" code="\w+"/);
    expect(textOf(refused)).not.toContain('<b>');
  });

  it('refuses a reader what has effects, as a result that says so', async () => {
    await using connected = await connect(server);
    const result = await connected.client.callTool({
      name: 'call_tool',
      arguments: { name: 'vacuum_tables', arguments: {} },
    });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain('code="permission_denied"');
    expect(result.structuredContent).toBeUndefined();
    await expect(connected.client.callTool({ name: 'vacuum_tables', arguments: {} })).rejects.toThrow(
      "there is no tool 'vacuum_tables'",
    );
  });

  it('lets a client do what the role of its token may, and no more', async () => {
    const as = async (role: string): Promise<string> => {
      await using own = await serve(await createDeskSurface(controller.desk, { version: '0.0.0', role }));
      await using connected = await connect(own);
      const args = { name: 'vacuum_tables', arguments: {} };
      return textOf(await connected.client.callTool({ name: 'call_tool', arguments: args }));
    };
    expect(await as('reader')).toContain('code="permission_denied"');
    expect(await as('operator')).not.toContain('code="permission_denied"');
    expect(await as('nobody')).toContain('code="permission_denied"');
    const flow = { flow: 'health_check', shadow: false, caller: 'mcp' } as const;
    expect((await controller.desk.runFlow({ ...flow, role: 'reader' })).mode).toBe('shadow');
    expect((await controller.desk.runFlow({ ...flow, role: 'operator' })).mode).toBe('active');
  });

  it('runs a crew in shadow mode and tells how far it is', async () => {
    await using connected = await connect(server);
    const steps: number[] = [];
    const result = await connected.client.callTool(
      { name: 'run_crew', arguments: { crew: 'data-ops', shadow: true } },
      { timeout: 55_000, onprogress: ({ progress }) => steps.push(progress) },
    );
    expect(result.isError).toBe(false);
    expect(result.structuredContent).toMatchObject({ crew: 'data-ops', mode: 'shadow', status: 'completed' });
    expect(result.structuredContent).toMatchObject({ effects: [] });
    expect(steps.length).toBeGreaterThan(2);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(steps.at(-1)).toBeLessThanOrEqual(1);
    const unknown = await connected.client.callTool({ name: 'run_crew', arguments: { crew: 'data-op' } });
    expect(unknown.isError).toBe(true);
    expect(textOf(unknown)).toContain('data-ops');
  });

  it('finds, describes and runs flows and single agents, which a reader can only have propose', async () => {
    await using connected = await connect(server);
    const { client } = connected;
    const call = (name: string, args: object, onprogress?: (step: { readonly progress: number }) => void) =>
      client.callTool(
        { name: 'call_tool', arguments: { name, arguments: args } },
        { timeout: 55_000, ...(onprogress === undefined ? {} : { onprogress }) },
      );
    const detail = await client.callTool({ name: 'describe_tool', arguments: { name: 'run_flow' } });
    expect(detail.structuredContent).toHaveProperty('input_schema.properties.flow.enum', ['health_check']);
    const steps: number[] = [];
    const flow = await call('run_flow', { flow: 'health_check', shadow: false }, ({ progress }) =>
      steps.push(progress),
    );
    expect(flow.structuredContent).toMatchObject({ flow: 'health_check', mode: 'shadow', status: 'completed' });
    expect(steps.length).toBeGreaterThan(0);
    const agent = await call('run_agent', { agent: 'validator', prompt: 'Is the data sound?', shadow: false });
    // The desk of this test has playbooks, which only crews have: an agent alone needs a language model.
    expect(textOf(agent)).toContain('crew agent:validator has no playbook');
    expect(await call('run_agent', { agent: 'validator' })).toMatchObject({ isError: true });
    const wrong = await call('run_flow', { flow: 'health_chek' });
    expect(wrong.isError).toBe(true);
    expect(textOf(wrong)).toContain('health_check');
  });

  it('cancels the run of a crew with the call', async () => {
    await using connected = await connect(server);
    const giveUp = new AbortController();
    const running = connected.client.callTool(
      { name: 'run_crew', arguments: { crew: 'data-ops', shadow: true } },
      { signal: giveUp.signal, timeout: 55_000, onprogress: () => giveUp.abort(new Error('enough')) },
    );
    await expect(running).rejects.toThrow('enough');
    await expect
      .poll(async () => (await controller.desk.runs({ crew: 'data-ops', limit: 1 }))[0]?.status, { timeout: 20_000 })
      .toBe('cancelled');
  });

  it('serves status, tables, rows, runs and events as resources', async () => {
    await using connected = await connect(server);
    const { client } = connected;
    const read = async (uri: string): Promise<unknown> =>
      JSON.parse((await client.readResource({ uri })).contents.map((c) => ('text' in c ? c.text : '')).join(''));
    const { resources } = await client.listResources();
    expect(resources.map((r) => r.uri)).toEqual(['crew://status', 'crew://tables', 'crew://events', 'crew://runs']);
    const templates = await client.listResourceTemplates();
    expect(templates.resourceTemplates.map((t) => t.uriTemplate)).toEqual([
      'crew://tables/{table}',
      'crew://runs/{run}',
    ]);
    expect(await read('crew://status')).toMatchObject({ state: 'running', source: 'sim' });
    const tables = (await read('crew://tables')) as { readonly table: string }[];
    expect(tables.map((t) => t.table)).toContain('btcusdt_binance_futures_trades');
    await expect
      .poll(
        async () => ((await read('crew://tables/btcusdt_binance_futures_trades')) as { rows: unknown[] }).rows.length,
        {
          timeout: 20_000,
        },
      )
      .toBeGreaterThan(0);
    expect(await read('crew://events')).not.toEqual([]);
    const { run_id } = await controller.kickoff('operations', {}, { shadow: true });
    const runs = (await read('crew://runs')) as { readonly id: string }[];
    expect(runs.map((run) => run.id)).toContain(run_id);
    expect(await read(`crew://runs/${run_id}`)).toMatchObject({ run_id, crew: 'operations' });
    for (const uri of ['crew://nothing', 'crew://runs/run_none', 'crew://tables/no_such_table'])
      await expect(client.readResource({ uri }), uri).rejects.toThrow(/not found/i);
  });

  it.each(['legacy', 'auto'] as const)(
    'tells a client of %s about the runs and tables that it watches',
    async (mode) => {
      await using connected = await connect(server, mode);
      const { client } = connected;
      const uris = ['crew://runs', 'crew://tables/btcusdt_binance_futures_trades'];
      const heard = new Set<string>();
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.add(params.uri));
      if (mode === 'auto') await client.listen({ resourceSubscriptions: uris });
      else for (const uri of uris) await client.subscribeResource({ uri });
      const { run_id } = await controller.kickoff('operations', {}, { shadow: true });
      await expect.poll(() => [...heard].toSorted(), { timeout: 20_000 }).toEqual(uris);
      const { contents } = await client.readResource({ uri: 'crew://runs' });
      expect(JSON.stringify(contents)).toContain(run_id);
    },
  );

  it('offers a prompt for each crew and completes what it takes', async () => {
    await using connected = await connect(server);
    const { client } = connected;
    const { prompts } = await client.listPrompts();
    expect(prompts.map((p) => p.name)).toEqual((await controller.desk.crews()).map((crew) => crew.id));
    const prompt = await client.getPrompt({ name: 'data-ops', arguments: { focus: 'BTCUSDT' } });
    expect(JSON.stringify(prompt.messages)).toContain('BTCUSDT');
    await expect(client.getPrompt({ name: 'none' })).rejects.toThrow("there is no prompt 'none'");
    const focus = await client.complete({
      ref: { type: 'ref/prompt', name: 'data-ops' },
      argument: { name: 'focus', value: 'b' },
    });
    expect(focus.completion.values).toEqual(['BTCUSDT']);
    const table = await client.complete({
      ref: { type: 'ref/resource', uri: 'crew://tables/{table}' },
      argument: { name: 'table', value: 'btcusdt_binance_futures_t' },
    });
    expect(table.completion.values).toEqual(
      expect.arrayContaining(['btcusdt_binance_futures_trades', 'btcusdt_binance_futures_ticker_24h']),
    );
  });

  it('lists every tool with its output schema, which the results of reading tools keep', async () => {
    await using connected = await connect(everything);
    const { tools } = await connected.client.listTools();
    const rows = await controller.desk.tools();
    const names = tools.map((tool) => tool.name);
    expect(names).toEqual(expect.arrayContaining([...rows.map((row) => row.name), 'run_flow', 'run_agent']));
    // Endpoint tools are run by the contract suite of tools: here venue, desk and client are one process, and the
    // simulator's cold 24 h windows would hold it for longer than a kept-alive connection lasts.
    const readers = rows.filter((row) => row.effects === 'none' && !row.toolset.startsWith('exchange_'));
    const validator = new AjvJsonSchemaValidator();
    const wrong: string[] = [];
    let checked = 0;
    for (const { name } of readers) {
      const schema = tools.find((tool) => tool.name === name)?.outputSchema;
      expect(schema, name).toBeDefined();
      const { examples } = await controller.desk.describeTool(name);
      const result = await connected.client.callTool({ name, arguments: examples[0]?.input ?? {} });
      if (result.isError === true) continue;
      checked++;
      const verdict = validator.getValidator(schema as never)(result.structuredContent);
      if (!verdict.valid) wrong.push(`${name}: ${verdict.errorMessage}`);
    }
    expect(wrong).toEqual([]);
    expect(checked).toBeGreaterThan(readers.length / 2);
  });

  it('lists one toolset on request, and names the nearest for a wrong one', async () => {
    const schema = await createDeskSurface(controller.desk, { version: '0.0.0', toolsets: ['schema'] });
    const names = (await schema.tools()).map((tool) => tool.name);
    expect(names).toContain('get_table_stats');
    expect(names).not.toContain('get_stream_status');
    await expect(createDeskSurface(controller.desk, { version: '0.0.0', toolsets: ['schemas'] })).rejects.toThrow(
      /did you mean schema\?/,
    );
  });

  it('writes results as JSON when asked', async () => {
    const surface = await createDeskSurface(controller.desk, { version: '0.0.0', text: 'json' });
    await using plain = await serve(surface);
    await using connected = await connect(plain);
    const result = await connected.client.callTool({
      name: 'call_tool',
      arguments: { name: 'get_stream_status', arguments: {} },
    });
    expect(JSON.parse(textOf(result))).toMatchObject({ ok: true, tool: 'get_stream_status' });
  });

  it('refuses pages of other sites', async () => {
    const post = (headers: Record<string, string>): Promise<Response> =>
      fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
      });
    expect((await post({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await post({ origin: 'http://localhost:5173' })).status).not.toBe(403);
  });

  it('needs a token beyond loopback, and the right one', async () => {
    const surface = await createDeskSurface(controller.desk, { version: '0.0.0' });
    const open = { port: 0, host: '0.0.0.0', token: undefined, log: silentLogger };
    await expect(serveMcpHttp(surface, open)).rejects.toBeInstanceOf(InvalidInput);
    await expect(serveMcpHttp(surface, { ...open, token: '' })).rejects.toBeInstanceOf(InvalidInput);
    await using guarded = await serveMcpHttp(surface, { ...open, host: '127.0.0.1', token: 'right' });
    const withToken = async (authorization: string | undefined): Promise<number> =>
      (await fetch(guarded.url, { headers: authorization === undefined ? {} : { authorization } })).status;
    expect(await withToken(undefined)).toBe(401);
    expect(await withToken('Bearer wrong')).toBe(401);
    expect(await withToken('Bearer right')).toBe(400);
  });
});
