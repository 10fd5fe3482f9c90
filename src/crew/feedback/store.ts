import { z } from 'zod';
import type { Database } from '../../infra/duckdb/database.ts';
import type { Clock } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import { InvalidInput, NotFound } from '../../kit/errors.ts';
import { microseconds, msOf, whereClause } from '../ops-values.ts';

/** What a person said of an agent's answer. Times are UTC ms. */
export interface Feedback {
  readonly id: string;
  readonly crew: string;
  readonly task: string;
  readonly agent: string;
  readonly text: string;
  readonly run_id: string | null;
  readonly given_by: string;
  readonly given_at: number;
}

export interface FeedbackQuery {
  readonly crew?: string | undefined;
  readonly task?: string | undefined;
  readonly agent?: string | undefined;
}

/** Where agents are told what people said of their earlier answers. */
export interface FeedbackSource {
  /** Of an agent in a crew, oldest first: the newest that fit into a prompt. */
  lessons(crew: string, agent: string): Promise<readonly Pick<Feedback, 'task' | 'text'>[]>;
}

/** Feedback in the ops database (`crew_feedback`). It is not pruned: only a person takes it back. */
export interface FeedbackStore extends FeedbackSource {
  /** Throws InvalidInput for an empty text or one of more than 2,000 characters. */
  add(given: Omit<Feedback, 'id' | 'given_at'>): Promise<Feedback>;
  /** Newest first. */
  list(query?: FeedbackQuery): Promise<readonly Feedback[]>;
  /** Takes one back. Throws NotFound. */
  forget(id: string): Promise<Feedback>;
}

const TABLE = `CREATE TABLE IF NOT EXISTS crew_feedback (
  id VARCHAR NOT NULL, crew VARCHAR NOT NULL, task VARCHAR NOT NULL, agent VARCHAR NOT NULL, text VARCHAR NOT NULL,
  run_id VARCHAR, given_by VARCHAR NOT NULL, given_at TIMESTAMP NOT NULL)`;

const row = z.object({
  id: z.string(),
  crew: z.string(),
  task: z.string(),
  agent: z.string(),
  text: z.string(),
  run_id: z.string().nullable(),
  given_by: z.string(),
  given_at: msOf,
});

const LONGEST = 2000;
/** In a prompt. */
const MOST_LESSONS = 20;
const MOST_CHARACTERS = 6000;

/** Creates the table when missing. */
export async function openFeedback(options: {
  readonly db: Database;
  readonly clock: Clock;
  readonly newId: (prefix: string) => string;
  readonly events?: EventSink | undefined;
}): Promise<FeedbackStore> {
  const { db, clock, newId, events } = options;
  if (!db.readOnly) await db.run(TABLE);
  const list: FeedbackStore['list'] = async ({ crew, task, agent } = {}) => {
    const { sql, params } = whereClause([
      ['crew = ?', crew],
      ['task = ?', task],
      ['agent = ?', agent],
    ]);
    return z
      .array(row)
      .parse(await db.all(`SELECT * FROM crew_feedback ${sql} ORDER BY given_at DESC, id DESC`, params));
  };
  return {
    list,
    async add(given) {
      const text = given.text.trim();
      if (text === '' || text.length > LONGEST)
        throw new InvalidInput(`feedback has 1 to ${LONGEST} characters, not ${text.length}`);
      const feedback = { ...given, text, id: newId('fb'), given_at: clock.now() };
      const { id, crew, task, agent, run_id, given_by, given_at } = feedback;
      await db.run('INSERT INTO crew_feedback VALUES (?, ?, ?, ?, ?, ?, ?, make_timestamp(CAST(? AS BIGINT)))', [
        id,
        crew,
        task,
        agent,
        text,
        run_id,
        given_by,
        microseconds(given_at),
      ]);
      events?.emit('feedback.kept', { feedback_id: id, crew, task_id: task, agent_id: agent, by: given_by });
      return feedback;
    },
    async forget(id) {
      const found = (await list()).find((one) => one.id === id);
      if (found === undefined) throw new NotFound(`there is no feedback '${id}'`);
      await db.run('DELETE FROM crew_feedback WHERE id = ?', [id]);
      const { crew, task, agent } = found;
      events?.emit('feedback.forgotten', { feedback_id: id, crew, task_id: task, agent_id: agent });
      return found;
    },
    async lessons(crew, agent) {
      const kept: Feedback[] = [];
      let characters = 0;
      for (const one of await list({ crew, agent })) {
        characters += one.text.length;
        if (kept.length >= MOST_LESSONS || characters > MOST_CHARACTERS) break;
        kept.push(one);
      }
      return kept.reverse().map(({ task, text }) => ({ task, text }));
    },
  };
}
