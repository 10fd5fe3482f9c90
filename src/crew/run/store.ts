import { z } from 'zod';
import type { Database, SqlRow } from '../../infra/duckdb/database.ts';
import type { TaskOutput } from '../agent/output.ts';
import type { CrewStructure } from '../graph/structure.ts';
import type { RunSeed } from './seed.ts';
import type { RunDocument, RunPause, RunStatus } from './document.ts';

/** One row of the table `runs`. Times are UTC ms. */
export interface RunRow {
  readonly run_id: string;
  readonly crew: string;
  readonly shadow: boolean;
  readonly status: RunStatus;
  readonly trigger: string;
  readonly model: string | null;
  /** Hash of the graph the run was started on. */
  readonly structure_hash: string;
  /** What it was made of; null: the run is older than the record of it. */
  readonly structure: CrewStructure | null;
  /** What a migration left it to begin with; null: nothing. */
  readonly seed: RunSeed | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Null: all tasks of the crew. */
  readonly only_tasks: readonly string[] | null;
  readonly started_at: number;
  readonly finished_at: number | null;
  readonly error: string | null;
  readonly waiting_for: readonly RunPause[];
  readonly document: RunDocument | null;
}

export interface RunQuery {
  readonly crew?: string | undefined;
  readonly status?: readonly RunStatus[] | undefined;
  /** Default 50. */
  readonly limit?: number | undefined;
}

/** Where runs are kept. */
export interface RunStore {
  insert(row: RunRow): Promise<void>;
  update(runId: string, changes: Partial<Omit<RunRow, 'run_id'>>): Promise<void>;
  get(runId: string): Promise<RunRow | null>;
  /** Newest first. */
  list(query?: RunQuery): Promise<readonly RunRow[]>;
  taskStarted(runId: string, taskId: string, agent: string, time: number): Promise<void>;
  taskEnded(runId: string, output: TaskOutput): Promise<void>;
  /** It gave no output: its step threw, it waits for a person, or its run was stopped before it ended. */
  taskStopped(runId: string, taskId: string, stopped: StoppedTask): Promise<void>;
}

/** How a task left off that gave no output; `not_run`: whoever goes on with the run does it again. */
export interface StoppedTask {
  readonly status: 'failed' | 'waiting' | 'not_run';
  readonly error: string | null;
  readonly time: number;
}

const TABLES = [
  `CREATE TABLE IF NOT EXISTS runs (
    run_id VARCHAR PRIMARY KEY, crew VARCHAR NOT NULL, mode VARCHAR NOT NULL, status VARCHAR NOT NULL,
    "trigger" VARCHAR NOT NULL, model VARCHAR, structure_hash VARCHAR NOT NULL, inputs VARCHAR NOT NULL,
    only_tasks VARCHAR, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, error VARCHAR,
    waiting_for VARCHAR NOT NULL, document VARCHAR)`,
  `CREATE TABLE IF NOT EXISTS run_tasks (
    run_id VARCHAR NOT NULL, task_id VARCHAR NOT NULL, agent VARCHAR NOT NULL, status VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, tool_calls INTEGER NOT NULL, executions INTEGER NOT NULL,
    output VARCHAR, error VARCHAR, PRIMARY KEY (run_id, task_id))`,
  'ALTER TABLE runs ADD COLUMN IF NOT EXISTS structure VARCHAR',
  'ALTER TABLE runs ADD COLUMN IF NOT EXISTS seed VARCHAR',
];

/** Keeps runs in the tables `runs` and `run_tasks` of the ops database, which it creates when they are missing. */
export async function createRunStore(database: Database): Promise<RunStore> {
  if (!database.readOnly) await database.transaction(TABLES.map((sql) => ({ sql })));
  return new DatabaseRunStore(database);
}

/** Columns as SQL and how a row's field becomes their parameter. */
const COLUMNS: {
  readonly [K in keyof RunRow]: readonly [column: string, slot: string, value: (row: RunRow) => string | number | null];
} = {
  run_id: ['run_id', '?', (r) => r.run_id],
  crew: ['crew', '?', (r) => r.crew],
  shadow: ['mode', '?', (r) => (r.shadow ? 'shadow' : 'active')],
  status: ['status', '?', (r) => r.status],
  trigger: ['"trigger"', '?', (r) => r.trigger],
  model: ['model', '?', (r) => r.model],
  structure_hash: ['structure_hash', '?', (r) => r.structure_hash],
  structure: ['structure', '?', (r) => (r.structure === null ? null : JSON.stringify(r.structure))],
  seed: ['seed', '?', (r) => (r.seed === null ? null : JSON.stringify(r.seed))],
  inputs: ['inputs', '?', (r) => JSON.stringify(r.inputs)],
  only_tasks: ['only_tasks', '?', (r) => (r.only_tasks === null ? null : JSON.stringify(r.only_tasks))],
  started_at: ['started_at', 'epoch_ms(CAST(? AS BIGINT))', (r) => r.started_at],
  finished_at: ['finished_at', 'epoch_ms(CAST(? AS BIGINT))', (r) => r.finished_at],
  error: ['error', '?', (r) => r.error],
  waiting_for: ['waiting_for', '?', (r) => JSON.stringify(r.waiting_for)],
  document: ['document', '?', (r) => (r.document === null ? null : JSON.stringify(r.document))],
};
const FIELDS = Object.keys(COLUMNS) as (keyof RunRow)[];

