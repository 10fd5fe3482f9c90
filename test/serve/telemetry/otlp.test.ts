import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { silentLogger } from '../../../src/kit/logger.ts';
import { CrewController } from '../../../src/serve/controller.ts';
import { tracesUrl } from '../../../src/serve/telemetry/otlp.ts';
import { recordingLogger } from '../../events/support.ts';

const value = z.union([
  z.object({ stringValue: z.string() }).transform((v): string | number | boolean => v.stringValue),
  z.object({ intValue: z.coerce.number() }).transform((v): string | number | boolean => v.intValue),
  z.object({ doubleValue: z.number() }).transform((v): string | number | boolean => v.doubleValue),
  z.object({ boolValue: z.boolean() }).transform((v): string | number | boolean => v.boolValue),
]);
const attributes = z
  .array(z.object({ key: z.string(), value }))
  .transform((list) => Object.fromEntries(list.map((one) => [one.key, one.value])));
/** What OTLP/HTTP asks of a body in JSON: ids in hex, times in nanoseconds as text. */
const body = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(
        z.object({
          scope: z.object({ name: z.string() }),
          spans: z.array(
            z.object({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z
                .string()
                .regex(/^[0-9a-f]{16}$/)
                .optional(),
              name: z.string(),
              kind: z.number(),
              startTimeUnixNano: z.string().regex(/^\d{19}$/),
              endTimeUnixNano: z.string().regex(/^\d{19}$/),
              attributes,
              status: z.object({ code: z.number() }),
            }),
          ),
        }),
      ),
    }),
  ),
});
type Body = z.output<typeof body>;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A collector on loopback that answers with these statuses in turn, the last one for good. */
async function collector(...statuses: readonly number[]) {
  const bodies: Body[] = [];
  const paths: string[] = [];
  let at = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      paths.push(request.url ?? '');
      const status = statuses[Math.min(at++, statuses.length - 1)] ?? 200;
      if (status === 200) bodies.push(body.parse(JSON.parse(Buffer.concat(chunks).toString('utf8'))));
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end('{}');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const spans = () => bodies.flatMap((b) => b.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)));
  return { url: `http://127.0.0.1:${port}`, bodies, paths, spans };
}

const controller = (env: Readonly<Record<string, string>>, log = silentLogger): CrewController =>
  new CrewController({
    config: '.',
    dataDir: mkdtempSync(join(tmpdir(), 'crew-otlp-')),
    source: 'sim',
    log,
    env,
    control: false,
  });

async function runOnce(env: Readonly<Record<string, string>>, log = silentLogger): Promise<string> {
  await using desk = controller(env, log);
  await desk.start({ shadow: true, autonomous: false, collect: false });
  return (await desk.kickoff('operations')).run_id;
}

describe('traces', { timeout: 60_000 }, () => {
  it('reach a collector as one tree a run, by the time the controller has stopped', async () => {
    const { url, spans, bodies, paths } = await collector(200);
    const run = await runOnce({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SERVICE_NAME: 'my-desk' });
    expect(new Set(paths)).toEqual(new Set(['/v1/traces']));
    expect(bodies[0]?.resourceSpans[0]?.resource.attributes).toMatchObject({ 'service.name': 'my-desk' });
    const own = spans().filter((span) => span.attributes['crew.run.id'] === run);
    const root = own.find((span) => span.name === 'invoke_workflow operations');
    expect(root?.parentSpanId).toBeUndefined();
    expect(new Set(own.map((span) => span.traceId))).toEqual(new Set([root?.traceId]));
    const ids = new Set(own.map((span) => span.spanId));
    for (const span of own) if (span !== root) expect(ids).toContain(span.parentSpanId);
    const operations = new Set(own.map((span) => span.attributes['gen_ai.operation.name']));
    for (const name of ['invoke_workflow', 'invoke_agent', 'chat', 'execute_tool']) expect(operations).toContain(name);
    for (const span of own) expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
  });

  it('are tried again while the collector fails, and say so once', async () => {
    const { url, spans } = await collector(400, 200);
    const log = recordingLogger();
    const run = await runOnce({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, log);
    expect(log.entries.filter((e) => e.event === 'otlp.export_failed')).toHaveLength(1);
    expect(spans().some((span) => span.attributes['crew.run.id'] === run)).toBe(true);
  });

  it('are off unless somebody asks', () => {
    expect(tracesUrl(null, {})).toBeNull();
    expect(tracesUrl('http://c:4318/', {})).toEqual({ url: 'http://c:4318/v1/traces', asked: 'config' });
    expect(tracesUrl(null, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' })?.url).toBe('http://c/v1/traces');
    expect(tracesUrl(null, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/x' })?.url).toBe('http://c/x');
    expect(tracesUrl('http://c', { OTEL_SDK_DISABLED: 'true' })).toBeNull();
  });
});
