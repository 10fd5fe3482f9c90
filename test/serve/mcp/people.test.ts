import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/kit/logger.ts';
import { CrewController } from '../../../src/serve/controller.ts';
import { createDeskSurface } from '../../../src/serve/mcp/desk-surface.ts';
import { type McpHttpServer, serveMcpHttp } from '../../../src/serve/mcp/http.ts';

const RULES = `  rules:
    - { tools: [optimize_schema], approvers: [operator] }
    - { tools: [vacuum_tables], approvers: [operator], needed: 2 }
    - { tools: [pause_trading_signals], approvers: [risk] }`;
const PEOPLE = `
people:
  alice: { roles: [operator] }
  bob: { roles: [operator, risk] }
`;
const FLOWS = `
tidy:
  steps:
    sign:
      start: true
      ask: "Tidy up?"
      show: { why: "it is late" }
      answer: { type: object, properties: { go: { type: boolean }, tables: { type: integer, minimum: 1 } }, required: [go] }
    free: { start: true, ask: "Anything else?" }
    list: { start: true, ask: "Which?", answer: { type: array, items: { type: string } } }
    tool: { start: true, tool: optimize_schema, agent: schema_manager }
    end: { after: { all: [sign, free, list, tool] }, set: { done: true } }
`;

interface Form {
  readonly message: string;
  readonly schema: unknown;
}

/** What a client's person answers to a form; undefined declines. */
type Person = (form: Form) => Record<string, string | number | boolean | string[]> | undefined;

