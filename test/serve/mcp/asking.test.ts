import { expect, it } from 'vitest';
import { silentLogger } from '../../../src/kit/logger.ts';
import { serveMcpHttp } from '../../../src/serve/mcp/http.ts';
import { createConformanceSurface } from './conformance-surface.ts';

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** The messages of a stream of server-sent events, as they come. */
async function* messagesOf(response: Response): AsyncGenerator<any> {
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8');
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: {')) yield JSON.parse(line.slice(6));
  }
}

it.each([
  [
    'test_elicitation',
    { message: 'Your name?' },
    'elicitation/create',
    { action: 'accept', content: { username: 'a', email: 'a@b.c' } },
  ],
  [
    'test_sampling',
    { prompt: 'Say hello' },
    'sampling/createMessage',
    { role: 'assistant', model: 'm', content: { type: 'text', text: 'hello' } },
  ],
])('%s asks on the stream of its own call, also a client that opened no other', async (name, args, method, answer) => {
  await using server = await serveMcpHttp(createConformanceSurface(), {
    port: 0,
    host: '127.0.0.1',
    token: undefined,
    log: silentLogger,
  });
  let session: Record<string, string> = {};
  const post = (message: object): Promise<Response> =>
    fetch(server.url, {
      method: 'POST',
      headers: { ...HEADERS, ...session },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
  const begun = await post({
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {}, sampling: {} },
      clientInfo: { name: 'test', version: '1' },
    },
  });
  session = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': '2025-11-25' };
  await begun.text();
  await (await post({ method: 'notifications/initialized' })).text();
  const call = await post({ id: 2, method: 'tools/call', params: { name, arguments: args } });
  const seen: string[] = [];
  for await (const message of messagesOf(call)) {
    if (message.method === method) {
      seen.push(method);
      await (await post({ id: message.id, result: answer })).text();
    } else if (message.id === 2) {
      expect(message.result.isError).not.toBe(true);
      seen.push('result');
      break;
    }
  }
  expect(seen).toEqual([method, 'result']);
});
