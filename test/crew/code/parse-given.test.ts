import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parserOfGiven } from '../../../src/crew/code/parse-given.ts';
import { agentSchema, taskSchema } from '../../../src/crew/config/crew-schemas.ts';
import { toAgent, toTask } from '../../../src/crew/config/specs.ts';

const same = (name: string): string => name;
const AGENT = { role: ' Clerk ', goal: 'Look', backstory: 'You look.' };
const TASK = { description: 'Look.', expected_output: 'A word.' };

describe('parserOfGiven', () => {
  test('gives agents and tasks what the whole schema gives', () => {
    const parseAgent = parserOfGiven(agentSchema);
    const parseTask = parserOfGiven(taskSchema);
    for (const given of [AGENT, { ...AGENT, max_iter: 3, skills: null, tools: ['a', 'a'] }]) {
      const parsed = parseAgent(given);
      expect(parsed.success && toAgent('a', parsed.data, same)).toEqual(toAgent('a', agentSchema.parse(given), same));
    }
    for (const given of [TASK, { ...TASK, guardrail: 'short', trigger: { every: '5m' }, context: ['b'] }]) {
      const parsed = parseTask(given);
      expect(parsed.success && toTask('t', parsed.data, same)).toEqual(toTask('t', taskSchema.parse(given), same));
    }
  });

  test('a spec has every field of its schema, and no other', () => {
    const known = (schema: z.ZodObject, ...without: string[]): string[] =>
      ['id', ...Object.keys(schema.shape).filter((name) => !without.includes(name))].sort();
    expect(Object.keys(toAgent('a', agentSchema.parse(AGENT), same)).sort()).toEqual(known(agentSchema));
    expect(Object.keys(toTask('t', taskSchema.parse(TASK), same)).sort()).toEqual(known(taskSchema, 'guardrail'));
  });

  test('says all that is wrong, as the whole schema does', () => {
    const parse = parserOfGiven(agentSchema);
    for (const given of [{ role: 'Clerk' }, { ...AGENT, max_iter: 0, goals: 'Look' }, { ...AGENT, __proto__x: 1 }]) {
      const parsed = parse({ ...given, llm: undefined });
      expect(parsed.success).toBe(false);
      expect(!parsed.success && parsed.error.issues).toEqual(agentSchema.safeParse(given).error?.issues);
      expect(!parsed.success && parsed.given).toEqual(given);
    }
  });

  test('shares no list that one definition could change for another', () => {
    const parsed = parserOfGiven(agentSchema)(AGENT);
    expect(parsed.success && Object.isFrozen(parsed.data.tools)).toBe(true);
  });

  test('takes no schema with a rule over several fields', () => {
    const schema = z.strictObject({ a: z.number().default(1) }).refine(({ a }) => a > 0) as unknown as z.ZodObject;
    expect(() => parserOfGiven(schema)({})).toThrow(TypeError);
  });
});
