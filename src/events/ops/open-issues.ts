import type { Database } from '../../infra/duckdb/database.ts';
import type { GroupWriter } from '../../infra/duckdb/group-writer.ts';
import type { OpsRows } from '../../kit/ops.ts';

type Issue = OpsRows['quality_issues'];
const SEVERITIES: readonly Issue['severity'][] = ['low', 'medium', 'high', 'critical'];

interface Open {
  id: number;
  occurrences: number;
  severity: Issue['severity'];
}

/** Open quality issues by fingerprint: a repeated one is counted, its severity raised to the highest seen. */
export class OpenIssues {
  readonly #db: Database;
  readonly #writer: GroupWriter;
  #open: Promise<Map<string, Promise<Open>>> | undefined;
  readonly #counting = new Map<Open, Promise<void>>();

  constructor(db: Database, writer: GroupWriter) {
    this.#db = db;
    this.#writer = writer;
  }

  /** The id under which the issue stands; resolves when it is durable. */
  async add(issue: Issue, insert: () => Promise<number>): Promise<number> {
    if (issue.resolution_status !== 'pending') return insert();
    this.#open ??= this.#load();
    const open = await this.#open;
    const known = open.get(issue.fingerprint);
    if (known === undefined) {
      const made = insert().then((id): Open => ({ id, occurrences: issue.occurrences, severity: issue.severity }));
      open.set(issue.fingerprint, made);
      made.catch(() => open.delete(issue.fingerprint));
      return (await made).id;
    }
    const entry = await known;
    entry.occurrences += issue.occurrences;
    if (SEVERITIES.indexOf(issue.severity) > SEVERITIES.indexOf(entry.severity)) entry.severity = issue.severity;
    await this.#count(entry);
    return entry.id;
  }

  /** The issue's status was changed: when it is closed, the next one of its kind is a new one. */
  async changed(id: number, status: Issue['resolution_status'], fingerprint: string): Promise<void> {
    const open = await this.#open;
    if (open === undefined) return;
    const known = await open.get(fingerprint);
    if (status !== 'pending' && known?.id === id) open.delete(fingerprint);
    if (status === 'pending' && known === undefined) this.#open = undefined;
  }

  /** Any number of repetitions before the next commit are one statement. */
  #count(entry: Open): Promise<void> {
    const waiting = this.#counting.get(entry);
    if (waiting !== undefined) return waiting;
    const counted = this.#writer.write(() => {
      this.#counting.delete(entry);
      return [
        {
          sql: 'UPDATE quality_issues SET occurrences = CAST(? AS BIGINT), severity = ? WHERE id = CAST(? AS BIGINT)',
          params: [entry.occurrences, entry.severity, entry.id],
        },
      ];
    });
    this.#counting.set(entry, counted);
    return counted;
  }

  async #load(): Promise<Map<string, Promise<Open>>> {
    await this.#writer.flush();
    const rows = await this.#db.all<{ fingerprint: string } & Open>(
      `SELECT fingerprint, id, occurrences, severity FROM quality_issues
       WHERE resolution_status = 'pending' ORDER BY id`,
    );
    return new Map(rows.map(({ fingerprint, ...entry }) => [fingerprint, Promise.resolve(entry)]));
  }
}
