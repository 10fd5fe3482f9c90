import { z } from 'zod';
import type { Ms } from '../../kit/clock.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import type { StickyTerms } from './standing.ts';
import { jsonText, jsonValue, microseconds, msOf, whereClause } from '../ops-values.ts';

export const APPROVAL_STATES = ['pending', 'approved', 'rejected', 'expired', 'used'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** One person's yes. Equal terms are needed of all who must agree. */
export interface ApprovalAnswer {
  readonly by: string;
  readonly at: Ms;
  readonly note: string | null;
  readonly edited_args: unknown;
  readonly sticky: StickyTerms | null;
}

/** A request to a person: may this caller run this tool with exactly these arguments, once? Times are UTC ms. */
export interface ApprovalRequest {
  readonly id: string;
  readonly requested_at: Ms;
  /** Pending: refused after this. Approved: must be used before this. Rejected: may be asked again after this. */
  readonly expires_at: Ms;
  readonly state: ApprovalState;
  readonly caller: string;
  readonly agent_id: string | null;
  readonly tool: string;
  readonly args: unknown;
  readonly args_hash: string;
  /** Why approval is needed. */
  readonly policy: string;
  /** Why the caller wants it. */
  readonly reason: string | null;
  readonly run_id: string | null;
  readonly task_id: string | null;
  readonly decided_at: Ms | null;
  readonly decided_by: string | null;
  readonly note: string | null;
  /** When the call that was approved ran. */
  readonly used_at: Ms | null;
  /** Different people who must agree. */
  readonly needed: number;
  /** Roles of people who may answer; empty: anybody. */
  readonly approvers: readonly string[];
  /** Who agreed so far, and to what. */
  readonly answers: readonly ApprovalAnswer[];
  /** When more people than at first were let in, because nobody had answered. */
  readonly escalated_at: Ms | null;
  /** What a person put in the place of the arguments; null: they stay. */
  readonly edited_args: unknown;
  /** The intent (run and place in it) that used it: the same one may come again, since its effect happens once. */
  readonly used_intent: string | null;
}

const TABLE = `CREATE TABLE IF NOT EXISTS approvals (
  id VARCHAR NOT NULL, requested_at TIMESTAMP NOT NULL, expires_at TIMESTAMP NOT NULL, state VARCHAR NOT NULL,
  caller VARCHAR NOT NULL, agent_id VARCHAR, tool VARCHAR NOT NULL, args VARCHAR, args_hash VARCHAR NOT NULL,
  policy VARCHAR NOT NULL, reason VARCHAR, run_id VARCHAR, task_id VARCHAR, decided_at TIMESTAMP, decided_by VARCHAR,
  note VARCHAR, used_at TIMESTAMP, used_intent VARCHAR, terms VARCHAR)`;
/** Files of before have no terms: one person, anybody. */
const MIGRATION = 'ALTER TABLE approvals ADD COLUMN IF NOT EXISTS terms VARCHAR';

const rowSchema = z.object({
  id: z.string(),
  requested_at: msOf,
  expires_at: msOf,
  state: z.enum(APPROVAL_STATES),
  caller: z.string(),
  agent_id: z.string().nullable(),
  tool: z.string(),
  args: jsonValue,
  args_hash: z.string(),
  policy: z.string(),
  reason: z.string().nullable(),
  run_id: z.string().nullable(),
  task_id: z.string().nullable(),
  decided_at: msOf.nullable(),
  decided_by: z.string().nullable(),
  note: z.string().nullable(),
  used_at: msOf.nullable(),
  used_intent: z.string().nullable(),
  terms: jsonValue,
});

/** What is in the column `terms`: written by `termsOf` alone, so its shape is theirs. */
type Terms = Pick<ApprovalRequest, 'needed' | 'approvers' | 'answers' | 'escalated_at' | 'edited_args'>;
const NO_TERMS: Terms = { needed: 1, approvers: [], answers: [], escalated_at: null, edited_args: null };

function termsOf({ needed, approvers, answers, escalated_at, edited_args }: Terms): string {
  return JSON.stringify({ needed, approvers, answers, escalated_at, edited_args });
}

function asRequest(row: unknown): ApprovalRequest {
  const { terms, ...request } = rowSchema.parse(row);
  return { ...request, ...NO_TERMS, ...(terms as Partial<Terms> | null) };
}

/** The table `approvals`. Every change of state names the state it starts from, so that none happens twice. */
export class ApprovalStore {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  static async open(db: Database): Promise<ApprovalStore> {
    if (!db.readOnly) for (const sql of [TABLE, MIGRATION]) await db.run(sql);
    return new ApprovalStore(db);
  }

  async insert(r: ApprovalRequest): Promise<void> {
    const at = 'make_timestamp(?::BIGINT)';
    await this.#db.run(
      `INSERT INTO approvals VALUES (?, ${at}, ${at}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, NULL, ?)`,
      [
        r.id,
        microseconds(r.requested_at),
        microseconds(r.expires_at),
        r.state,
        r.caller,
        r.agent_id,
        r.tool,
        jsonText(r.args),
        r.args_hash,
        r.policy,
        r.reason,
        r.run_id,
        r.task_id,
        termsOf(r),
      ],
    );
  }

  /** Newest first. */
  async select(query: {
    readonly id?: string | undefined;
    readonly state?: ApprovalState | undefined;
    readonly caller?: string | undefined;
    readonly tool?: string | undefined;
    readonly limit?: number | undefined;
  }): Promise<readonly ApprovalRequest[]> {
    const { sql, params } = whereClause([
      ['id = ?', query.id],
      ['state = ?', query.state],
      ['caller = ?', query.caller],
      ['tool = ?', query.tool],
    ]);
    const rows = await this.#db.all(`SELECT * FROM approvals ${sql} ORDER BY requested_at DESC, id DESC LIMIT ?`, [
      ...params,
      query.limit ?? 100,
    ]);
    return rows.map(asRequest);
  }

  /** Takes an approval that nobody has used yet and that has not expired; undefined when there is none. */
  async use(id: string, at: Ms, intent: string | null): Promise<ApprovalRequest | undefined> {
    const { rows } = await this.#db.run(
      `UPDATE approvals SET state = 'used', used_at = make_timestamp(?::BIGINT), used_intent = ?
       WHERE id = ? AND state = 'approved' AND expires_at > make_timestamp(?::BIGINT) RETURNING *`,
      [microseconds(at), intent, id, microseconds(at)],
    );
    const [row] = rows;
    return row === undefined ? undefined : asRequest(row);
  }

  /** Writes what was agreed on, of a request that is still pending; undefined when it is not. */
  async keep(id: string, terms: Terms): Promise<ApprovalRequest | undefined> {
    const { rows } = await this.#db.run(
      "UPDATE approvals SET terms = ? WHERE id = ? AND state = 'pending' RETURNING *",
      [termsOf(terms), id],
    );
    const [row] = rows;
    return row === undefined ? undefined : asRequest(row);
  }

  /** Moves a request on; undefined when it was not in the state `from`. */
  async move(
    id: string,
    from: ApprovalState,
    to: {
      readonly state: ApprovalState;
      readonly at: Ms;
      readonly by: string;
      readonly note: string | null;
      readonly expiresAt: Ms;
    },
  ): Promise<ApprovalRequest | undefined> {
    const { rows } = await this.#db.run(
      `UPDATE approvals SET state = ?, decided_at = make_timestamp(?::BIGINT), decided_by = ?, note = ?,
       expires_at = make_timestamp(?::BIGINT) WHERE id = ? AND state = ? RETURNING *`,
      [to.state, microseconds(to.at), to.by, to.note, microseconds(to.expiresAt), id, from],
    );
    const [row] = rows;
    return row === undefined ? undefined : asRequest(row);
  }
}
