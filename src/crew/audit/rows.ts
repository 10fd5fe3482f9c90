import type { AuditRow } from '../../kit/invoke.ts';
import { jsonText } from '../ops-values.ts';
import { type ChainHead, linkHash } from './chain.ts';

/**
 * What a row of the audit log tells: a `call` and its decision, an `approval` asked for or answered, an `effect` begun
 * or settled, an `override` granted or revoked; of the log itself, that old rows were `pruned`, that rows were `lost`
 * before they were written, or that they are missing since the file was last open (`break`).
 */
export const AUDIT_KINDS = ['call', 'approval', 'effect', 'override', 'pruned', 'lost', 'break'] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** One row before it has its place in the chain. */
export interface AuditEntry extends AuditRow {
  readonly kind: AuditKind;
}

/** The columns of `tool_audit` that a row's hash covers, in the order of the table; `seq` and `kind` are among them. */
export const HASHED_COLUMNS = [
  ['call_id', 'VARCHAR NOT NULL'],
  ['time', 'TIMESTAMP NOT NULL'],
  ['caller', 'VARCHAR NOT NULL'],
  ['agent_id', 'VARCHAR'],
  ['role', 'VARCHAR NOT NULL'],
  ['tool', 'VARCHAR NOT NULL'],
  ['category', 'VARCHAR'],
  ['args', 'VARCHAR'],
  ['decision', 'VARCHAR NOT NULL'],
  ['rule', 'VARCHAR NOT NULL'],
  ['outcome', 'VARCHAR NOT NULL'],
  ['error_code', 'VARCHAR'],
  ['error_message', 'VARCHAR'],
  ['duration_ms', 'DOUBLE NOT NULL'],
  ['run_id', 'VARCHAR'],
  ['task_id', 'VARCHAR'],
  ['reason', 'VARCHAR'],
  ['seq', 'BIGINT NOT NULL'],
  ['kind', 'VARCHAR NOT NULL'],
] as const;

/** Rows as they are stored, each with its number and hash, and the head after them. */
export function chained(
  head: ChainHead,
  entries: readonly AuditEntry[],
): { readonly rows: readonly (readonly unknown[])[]; readonly head: ChainHead } {
  const rows: unknown[][] = [];
  let { seq, hash } = head;
  for (const entry of entries) {
    seq += 1;
    const values = HASHED_COLUMNS.map(([name]) => (name === 'seq' ? seq : stored(entry, name)));
    hash = linkHash(hash, seq, values);
    rows.push([...values, hash]);
  }
  return { rows, head: { seq, hash } };
}

function stored(entry: AuditEntry, name: keyof AuditEntry): unknown {
  if (name === 'time') return Math.round(entry.time * 1000);
  if (name === 'args') return jsonText(redact(entry.args));
  return entry[name];
}

const SECRET = /(api_?key|token|secret|password|authorization)/i;

/** Arguments without the values of fields that look like secrets. */
function redact(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(redact);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) => [
      key,
      SECRET.test(key) && typeof inner === 'string' ? '[redacted]' : redact(inner),
    ]),
  );
}

/** A row about something other than a call. */
export function noteEntry(note: {
  readonly kind: Exclude<AuditKind, 'call'>;
  /** The approval, effect or override that it is about. */
  readonly id: string;
  /** UTC ms. */
  readonly time: number;
  readonly by: string;
  readonly what: string;
  readonly tool?: string | undefined;
  readonly runId?: string | null | undefined;
  readonly denied?: boolean | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}): AuditEntry {
  return {
    kind: note.kind,
    call_id: note.id,
    time: note.time,
    caller: note.by,
    agent_id: null,
    role: '',
    tool: note.tool ?? '',
    category: null,
    args: note.details,
    decision: note.denied === true ? 'denied' : 'allowed',
    rule: note.what,
    outcome: 'success',
    error_code: null,
    error_message: null,
    duration_ms: 0,
    run_id: note.runId ?? null,
    task_id: null,
    reason: null,
  };
}
