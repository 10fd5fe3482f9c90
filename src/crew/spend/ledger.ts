import { z } from 'zod';
import type { Database, SqlRow } from '../../infra/duckdb/database.ts';
import { microseconds, msOf, whereClause } from '../ops-values.ts';
import type { BudgetDecision, CallLedger, CallQuery, ModelCall, UsageGroup, UsageRow } from './call.ts';

const TABLES = [
  `CREATE TABLE IF NOT EXISTS model_calls (
    call_id VARCHAR PRIMARY KEY, run_id VARCHAR NOT NULL, crew VARCHAR NOT NULL, task_id VARCHAR NOT NULL,
    agent_id VARCHAR NOT NULL, purpose VARCHAR, tool VARCHAR, model VARCHAR NOT NULL, provider VARCHAR,
    attempt INTEGER NOT NULL, state VARCHAR NOT NULL, began_at TIMESTAMP NOT NULL, latency_ms DOUBLE,
    input_tokens BIGINT, output_tokens BIGINT, cached_tokens BIGINT, cache_write_tokens BIGINT,
    reasoning_tokens BIGINT, cost_usd DOUBLE, most_usd DOUBLE, most_tokens BIGINT NOT NULL,
    price_source VARCHAR, price_as_of VARCHAR, error VARCHAR)`,
  `CREATE TABLE IF NOT EXISTS budget_decisions (
    pause_id VARCHAR PRIMARY KEY, run_id VARCHAR NOT NULL, budget VARCHAR NOT NULL, accepted BOOLEAN NOT NULL,
    usd DOUBLE NOT NULL, tokens DOUBLE NOT NULL, calls DOUBLE NOT NULL, decided_at TIMESTAMP NOT NULL)`,
];

const GROUPS: Readonly<Record<UsageGroup, string>> = {
  run: 'run_id',
  crew: 'crew',
  task: 'task_id',
  agent: 'agent_id',
  tool: 'tool',
  model: 'model',
  purpose: 'purpose',
  day: "strftime(began_at, '%Y-%m-%d')",
};

/**
 * The account in the ops database (`model_calls`), which it creates when missing. A call of a process that died stays
 * `open`: nobody knows what it cost, and budgets count the most that it can have cost.
 */
export async function openCallLedger(db: Database): Promise<CallLedger> {
  if (!db.readOnly) await db.transaction(TABLES.map((sql) => ({ sql })));
  return new StoredLedger(db);
}

