import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectFolder } from '../crew/import/project.ts';
import { openai, StubProvider } from '../crew/model/stub.ts';
import { built, crew, temporaryFolder } from './crew.ts';
import { ALL, found, PLANTED } from './planted.ts';

const FILES = {
  'agents.yaml':
    'reporter: { role: Reporter, goal: Find news, backstory: "{topic}", tools: [get_table_health], permission_role: reader }\n',
  'tasks.yaml': 'research: { description: "Look into {topic}", expected_output: Ten points, agent: reporter }\n',
  'system.yaml': 'roles: { reader: { historical_query: READ_ONLY } }\nserve: { role: reader }\nmcp: { role: reader }\n',
  'crews.yaml': 'news: { tasks: [research], memory: true }\n',
};

describe.runIf(built)('secrets in traces', { timeout: 120_000 }, () => {
  let stub: StubProvider;
  let collector: Server;
  /** Everything that the collector is told, headers too, as it comes over the wire. */
  let told: string[];
  beforeEach(async () => {
    told = [];
    stub = await StubProvider.start();
    collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        told.push(`${request.url ?? ''} ${JSON.stringify(request.rawHeaders)} ${Buffer.concat(chunks).toString()}`);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    collector.close();
    await stub.stop();
  });

  async function traced(topic: string): Promise<string> {
    const { port } = collector.address() as AddressInfo;
    const env = { ...openai.env(stub.url), ...PLANTED, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
    const given = ['--model', 'openai:gpt-stub', '--source', 'sim', '--input', `topic=${topic}`, '--json'];
    const where = ['--config', projectFolder(FILES), '--data', temporaryFolder()];
    const { stderr } = await crew(['run', 'news', ...given, ...where], { env });
    expect(stub.requests.length, stderr).toBeGreaterThan(0);
    expect(told.length, stderr).toBeGreaterThan(0);
    return told.join('\n');
  }

  const all = ALL.join(' ');

  it(`do not come of ${ALL.length} that prompts, answers, names and arguments of tools hold`, async () => {
    const call = (id: string, name: string, args: unknown) => ({ id, name, args });
    stub.script(
      openai.calls(call(ALL[0] ?? '', 'get_table_health', { table: ALL[1] }), call('c2', ALL[2] ?? '', { a: all })),
      openai.calls(call('c3', 'get_table_health', { table: all }), call('c4', 'remember', { text: all })),
      openai.calls(call('c5', ALL[3] ?? '', all)),
      openai.text(all),
    );
    const payload = await traced(all);
    // All of it was in what the models and tools were given.
    expect(found(JSON.stringify(stub.requests))).toEqual(ALL);
    for (const name of [
      'invoke_workflow news',
      'invoke_agent reporter',
      'chat gpt-stub',
      'execute_tool get_table_health',
    ])
      expect(payload).toContain(name);
    expect(found(payload)).toEqual([]);
  });

  it(`do not come of ${ALL.length} that a provider tells in its errors`, async () => {
    const echo = { json: { error: { message: `wrong key: ${all}`, type: all, code: all } }, status: 401 };
    stub.script(...Array.from({ length: 8 }, () => echo));
    const payload = await traced('gold');
    expect(payload).toContain('model_failed');
    expect(found(payload)).toEqual([]);
  });
});
