import { describe, expect, test } from 'vitest';
import type { ModelCall } from '../../src/crew/spend/call.ts';
import { runHtml } from '../../src/serve/run-html.ts';
import { ScriptedModel, toyAgent, toyTask, toyTool } from '../../src/testing/index.ts';
import { desk } from '../crew/run/desk.ts';

const HOSTILE = `</pre><script>alert(1)</script><img src="https://evil.example/x" onerror='alert(2)'>&`;

const CALL: ModelCall = {
  call_id: 'call_1',
  run_id: 'run_1',
  crew: 'toy',
  task_id: 'watch',
  agent_id: 'ana',
  purpose: null,
  tool: null,
  model: `openai:${HOSTILE}`,
  provider: 'openai',
  attempt: 1,
  state: 'failed',
  began_at: Date.UTC(2026, 0, 1),
  latency_ms: 12.4,
  tokens: null,
  cost_usd: null,
  most_usd: null,
  most_tokens: 0,
  price_source: null,
  price_as_of: null,
  error: HOSTILE,
};

async function page(): Promise<string> {
  const model = new ScriptedModel([
    { calls: [{ tool: 'look', args: { what: HOSTILE } }], say: HOSTILE },
    { text: HOSTILE },
  ]);
  const { runner, events } = desk({
    agents: [toyAgent('ana', { tools: ['look'] })],
    tasks: [toyTask('watch', 'ana')],
    tools: [toyTool('look', () => ({ seen: HOSTILE }))],
    models: [model.named('openai:a')],
  });
  const document = await runner.kickoff('toy');
  expect(document.status).toBe('completed');
  return runHtml({ document: { ...document, error: HOSTILE }, events: events.all, calls: [CALL] });
}

describe('a run as a page', () => {
  test('shows what models and tools wrote as text, and obeys none of it', async () => {
    const html = await page();
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).not.toMatch(/<script|<img|onerror=['"]/);
    // The only tags are ours.
    const tags = new Set([...html.matchAll(/<\/?([a-z0-9]+)/g)].map((m) => m[1]));
    const ours = [
      'html',
      'head',
      'meta',
      'title',
      'style',
      'body',
      'h1',
      'h2',
      'h3',
      'span',
      'table',
      'tr',
      'th',
      'td',
      'pre',
      'p',
    ];
    expect([...tags].filter((tag) => !ours.includes(tag ?? ''))).toEqual([]);
  });

  test('fetches nothing and runs nothing', async () => {
    const html = await page();
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/<(link|iframe|object|form|a) |\s(src|href)=["']/);
  });

  test('tells tasks, calls, output and events', async () => {
    const html = await page();
    for (const text of ['watch', 'ana', 'look', 'task.completed', 'Cost', 'Output']) expect(html).toContain(text);
    // A cost that nobody knows is said to be so, not 0.
    expect(html).toContain('<td>unknown</td><td>12</td>');
  });
});
