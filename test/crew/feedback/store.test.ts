import { describe, expect, it } from 'vitest';
import { defineAgent, defineCrew, defineTask } from '../../../src/crew/index.ts';
import { openFeedback } from '../../../src/crew/feedback/store.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import { MemoryEvents, ScriptedModel } from '../../../src/testing/index.ts';

async function open() {
  const clock = new ManualClock();
  let n = 0;
  const db = await Database.open({ path: ':memory:' });
  const events = new MemoryEvents();
  return { clock, events, store: await openFeedback({ db, clock, events, newId: (prefix) => `${prefix}_${++n}` }) };
}

const said = {
  crew: 'desk',
  task: 'report',
  agent: 'writer',
  text: 'half as long',
  run_id: 'run_1',
  given_by: 'alice',
};

describe('feedback', () => {
  it('is kept, listed newest first, and taken back', async () => {
    const { clock, events, store } = await open();
    const first = await store.add(said);
    await clock.advance(1000);
    await store.add({ ...said, task: 'look', text: '  name the source ' });
    expect((await store.list({ crew: 'desk' })).map((f) => [f.id, f.task, f.text])).toEqual([
      ['fb_2', 'look', 'name the source'],
      ['fb_1', 'report', 'half as long'],
    ]);
    expect(await store.list({ agent: 'nobody' })).toEqual([]);
    expect(await store.forget('fb_1')).toEqual(first);
    const place = { crew: 'desk', task_id: 'report', agent_id: 'writer' };
    expect(events.of('feedback.kept')[0]).toEqual({ feedback_id: 'fb_1', ...place, by: 'alice' });
    expect(events.of('feedback.forgotten')).toEqual([{ feedback_id: 'fb_1', ...place }]);
    await expect(store.forget('fb_1')).rejects.toBeInstanceOf(NotFound);
    await expect(store.add({ ...said, text: ' ' })).rejects.toBeInstanceOf(InvalidInput);
    await expect(store.add({ ...said, text: 'x'.repeat(2001) })).rejects.toBeInstanceOf(InvalidInput);
  });

  it('gives a prompt the newest that fit, oldest first', async () => {
    const { clock, store } = await open();
    for (let n = 1; n <= 25; n++) {
      await store.add({ ...said, text: `lesson ${n}` });
      await clock.advance(1);
    }
    const lessons = await store.lessons('desk', 'writer');
    expect(lessons).toHaveLength(20);
    expect([lessons[0]?.text, lessons.at(-1)?.text]).toEqual(['lesson 6', 'lesson 25']);
    for (let n = 0; n < 4; n++) await store.add({ ...said, agent: 'other', text: `${n}${'x'.repeat(1998)}` });
    expect(await store.lessons('desk', 'other')).toHaveLength(3);
  });

  it('is in later prompts of that agent, and of no other', async () => {
    const { store } = await open();
    await store.add(said);
    await store.add({ ...said, task: 'look', text: 'name the source' });
    const model = new ScriptedModel([
      {
        expect: (messages) => {
          expect(messages.at(-1)?.text).not.toContain('earlier answers');
        },
        text: 'seen',
      },
      {
        expect: (messages) => {
          expect(messages.at(-1)?.text).toContain(
            '# What people said of your earlier answers: keep to it\n- half as long\n- (on look) name the source',
          );
        },
        text: 'short',
      },
    ]);
    const prose = { role: 'r', goal: 'g', backstory: 'b' };
    const looker = defineAgent({ id: 'looker', ...prose });
    const writer = defineAgent({ id: 'writer', ...prose });
    const texts = { description: 'Do it.', expected_output: 'Text.', max_retries: 0 };
    const look = defineTask({ id: 'look', agent: looker, ...texts });
    const report = defineTask({ id: 'report', agent: writer, context: [look], ...texts });
    const desk = defineCrew({ id: 'desk', tasks: [look, report], llm: model.named('m') }).on({ feedback: store });
    expect((await desk.kickoff()).status).toBe('completed');
    model.assertUsed();
  });
});
