import { expect, test } from 'vitest';
import { defineFlow } from '../../../src/crew/flow/define.ts';
import { flowDesk } from './desk.ts';

test.each(['data', 'fired', 'come', 'runs', 'outputs', 'last', 'outside', 'queue'])(
  'a method may be called %s, as a part of the state is',
  async (name) => {
    const flow = defineFlow({
      id: 'toy_flow',
      methods: {
        first: { start: true, run: () => 1 },
        [name]: { on: 'first', run: ({ input }) => Number(input) + 1 },
        end: { on: name, run: ({ input }) => Number(input) + 1 },
      },
    });
    const { flows } = flowDesk([flow]);
    const run = await flows.kickoff('toy_flow', {});
    expect(run).toMatchObject({ status: 'completed', output: 3, error: null });
  },
);