describe('people at an MCP client', { timeout: 120_000 }, () => {
  let controller: CrewController;
  let server: McpHttpServer;

  beforeAll(async () => {
    const config = mkdtempSync(join(tmpdir(), 'crew-mcp-people-'));
    for (const name of ['agents', 'tasks', 'crews']) cpSync(`${name}.yaml`, join(config, `${name}.yaml`));
    const system = readFileSync('system.yaml', 'utf8')
      .replace('  rules:', RULES)
      .replace('role: reader', 'role: operator');
    writeFileSync(join(config, 'system.yaml'), system + PEOPLE);
    writeFileSync(join(config, 'flows.yaml'), FLOWS);
    controller = new CrewController({
      config,
      dataDir: join(config, 'data'),
      source: 'sim',
      log: silentLogger,
      env: {},
    });
    await controller.start({ autonomous: false, collect: false });
    const surface = await createDeskSurface(controller.desk, { version: '0.0.0', toolsets: ['crews'] });
    server = await serveMcpHttp(surface, { port: 0, host: '127.0.0.1', token: undefined, log: silentLogger });
  }, 60_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await controller[Symbol.asyncDispose]();
  }, 60_000);

  const call = async (name: string, args: Record<string, unknown>, person: Person | null) => {
    const forms: Form[] = [];
    const client = new Client(
      { name: 'test', version: '1.0.0' },
      { capabilities: person === null ? {} : { elicitation: { form: {} } }, versionNegotiation: { mode: 'auto' } },
    );
    if (person !== null)
      client.setRequestHandler('elicitation/create', ({ params }) => {
        const form = { message: params.message, schema: Object(params)['requestedSchema'] as unknown };
        forms.push(form);
        const content = person(form);
        return content === undefined ? { action: 'decline' } : { action: 'accept', content };
      });
    await client.connect(new StreamableHTTPClientTransport(new URL(server.url)));
    try {
      const result = await client.callTool({ name, arguments: args });
      return {
        forms,
        failed: result.isError ?? false,
        data: result.structuredContent,
        text: JSON.stringify(result.content),
      };
    } finally {
      await client.close();
    }
  };
  const tool = (name: string, person: Person | null, args: object = {}) =>
    call('call_tool', { name, arguments: args }, person);
  const yes: Person = () => ({ decision: 'approve', note: 'looked at it' });

  it('may let a call pass where a rule names the role of the client; once, and in the audit log', async () => {
    const done = await tool('optimize_schema', yes);
    expect(done.forms).toMatchObject([{ message: expect.stringContaining('wants to call optimize_schema with {}') }]);
    expect([done.failed, done.text]).toEqual([false, expect.stringContaining('recovered')]);
    expect(await controller.desk.approvals({ state: 'used' })).toMatchObject([
      { tool: 'optimize_schema', decided_by: 'mcp:operator', agreed: [{ by: 'mcp:operator', note: 'looked at it' }] },
    ]);
    const no = await tool('optimize_schema', () => ({ decision: 'reject', note: 'not now' }));
    expect([no.failed, no.text]).toEqual([true, expect.stringContaining('was rejected by mcp:operator: not now')]);
  });

  it('is one of two where two must agree, and never both', async () => {
    const first = await tool('vacuum_tables', yes);
    expect([first.forms.length, first.failed]).toEqual([1, true]);
    expect(first.text).toContain('waits for a person');
    const again = await tool('vacuum_tables', yes);
    expect([again.forms, again.failed]).toEqual([[], true]);
    const [open] = await controller.desk.approvals({ state: 'pending' });
    expect(open).toMatchObject({ tool: 'vacuum_tables', agreed: [{ by: 'mcp:operator' }] });
    await controller.desk.decide({ id: open?.id ?? '', decision: 'approve', by: 'alice' });
    expect((await tool('vacuum_tables', yes)).failed).toBe(false);
  });

  it('is not asked without the role, without forms, and hears that it waits when they decline', async () => {
    for (const [name, person] of [
      ['pause_trading_signals', yes],
      ['vacuum_tables', null],
    ] as const) {
      const waits = await tool(name, person, name === 'vacuum_tables' ? {} : { reason: 'a test' });
      expect([name, waits.forms, waits.failed]).toEqual([name, [], true]);
      expect(waits.text).toContain('waits for a person');
    }
    const [signals] = (await controller.desk.approvals({ state: 'pending' })).filter((r) => r.approvers[0] === 'risk');
    const forced = controller.desk.decide({ id: signals?.id ?? '', decision: 'approve', client: {} });
    await expect(forced).rejects.toThrow('it needs the role risk');
    const other = controller.desk.decide({ id: signals?.id ?? '', decision: 'approve', client: { role: 'risk' } });
    await expect(other).rejects.toThrow("no MCP client has the role 'risk'");
  });

  it('answers the questions and approvals of a flow by forms, round by round; what does not fit is asked again', async () => {
    let tries = 0;
    const answers: Person = ({ message }) => {
      if (message.includes('optimize_schema')) return { decision: 'approve' };
      if (message.includes('Anything else?')) return { answer: 'no' };
      if (message.includes('Which?')) return { answer: '["a", "b"]' };
      tries++;
      return tries === 1 ? { go: true, tables: 0 } : { go: true, tables: 2 };
    };
    const done = await call('run_flow', { flow: 'tidy' }, answers);
    expect(done.data).toMatchObject({ status: 'completed', state: { done: true } });
    const asked = done.forms.map((form) => form.message.split('\n')[0]);
    expect(asked.slice(0, 4).sort()).toEqual([
      'Anything else?',
      'Tidy up?',
      'Which?',
      expect.stringContaining('optimize'),
    ]);
    expect(asked.slice(4)).toEqual([expect.stringMatching(/^Not taken: .*tables: /)]);
    expect(done.forms.find((form) => form.message.startsWith('Tidy up?'))).toMatchObject({
      message: 'Tidy up?\n{\n "why": "it is late"\n}',
      schema: { properties: { go: { type: 'boolean' }, tables: { type: 'integer', minimum: 1 } }, required: ['go'] },
    });
    const methods = Object(done.data).methods as readonly { readonly id: string; readonly output: unknown }[];
    expect(methods.slice(0, 3).map((m) => m.output)).toEqual([{ go: true, tables: 2 }, 'no', ['a', 'b']]);
  });

  it('gives the waiting flow to a client that cannot ask, or whose person declines', async () => {
    for (const person of [null, () => undefined]) {
      const { data } = await call('run_flow', { flow: 'tidy' }, person);
      expect(data).toMatchObject({ status: 'waiting', waiting_for: expect.arrayContaining([]) });
    }
  });
});
