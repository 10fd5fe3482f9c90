import { z } from 'zod';
import type { Clock, Ms } from '../../kit/clock.ts';
import { Conflict, InvalidInput, NotFound } from '../../kit/errors.ts';
import type { ProposalLog } from '../../kit/invoke.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import { jsonText, jsonValue, microseconds, msOf, whereClause } from '../ops-values.ts';

/** An action that an agent would have taken. Times are UTC ms. */
export interface ProposedAction {
  readonly id: string;
  readonly time: Ms;
  readonly run_id: string | null;
  readonly task_id: string | null;
  /** The agent's id; of any other caller, its caller id. */
  readonly agent: string;
  readonly tool: string;
  readonly args: unknown;
  readonly reason: string | null;
  readonly would_change: unknown;
  readonly scored_at: Ms | null;
  /** 0 (was wrong or needless) to 1 (was right); null: not scored yet. */
  readonly score: number | null;
  /** What came after, in the scorer's words and figures. */
  readonly outcome: unknown;
}

export interface ProposalQuery {
  readonly runId?: string | undefined;
  readonly agent?: string | undefined;
  readonly tool?: string | undefined;
  /** True: only scored ones; false: only those that wait for a score. */
  readonly scored?: boolean | undefined;
  readonly since?: Ms | undefined;
  readonly limit?: number | undefined;
}

/** Proposals of one tool, summed up. */
export interface ProposalSummary {
  readonly agent: string;
  readonly tool: string;
  readonly proposed: number;
  readonly scored: number;
  /** Mean score of the scored; null when none is. */
  readonly mean_score: number | null;
  readonly last_time: Ms;
}

/** What a scorer says of one proposal; null: too early to tell. */
export type ProposalScorer = (
  proposal: ProposedAction,
) => Promise<{ readonly score: number; readonly outcome: Readonly<Record<string, unknown>> } | null>;

/** Proposals in the ops database (`proposed_actions`). */
export interface StoredProposals extends ProposalLog {
  /** Newest first. */
  list(query?: ProposalQuery): Promise<readonly ProposedAction[]>;
  /** By agent and tool. */
  summary(query?: Pick<ProposalQuery, 'runId' | 'since'>): Promise<readonly ProposalSummary[]>;
  /** Scores once. Throws NotFound, Conflict when scored already, InvalidInput for a score outside 0–1. */
  score(id: string, score: number, outcome: Readonly<Record<string, unknown>>): Promise<void>;
  /** Asks the scorer about every proposal without a score; gives how many got one. */
  scoreOpen(scorer: ProposalScorer, query?: Pick<ProposalQuery, 'runId' | 'since' | 'limit'>): Promise<number>;
}

const TABLE = `CREATE TABLE IF NOT EXISTS proposed_actions (
  id VARCHAR NOT NULL, time TIMESTAMP NOT NULL, run_id VARCHAR, task_id VARCHAR, agent VARCHAR NOT NULL,
  tool VARCHAR NOT NULL, args VARCHAR, reason VARCHAR, would_change VARCHAR, scored_at TIMESTAMP, score DOUBLE,
  outcome VARCHAR)`;

const rowSchema = z.object({
  id: z.string(),
  time: msOf,
  run_id: z.string().nullable(),
  task_id: z.string().nullable(),
  agent: z.string(),
  tool: z.string(),
  args: jsonValue,
  reason: z.string().nullable(),
  would_change: jsonValue,
  scored_at: msOf.nullable(),
  score: z.number().nullable(),
  outcome: jsonValue,
});
const summarySchema = z.object({
  agent: z.string(),
  tool: z.string(),
  proposed: z.number(),
  scored: z.number(),
  mean_score: z.number().nullable(),
  last_time: msOf,
});

/** Creates the table when missing. A proposal is durable when `record` resolves. */
export async function openProposals(options: {
  readonly db: Database;
  readonly clock: Clock;
}): Promise<StoredProposals> {
  const { db, clock } = options;
  if (!db.readOnly) await db.run(TABLE);
  const list = async (query: ProposalQuery = {}): Promise<readonly ProposedAction[]> => {
    const { sql, params } = conditions(query);
    const rows = await db.all(`SELECT * FROM proposed_actions ${sql} ORDER BY time DESC, id DESC LIMIT ?`, [
      ...params,
      query.limit ?? 1000,
    ]);
    return rows.map((row) => rowSchema.parse(row));
  };
  const score: StoredProposals['score'] = async (id, value, outcome) => {
    if (!(value >= 0 && value <= 1)) throw new InvalidInput(`a score is from 0 to 1, not ${value}`);
    const { rows } = await db.run(
      'UPDATE proposed_actions SET scored_at = make_timestamp(?::BIGINT), score = ?, outcome = ? WHERE id = ? AND scored_at IS NULL RETURNING id',
      [microseconds(clock.now()), value, jsonText(outcome), id],
    );
    if (rows.length > 0) return;
    const [known] = await db.all('SELECT id FROM proposed_actions WHERE id = ?', [id]);
    if (known === undefined) throw new NotFound(`there is no proposal '${id}'`);
    throw new Conflict(`proposal ${id} has its score already`);
  };
  return {
    async record({ id, call, args, wouldChange }) {
      await db.run(
        `INSERT INTO proposed_actions VALUES (?, make_timestamp(?::BIGINT), ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)`,
        [
          id,
          microseconds(clock.now()),
          call.runId,
          call.taskId,
          call.caller.agentId ?? call.caller.id,
          call.tool,
          jsonText(args),
          call.reason,
          jsonText(wouldChange),
        ],
      );
    },
    list,
    async summary(query = {}) {
      const { sql, params } = conditions(query);
      const rows = await db.all(
        `SELECT agent, tool, count(*) AS proposed, count(score) AS scored, avg(score) AS mean_score, max(time) AS last_time
         FROM proposed_actions ${sql} GROUP BY agent, tool ORDER BY agent, tool`,
        params,
      );
      return rows.map((row) => summarySchema.parse(row));
    },
    score,
    async scoreOpen(scorer, query = {}) {
      let scored = 0;
      for (const proposal of await list({ ...query, scored: false })) {
        const verdict = await scorer(proposal);
        if (verdict === null) continue;
        await score(proposal.id, verdict.score, verdict.outcome);
        scored++;
      }
      return scored;
    },
  };
}

function conditions(query: ProposalQuery): ReturnType<typeof whereClause> {
  return whereClause([
    ['run_id = ?', query.runId],
    ['agent = ?', query.agent],
    ['tool = ?', query.tool],
    ['(scored_at IS NOT NULL) = ?::BOOLEAN', query.scored === undefined ? undefined : String(query.scored)],
    ['time >= make_timestamp(?::BIGINT)', microseconds(query.since)],
  ]);
}