class StoredLedger implements CallLedger {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async begin(call: ModelCall): Promise<void> {
    await this.#db.run(
      `INSERT INTO model_calls (call_id, run_id, crew, task_id, agent_id, purpose, tool, model, provider, attempt, state,
         began_at, most_usd, most_tokens, price_source, price_as_of)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, make_timestamp(?::BIGINT), ?, ?, ?, ?)`,
      [
        call.call_id,
        call.run_id,
        call.crew,
        call.task_id,
        call.agent_id,
        call.purpose,
        call.tool,
        call.model,
        call.provider,
        call.attempt,
        call.state,
        microseconds(call.began_at),
        call.most_usd,
        call.most_tokens,
        call.price_source,
        call.price_as_of,
      ],
    );
  }

  async end(callId: string, end: Parameters<CallLedger['end']>[1]): Promise<void> {
    const { state, latency_ms, tokens, cost_usd, error } = end;
    await this.#db.run(
      `UPDATE model_calls SET state = ?, latency_ms = ?, input_tokens = ?, output_tokens = ?, cached_tokens = ?,
         cache_write_tokens = ?, reasoning_tokens = ?, cost_usd = ?, error = ? WHERE call_id = ?`,
      [
        state,
        latency_ms,
        tokens?.input_tokens ?? null,
        tokens?.output_tokens ?? null,
        tokens?.cached_tokens ?? null,
        tokens?.cache_write_tokens ?? null,
        tokens?.reasoning_tokens ?? null,
        cost_usd,
        error,
        callId,
      ],
    );
  }

  async spent(query: CallQuery): Promise<{ readonly usd: number; readonly tokens: number; readonly calls: number }> {
    const { sql, params } = filter(query);
    const [row] = await this.#db.all(
      `SELECT coalesce(sum(coalesce(cost_usd, most_usd, 0)), 0)::DOUBLE AS usd,
         coalesce(sum(CASE WHEN input_tokens IS NOT NULL THEN input_tokens + output_tokens
           WHEN state = 'refused' THEN 0 ELSE most_tokens END), 0)::DOUBLE AS tokens, count(*)::DOUBLE AS calls
       FROM model_calls ${sql}`,
      params,
    );
    return spentSchema.parse(row);
  }

  async usage(by: UsageGroup, query: CallQuery = {}): Promise<readonly UsageRow[]> {
    const { sql, params } = filter(query);
    const sum = (column: string): string => `coalesce(sum(${column}), 0)::DOUBLE AS ${column}`;
    const rows = await this.#db.all(
      `SELECT ${GROUPS[by]} AS key, count(*)::DOUBLE AS calls,
         count(*) FILTER (state <> 'answered')::DOUBLE AS failed_calls, ${sum('input_tokens')}, ${sum('output_tokens')},
         ${sum('cached_tokens')}, ${sum('reasoning_tokens')}, ${sum('cost_usd')},
         count(*) FILTER (cost_usd IS NULL)::DOUBLE AS unknown_calls
       FROM model_calls ${sql} GROUP BY 1 ORDER BY ${by === 'day' ? 'key' : 'cost_usd DESC, input_tokens DESC, key'}`,
      params,
    );
    return rows.map((row) => usageSchema.parse(row));
  }

  async calls(query: CallQuery & { readonly limit?: number | undefined } = {}): Promise<readonly ModelCall[]> {
    const { sql, params } = filter(query);
    const rows = await this.#db.all(`SELECT * FROM model_calls ${sql} ORDER BY began_at DESC, call_id DESC LIMIT ?`, [
      ...params,
      query.limit ?? 100,
    ]);
    return rows.map(readCall);
  }

  async decide({ pause_id, run_id, budget, accepted, more, decided_at }: BudgetDecision): Promise<void> {
    await this.#db.run(
      'INSERT OR IGNORE INTO budget_decisions VALUES (?, ?, ?, ?, ?, ?, ?, make_timestamp(?::BIGINT))',
      [pause_id, run_id, budget, accepted, more.usd, more.tokens, more.calls, microseconds(decided_at)],
    );
  }

  async decisions(runId: string): Promise<readonly BudgetDecision[]> {
    const rows = await this.#db.all('SELECT * FROM budget_decisions WHERE run_id = ?', [runId]);
    return rows.map((row) => {
      const { usd, tokens, calls, ...decision } = decisionSchema.parse(row);
      return { ...decision, more: { usd, tokens, calls } };
    });
  }

  async prune(before: number): Promise<number> {
    const params = [microseconds(before)];
    const [calls] = await this.#db.transaction([
      { sql: 'DELETE FROM model_calls WHERE began_at < make_timestamp(?::BIGINT)', params },
      { sql: 'DELETE FROM budget_decisions WHERE decided_at < make_timestamp(?::BIGINT)', params },
    ]);
    return calls?.changed ?? 0;
  }
}

function filter(query: CallQuery): ReturnType<typeof whereClause> {
  return whereClause([
    ['run_id = ?', query.run],
    ['crew = ?', query.crew],
    ['task_id = ?', query.task],
    ['agent_id = ?', query.agent],
    ['tool = ?', query.tool],
    ['model = ?', query.model],
    ['began_at >= make_timestamp(?::BIGINT)', microseconds(query.since)],
    ['began_at < make_timestamp(?::BIGINT)', microseconds(query.until)],
  ]);
}

const number = z.coerce.number();
const orNull = number.nullable();
const text = z.string().nullable();
const spentSchema = z.object({ usd: number, tokens: number, calls: number });
const usageSchema = z.object({
  key: text,
  calls: number,
  failed_calls: number,
  input_tokens: number,
  output_tokens: number,
  cached_tokens: number,
  reasoning_tokens: number,
  cost_usd: number,
  unknown_calls: number,
});
const decisionSchema = spentSchema.extend({
  pause_id: z.string(),
  run_id: z.string(),
  budget: z.string(),
  accepted: z.boolean(),
  decided_at: msOf,
});
const callSchema = z.object({
  call_id: z.string(),
  run_id: z.string(),
  crew: z.string(),
  task_id: z.string(),
  agent_id: z.string(),
  purpose: text,
  tool: text,
  model: z.string(),
  provider: text,
  attempt: number,
  state: z.enum(['open', 'answered', 'refused', 'failed']),
  began_at: msOf,
  latency_ms: orNull,
  input_tokens: orNull,
  output_tokens: orNull,
  cached_tokens: orNull,
  cache_write_tokens: orNull,
  reasoning_tokens: orNull,
  cost_usd: orNull,
  most_usd: orNull,
  most_tokens: number,
  price_source: text,
  price_as_of: text,
  error: text,
});

function readCall(row: SqlRow): ModelCall {
  const { input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, ...call } =
    callSchema.parse(row);
  const tokens =
    input_tokens === null
      ? null
      : {
          input_tokens,
          output_tokens: output_tokens ?? 0,
          cached_tokens: cached_tokens ?? 0,
          cache_write_tokens: cache_write_tokens ?? 0,
          reasoning_tokens: reasoning_tokens ?? 0,
        };
  return { ...call, tokens };
}
