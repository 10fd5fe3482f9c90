import { z } from 'zod';
import type { Database } from '../../infra/duckdb/database.ts';
import { type ChainHead, GENESIS, headText, linkHash } from './chain.ts';
import { AUDIT_KINDS, HASHED_COLUMNS } from './rows.ts';

/** One place where the log is not what was written. */
export interface AuditFinding {
  /** Number of the row; null where it has none. */
  readonly seq: number | null;
  readonly kind: 'changed' | 'missing' | 'repeated' | 'cut_off' | 'unknown_kind' | 'lost';
  readonly message: string;
}

export interface AuditReport {
  /** True when the chain holds from its first row to its head. */
  readonly ok: boolean;
  readonly rows: number;
  /** Number of the oldest row that is kept; null without rows. */
  readonly first_seq: number | null;
  /** `SEQ:HASH`. Kept elsewhere and given to a later verification, it proves that nothing before it was rewritten. */
  readonly head: string;
  /** At most 100; `findings_total` counts all. */
  readonly findings: readonly AuditFinding[];
  readonly findings_total: number;
}

const PAGE_ROWS = 5000;
const MOST_FINDINGS = 100;
const COLUMNS = HASHED_COLUMNS.map(([name]) => name);

const linkSchema = z.looseObject({
  seq: z.number().int(),
  kind: z.string(),
  hash: z.string(),
  args: z.string().nullable(),
});
const prunedSchema = z.object({ through: z.number().int(), hash: z.string() });
const lostSchema = z.object({ after: z.number().int(), through: z.number().int() });

/**
 * Walks the chain from its oldest row to its newest and says where a row was changed, taken out, put in or moved. `mark`
 * is the head that the file beside the database names, `kept` one that somebody kept elsewhere: the rows must reach the
 * first and hold the second, or the end was cut off or everything was written anew.
 */
export async function verifyAudit(
  db: Database,
  heads: { readonly mark?: ChainHead | null | undefined; readonly kept?: ChainHead | undefined } = {},
): Promise<AuditReport> {
  const walk = new Walk(heads.kept);
  const pruned = await prunedHeads(db);
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const page = await db.all(
      `SELECT ${COLUMNS.join(', ')}, hash FROM tool_audit WHERE seq > ? ORDER BY seq, call_id LIMIT ${PAGE_ROWS}`,
      [after],
    );
    const rows = page.length === PAGE_ROWS ? await wholeNumbers(db, page) : page;
    for (const row of rows) walk.step(row, pruned);
    const last = rows.at(-1)?.['seq'];
    if (page.length < PAGE_ROWS || typeof last !== 'number') break;
    after = last;
  }
  walk.end(heads.mark ?? null);
  return walk.report();
}

/** A page without the rows of its last number, of which there may be more on the next page; all when it has but one. */
async function wholeNumbers(
  db: Database,
  page: readonly Readonly<Record<string, unknown>>[],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const last = page.at(-1)?.['seq'];
  const before = page.filter((row) => row['seq'] !== last);
  if (before.length > 0 || typeof last !== 'number') return before;
  return db.all(`SELECT ${COLUMNS.join(', ')}, hash FROM tool_audit WHERE seq = ? ORDER BY call_id`, [last]);
}

/** The heads up to which old rows were deleted by us, by the number of the last row that went. */
async function prunedHeads(db: Database): Promise<ReadonlyMap<number, string>> {
  const rows = await db.all<{ args: string | null }>("SELECT args FROM tool_audit WHERE kind = 'pruned'");
  return new Map(
    rows.flatMap(({ args }) => {
      const parsed = prunedSchema.safeParse(json(args));
      return parsed.success ? [[parsed.data.through, parsed.data.hash] as const] : [];
    }),
  );
}

class Walk {
  readonly #kept: ChainHead | undefined;
  readonly #findings: AuditFinding[] = [];
  #total = 0;
  #rows = 0;
  #first: number | null = null;
  #head: ChainHead = GENESIS;
  #keptSeen = false;
  /** False after a hole: the hash of the row before is not known, so the row after it proves nothing. */
  #comparable = true;

