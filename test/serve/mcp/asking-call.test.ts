import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineQuestion } from '../../../src/kit/question.ts';
import type { Desk } from '../../../src/serve/desk.ts';
import { createDeskSurface } from '../../../src/serve/mcp/desk-surface.ts';
import type { McpAnswer, McpCallContext, McpInputNeeded, McpToolResult } from '../../../src/serve/mcp/surface.ts';
import { ToyInvoker, toyTool } from '../../../src/testing/index.ts';

const limit = defineQuestion({
  text: 'At most?',
  answer: z.object({ limit: z.number().refine((n) => n % 2 === 0, 'must be even') }),
});
const sign = defineQuestion({ text: 'Sign?', answer: z.boolean() });

it('asks the person at the client what a tool asks, one question after another, and again what does not fit', async () => {
  const order = toyTool('order', (_, { ask }) => [ask(limit).limit, ask(sign)]);
  const invoker = new ToyInvoker([order]);
  const caller = { id: 'mcp', agentId: null, role: 'toy', tools: null };
  const partial: Partial<Desk> = {
    tools: () => Promise.resolve([]),
    crews: () => Promise.resolve([]),
    flows: () => Promise.resolve([]),
    agents: () => Promise.resolve([]),
    callTool: ({ name, args, answers = [] }) =>
      invoker.invoke({ tool: name, args, caller, answers: answers.map((answered) => ({ answered })) }),
  };
  const { tools } = await createDeskSurface(partial as Desk, { version: '0' });
  const callTool = (await tools()).find((tool) => tool.name === 'call_tool');
  const round = async (answer?: McpAnswer, state?: unknown, form = true): Promise<McpToolResult | McpInputNeeded> => {
    const context: McpCallContext = {
      signal: new AbortController().signal,
      answers: answer === undefined ? {} : { answer },
      state,
      client: { form, model: false, roots: false },
      progress: () => Promise.resolve(),
      log: () => Promise.resolve(),
      closeStream: () => undefined,
    };
    const given = await callTool?.call({ name: 'order', arguments: {} }, context);
    if (given === undefined) throw new Error('there is no call_tool');
    return given;
  };
  const messageOf = (given: McpToolResult | McpInputNeeded): string =>
    'ask' in given && given.ask['answer']?.kind === 'form' ? given.ask['answer'].message : 'nothing asked';
  const stateOf = (given: McpToolResult | McpInputNeeded): unknown => ('ask' in given ? given.state : undefined);
  const says = (content: Record<string, unknown>): McpAnswer => ({ kind: 'form', action: 'accept', content });

  const first = await round();
  expect(messageOf(first)).toBe('At most?');
  const odd = await round(says({ limit: 3 }), stateOf(first));
  expect(messageOf(odd)).toBe('Not taken: limit: must be even\nAt most?');
  const second = await round(says({ limit: 4 }), stateOf(odd));
  expect(messageOf(second)).toBe('Sign?');
  const done = await round(says({ answer: true }), stateOf(second));
  expect(done).toMatchObject({ structuredContent: { data: [4, true] } });

  const declined = await round({ kind: 'form', action: 'decline' }, stateOf(second));
  expect([messageOf(declined), 'isError' in declined && declined.isError]).toEqual(['nothing asked', true]);
  expect(await round(undefined, undefined, false)).toMatchObject({ isError: true });
});
