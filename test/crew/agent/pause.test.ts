import { Annotation, Command, END, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import { expect, test } from 'vitest';
import { type PausePart, pauseForParts } from '../../../src/crew/agent/pause.ts';

const part = (name: string): PausePart => ({
  kind: 'approval',
  part: name,
  task: 'a',
  agent: 'ana',
  tool: name,
  args: {},
  approval_id: name,
});

async function resumed(value: unknown): Promise<unknown> {
  const graph = new StateGraph(Annotation.Root({ given: Annotation<unknown> }))
    .addNode('wait', () => ({ given: pauseForParts([part('one'), part('two')]) }))
    .addEdge(START, 'wait')
    .addEdge('wait', END)
    .compile({ checkpointer: new MemorySaver() });
  const thread = { configurable: { thread_id: 't' } };
  expect(await graph.invoke({}, thread)).toMatchObject({
    __interrupt__: [{ value: { kind: 'several', pauses: [{ part: 'one' }, { part: 'two' }] } }],
  });
  return (await graph.invoke(new Command({ resume: value }), thread)).given;
}

test('a step that waits for several things gets what there is, by part', async () => {
  expect(await resumed({ parts: { two: true } })).toEqual({ two: true });
});

test('what a run waited for alone before is the answer to the first', async () => {
  expect(await resumed({ answered: 7 })).toEqual({ one: { answered: 7 } });
  expect(await resumed(true)).toEqual({ one: true });
});
