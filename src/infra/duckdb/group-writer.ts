import { setImmediate } from 'node:timers';
import type { Database } from './database.ts';
import type { AppendBatch, Statement } from './protocol.ts';

/** Statements, or a function that makes them at the moment they are sent (so that late changes are still in). */
export type Writing = readonly Statement[] | (() => readonly Statement[]);

interface Job {
  readonly writing: Writing;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: what is written within one turn of the event loop, or while the previous commit runs, becomes one
 * transaction. Each `write` is atomic and resolves when it is durable; order is kept. When a group fails, its members
 * are tried again one by one, so that a wrong statement fails its own caller alone.
 */
export class GroupWriter {
  readonly #database: Database;
  readonly #maxGroup: number;
  #queue: Job[] = [];
  #running: Promise<void> | undefined;
  #commits = 0;

  constructor(database: Database, options: { readonly maxGroup?: number | undefined } = {}) {
    this.#database = database;
    this.#maxGroup = options.maxGroup ?? 512;
  }

  /** Commits made so far. */
  get commits(): number {
    return this.#commits;
  }

  /** Writes that wait for the next commit. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Resolves when the statements are committed, all or none of them. */
  write(writing: Writing): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ writing, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when everything written before is settled; failures are the writers' own. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      await new Promise<void>((resolve) => setImmediate(resolve));
      while (this.#queue.length > 0) {
        const group = this.#queue.splice(0, this.#maxGroup);
        await this.#commit(group);
      }
    } finally {
      this.#running = undefined;
    }
  }

  async #commit(group: readonly Job[]): Promise<void> {
    const parts = group.map((job) => (typeof job.writing === 'function' ? job.writing() : job.writing));
    try {
      await this.#send(mergeAppends(parts.flat()));
    } catch (error) {
      if (group.length === 1) {
        group[0]?.reject(error);
        return;
      }
      for (const [i, job] of group.entries()) await this.#send(parts[i] ?? []).then(job.resolve, job.reject);
      return;
    }
    for (const job of group) job.resolve();
  }

  async #send(statements: readonly Statement[]): Promise<void> {
    const [first] = statements;
    if (first === undefined) return;
    if (statements.length > 1 || 'offer' in first) await this.#database.transaction(statements);
    else if ('append' in first) await this.#database.append(first.append);
    else await this.#database.run(first.sql, first.params);
    this.#commits += 1;
  }
}

/** Appends to the same table become one, as long as no SQL statement stands between them. */
function mergeAppends(statements: readonly Statement[]): readonly Statement[] {
  if (statements.length < 2) return statements;
  const merged: Statement[] = [];
  let open = new Map<string, { rows: number; readonly columns: unknown[][] }>();
  const close = (): void => {
    for (const [table, { rows, columns }] of open) merged.push({ append: { table, rows, columns } });
    open = new Map();
  };
  for (const statement of statements) {
    if ('append' in statement) addTo(open, statement.append);
    else {
      close();
      merged.push(statement);
    }
  }
  close();
  return merged;
}

function addTo(open: Map<string, { rows: number; readonly columns: unknown[][] }>, batch: AppendBatch): void {
  const known = open.get(batch.table);
  if (known === undefined) {
    open.set(batch.table, { rows: batch.rows, columns: batch.columns.map((column) => Array.from(column)) });
    return;
  }
  known.rows += batch.rows;
  batch.columns.forEach((column, i) => {
    const target = known.columns[i];
    for (let row = 0; row < batch.rows; row++) target?.push(column[row]);
  });
}