  constructor(kept: ChainHead | undefined) {
    this.#kept = kept;
    this.#keptSeen = kept === undefined || kept.seq === 0;
  }

  step(row: Readonly<Record<string, unknown>>, pruned: ReadonlyMap<number, string>): void {
    const link = linkSchema.parse(row);
    const { seq } = link;
    this.#rows += 1;
    if (seq < 1) {
      this.#find(seq, 'repeated', `there is a row with the number ${seq}: numbers begin at 1`);
      return;
    }
    if (this.#first === null) this.#begin(seq, pruned);
    if (seq <= this.#head.seq) {
      this.#find(seq, 'repeated', `there are several rows with the number ${seq}`);
      return;
    }
    if (seq > this.#head.seq + 1) this.#hole(this.#head.seq + 1, seq - 1, link);
    const values = COLUMNS.map((name) => row[name]);
    const comparable = this.#comparable;
    this.#comparable = true;
    if (comparable && link.hash !== linkHash(this.#head.hash, seq, values)) {
      this.#find(seq, 'changed', `row ${seq} is not what was written there, or not after the row before it`);
    }
    if (!AUDIT_KINDS.some((kind) => kind === link.kind)) {
      this.#find(seq, 'unknown_kind', `row ${seq} is of the kind '${link.kind}', which nothing writes`);
    }
    if (link.kind === 'lost') this.#find(seq, 'lost', `row ${seq} tells of rows that could not be written in time`);
    // What follows is judged by the hash that stands there: one change is one finding.
    this.#head = { seq, hash: link.hash };
    if (this.#kept?.seq === seq) this.#compareKept(this.#kept, this.#head);
  }

  end(mark: ChainHead | null): void {
    if (mark !== null && mark.seq > this.#head.seq) {
      const missing = `${this.#head.seq + 1} to ${mark.seq}`;
      this.#find(this.#head.seq + 1, 'cut_off', `rows ${missing} are missing at the end`);
    }
    if (this.#keptSeen || this.#kept === undefined) return;
    const gone = this.#first !== null && this.#kept.seq < this.#first;
    const why = gone ? 'was pruned: keep a newer head' : 'is not in the log: its end was cut off';
    this.#find(this.#kept.seq, 'missing', `the row ${this.#kept.seq} whose hash you kept ${why}`);
  }

  report(): AuditReport {
    return {
      ok: this.#total === 0,
      rows: this.#rows,
      first_seq: this.#first,
      head: headText(this.#head),
      findings: this.#findings,
      findings_total: this.#total,
    };
  }

  #begin(seq: number, pruned: ReadonlyMap<number, string>): void {
    this.#first = seq;
    if (seq <= 1) return;
    const hash = pruned.get(seq - 1);
    this.#head = { seq: seq - 1, hash: hash ?? GENESIS.hash };
    if (hash === undefined) {
      const gone = seq === 2 ? 'row 1 is' : `rows 1 to ${seq - 1} are`;
      this.#comparable = false;
      this.#find(seq - 1, 'missing', `${gone} missing, and no pruning tells of it`);
    }
    if (this.#kept?.seq === seq - 1 && hash !== undefined) this.#compareKept(this.#kept, this.#head);
  }

  /** A hole that was noticed when the file was opened is told by the row after it, and still a hole. */
  #hole(from: number, to: number, link: z.output<typeof linkSchema>): void {
    const told = link.kind === 'break' ? lostSchema.safeParse(json(link.args)) : undefined;
    this.#comparable = told?.success === true;
    const noticed = told?.success === true ? ', as was noticed when the file was opened' : '';
    const which = from === to ? `row ${from} is` : `rows ${from} to ${to} are`;
    this.#find(from, 'missing', `${which} missing${noticed}`);
  }

  #compareKept(kept: ChainHead, found: ChainHead): void {
    this.#keptSeen = true;
    if (kept.hash !== found.hash)
      this.#find(kept.seq, 'changed', `row ${kept.seq} has another hash than the one you kept: the log was rewritten`);
  }

  #find(seq: number | null, kind: AuditFinding['kind'], message: string): void {
    this.#total += 1;
    if (this.#findings.length < MOST_FINDINGS) this.#findings.push({ seq, kind, message });
  }
}

function json(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
