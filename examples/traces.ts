/** A run as a trace of OpenTelemetry, sent to a collector on this machine: names, counts and times, never a text. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestController, ScriptedModel } from 'orderflow-crew/testing';
import { z } from 'zod';

const attribute = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const span = z.object({ name: z.string(), attributes: z.array(attribute) });
const sent = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(span) })) })),
});

let told = '';
const spans: z.output<typeof span>[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString();
    told += text;
    for (const { scopeSpans } of sent.parse(JSON.parse(text)).resourceSpans)
      spans.push(...scopeSpans.flatMap((scope) => scope.spans));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
const address = collector.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;

const config = mkdtempSync(join(tmpdir(), 'traced-'));
writeFileSync(join(config, 'agents.yaml'), 'clerk: { role: Clerk, goal: Answer, backstory: Brief. }\n');
writeFileSync(
  join(config, 'tasks.yaml'),
  'tell: { description: "Of {topic}.", expected_output: A line, agent: clerk }\n',
);
writeFileSync(join(config, 'crews.yaml'), 'news: { tasks: [tell] }\n');
writeFileSync(
  join(config, 'system.yaml'),
  `
roles: { reader: {} }
serve: { role: reader }
mcp: { role: reader }
observability: { otlp: { endpoint: "http://127.0.0.1:${port}", service_name: example } }
`,
);
const model = new ScriptedModel([{ text: 'The vault is under the stairs.', usage: { input: 812, output: 64 } }]);
{
  await using controller = await openTestController({ config, model: model.named('openai:gpt-5-mini') });
  await controller.kickoff('news', { topic: 'the vault' });
} // what is left is sent as it closes
collector.close();

const tokens = (name: string) => spans.flatMap((one) => one.attributes.filter(({ key }) => key === name));
console.log(
  spans
    .map(({ name }) => name)
    .sort()
    .join(', '),
);
console.log(
  tokens('gen_ai.usage.input_tokens')
    .map(({ value }) => JSON.stringify(value))
    .join(),
);
console.log(told.includes('stairs') || told.includes('vault') ? 'told a text' : 'told no text');