class DatabaseRunStore implements RunStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async insert(row: RunRow): Promise<void> {
    const columns = FIELDS.map((f) => COLUMNS[f][0]).join(', ');
    const slots = FIELDS.map((f) => COLUMNS[f][1]).join(', ');
    const values = FIELDS.map((f) => COLUMNS[f][2](row));
    await this.#database.run(`INSERT INTO runs (${columns}) VALUES (${slots})`, values);
  }

  async update(runId: string, changes: Partial<Omit<RunRow, 'run_id'>>): Promise<void> {
    const fields = FIELDS.filter((f) => f in changes);
    if (fields.length === 0) return;
    const row = { ...EMPTY, ...changes };
    const sets = fields.map((f) => `${COLUMNS[f][0]} = ${COLUMNS[f][1]}`).join(', ');
    await this.#database.run(`UPDATE runs SET ${sets} WHERE run_id = ?`, [
      ...fields.map((f) => COLUMNS[f][2](row)),
      runId,
    ]);
  }

  async get(runId: string): Promise<RunRow | null> {
    const rows = await this.#database.all('SELECT * FROM runs WHERE run_id = ?', [runId]);
    return rows[0] === undefined ? null : readRow(rows[0]);
  }

  async list(query: RunQuery = {}): Promise<readonly RunRow[]> {
    const where: string[] = [];
    const params: (string | number)[] = [];
    if (query.crew !== undefined) {
      where.push('crew = ?');
      params.push(query.crew);
    }
    if (query.status !== undefined) {
      where.push(`status IN (${query.status.map(() => '?').join(', ') || 'NULL'})`);
      params.push(...query.status);
    }
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const sql = `SELECT * FROM runs ${filter} ORDER BY started_at DESC, run_id DESC LIMIT ?`;
    return (await this.#database.all(sql, [...params, query.limit ?? 50])).map(readRow);
  }

  async taskStarted(runId: string, taskId: string, agent: string, time: number): Promise<void> {
    await this.#database.run(
      `INSERT INTO run_tasks (run_id, task_id, agent, status, started_at, tool_calls, executions)
       VALUES (?, ?, ?, 'running', epoch_ms(CAST(? AS BIGINT)), 0, 0)
       ON CONFLICT DO UPDATE SET status = 'running', agent = excluded.agent, finished_at = NULL`,
      [runId, taskId, agent, time],
    );
  }

  async taskStopped(runId: string, taskId: string, { status, error, time }: StoppedTask): Promise<void> {
    await this.#database.run(
      `UPDATE run_tasks SET status = ?, error = ?, finished_at = CASE WHEN ? = 'failed' THEN epoch_ms(CAST(? AS BIGINT)) END
       WHERE run_id = ? AND task_id = ?`,
      [status, error, status, time, runId, taskId],
    );
  }

  async taskEnded(runId: string, output: TaskOutput): Promise<void> {
    await this.#database.run(
      `UPDATE run_tasks SET status = ?, finished_at = epoch_ms(CAST(? AS BIGINT)), output = ?, error = ?,
       tool_calls = tool_calls + ?, executions = executions + 1 WHERE run_id = ? AND task_id = ?`,
      [
        output.status,
        output.finished_at,
        JSON.stringify(output.output),
        output.error,
        output.tool_calls.length,
        runId,
        output.task,
      ],
    );
  }
}

const EMPTY: RunRow = {
  run_id: '',
  crew: '',
  shadow: false,
  status: 'running',
  trigger: '',
  model: null,
  structure_hash: '',
  structure: null,
  seed: null,
  inputs: {},
  only_tasks: null,
  started_at: 0,
  finished_at: null,
  error: null,
  waiting_for: [],
  document: null,
};

const jsonText = z.string().transform((text): unknown => JSON.parse(text));
const micros = z.number().transform((us) => Math.floor(us / 1000));
const StoredRun = z.object({
  run_id: z.string(),
  crew: z.string(),
  mode: z.enum(['shadow', 'active']),
  status: z.enum(['running', 'completed', 'failed', 'waiting', 'suspended', 'cancelled']),
  trigger: z.string(),
  model: z.string().nullable(),
  structure_hash: z.string(),
  // Written by this file alone, from the same types. Absent from a database that was last opened by an older version.
  structure: jsonText.pipe(z.custom<CrewStructure>((v) => typeof v === 'object' && v !== null)).nullish(),
  seed: jsonText.pipe(z.custom<RunSeed>((v) => typeof v === 'object' && v !== null)).nullish(),
  inputs: jsonText.pipe(z.record(z.string(), z.unknown())),
  only_tasks: jsonText.pipe(z.array(z.string())).nullable(),
  started_at: micros,
  finished_at: micros.nullable(),
  error: z.string().nullable(),
  // Written by this file alone, from the same types.
  waiting_for: jsonText.pipe(z.custom<readonly RunPause[]>(Array.isArray)),
  document: jsonText.pipe(z.custom<RunDocument>((v) => typeof v === 'object' && v !== null)).nullable(),
});

function readRow(row: SqlRow): RunRow {
  const { mode, structure = null, seed = null, ...stored } = StoredRun.parse(row);
  return { ...stored, structure, seed, shadow: mode === 'shadow' };
}
