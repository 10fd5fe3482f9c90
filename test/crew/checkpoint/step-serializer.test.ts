import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { MemorySaver, Send } from '@langchain/langgraph';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSettled, settled } from '../../../src/crew/checkpoint/settled.ts';
import { StepSerializer } from '../../../src/crew/checkpoint/step-serializer.ts';

const theirs = new MemorySaver().serde;
const decoder = new TextDecoder();

async function written(serde: { dumpsTyped(value: unknown): Promise<[string, Uint8Array]> }, value: unknown) {
  const [type, bytes] = await serde.dumpsTyped(value);
  return [type, type === 'json' ? decoder.decode(bytes) : [...bytes]];
}

const messages = [
  new SystemMessage('You are ana.'),
  new HumanMessage({ content: [{ type: 'text', text: 'Look “here”.' }] }),
  new AIMessage({ content: '', tool_calls: [{ id: 'a', name: 'look', args: { i: 1 }, type: 'tool_call' }] }),
  new ToolMessage({ tool_call_id: 'a', content: '{"n":1}', status: 'success' }),
];

function circle(): object {
  const one: Record<string, unknown> = { name: 'one' };
  return Object.assign(one, { itself: one });
}

const VALUES: Readonly<Record<string, unknown>> = {
  nothing: undefined,
  null: null,
  text: 'a "quoted" text\u2028',
  'no number': Number.NaN,
  messages,
  'undefined inside': { a: undefined, b: [undefined, { c: undefined }] },
  date: { at: new Date(0) },
  set: { seen: new Set([1, 2]) },
  map: new Map([['a', { b: 1 }]]),
  expression: /a+/gi,
  error: { reason: new Error('it broke') },
  send: [new Send('node', { a: 1 })],
  bytes: new Uint8Array([1, 2, 3]),
  'bytes inside': { bytes: new Uint8Array([1, 2, 3]) },
  class: { of: new URL('https://example.com/a') },
  circle: circle(),
  bigint: { big: 1n },
  'no prototype': Object.assign(Object.create(null) as object, { a: 1 }),
  'own __proto__': JSON.parse('{"__proto__":{"a":1}}'),
  checkpoint: {
    v: 4,
    id: 'x',
    ts: '',
    channel_values: { agent: settled({ messages, next: 'model' }), n: 1, u: undefined },
  },
};

describe('StepSerializer', () => {
  test.each(Object.entries(VALUES))('writes what LangGraph writes: %s', async (_, value) => {
    expect(await written(new StepSerializer(), value)).toEqual(await written(theirs, value));
  });

  test('writes what LangGraph writes, whatever the value', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true }),
        async (value) => {
          const whole = { messages, list: [value, value], value };
          const serde = new StepSerializer();
          const wanted = await written(theirs, whole);
          expect(await written(serde, settled({ ...whole }))).toEqual(wanted);
          expect(await written(serde, whole)).toEqual(wanted);
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });

  test('reads what it wrote', async () => {
    const serde = new StepSerializer();
    const [type, bytes] = await serde.dumpsTyped(settled({ messages, turn: 1 }));
    const read = (await serde.loadsTyped(type, bytes)) as { messages: unknown[] };
    expect(read.messages[2]).toBeInstanceOf(AIMessage);
    expect(read).toEqual(await theirs.loadsTyped(type, bytes));
  });

  test('asks an entry of a settled list for its text once', async () => {
    let asked = 0;
    const entry = { toJSON: () => ({ n: (asked += 1) }) };
    const serde = new StepSerializer();
    await serde.dumpsTyped(settled({ list: [entry] }));
    const [, bytes] = await serde.dumpsTyped(settled({ list: [entry, { last: true }] }));
    expect(decoder.decode(bytes)).toBe('{"list":[{"n":1},{"last":true}]}');
    expect(asked).toBe(1);
  });

  test('keeps no text of what is not settled', async () => {
    const list = [{ n: 1 }];
    const serde = new StepSerializer();
    await serde.dumpsTyped({ list });
    if (list[0] !== undefined) list[0].n = 2;
    expect(decoder.decode((await serde.dumpsTyped({ list }))[1])).toBe('{"list":[{"n":2}]}');
  });

  test('the mark goes with the object, not with what is made of it', () => {
    const one = settled({ a: 1 });
    expect([isSettled(one), isSettled({ ...one }), isSettled(null)]).toEqual([true, false, false]);
    expect(Object.keys(one)).toEqual(['a']);
  });
});
