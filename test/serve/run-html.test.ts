import { describe, expect, test } from 'vitest';
import { createMemoryLedger } from '../../src/crew/spend/memory-ledger.ts';
import { runHtml } from '../../src/serve/run-html.ts';
import { ScriptedModel, toyAgent, toyTask, toyTool } from '../../src/testing/index.ts';
import { desk } from '../crew/run/desk.ts';

const HOSTILE = `</pre><script>alert(1)</script><img src="https://evil.example/x" onerror='alert(2)'>&`;

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
  const ledger = createMemoryLedger();
  return runHtml({ document: { ...document, error: HOSTILE }, events: events.all, calls: await ledger.calls() });
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
  });
});
