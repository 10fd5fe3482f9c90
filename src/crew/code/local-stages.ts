import { z } from 'zod';
import { Conflict, PermissionDenied } from '../../kit/errors.ts';
import type { ApprovalGate, AuditLog, AuditRow, EffectLedger, LedgerEntry, ProposalLog } from '../../kit/invoke.ts';
import type { ApprovalPolicy } from '../approval/policy.ts';

const EditedReply = z.strictObject({ args: z.record(z.string(), z.unknown()) });

/** Rows of audit, effects and proposals that a host in memory keeps; older ones give way. */
const KEPT = 10_000;

/** What a person is asked about a call. */
export interface ApprovalQuestion {
  readonly agent: string | null;
  readonly tool: string;
  readonly args: unknown;
  readonly why: string;
  readonly reason: string | null;
}

/** A yes, a no, or a yes to other arguments. */
export type ApprovalReply = boolean | { readonly args: Readonly<Record<string, unknown>> };

/** Asks `approve` where the policy wants a person; without one the answer is no. */
export function localApprovals(
  policy: ApprovalPolicy,
  approve: ((question: ApprovalQuestion) => ApprovalReply | Promise<ApprovalReply>) | undefined,
): ApprovalGate {
  return {
    async check({ call, tool, args, edit, because }) {
      const why = because ?? policy(call, tool);
      if (why === null) return;
      if (approve === undefined) {
        throw new PermissionDenied(`${why}, and nobody can be asked: give the host an approve function`);
      }
      const question = { agent: call.caller.agentId, tool: tool.name, args, why, reason: call.reason ?? null };
      // Whatever a caller without types returns: only true, or arguments, is a yes.
      const answer: unknown = await approve(question);
      const edited = EditedReply.safeParse(answer);
      if (edited.success) edit?.(edited.data.args);
      else if (answer !== true) throw new PermissionDenied(`${tool.name} was refused: ${why}`);
    },
  };
}

/** One effect per intent within this process. */
export function localLedger(): EffectLedger {
  const entries = new Map<string, LedgerEntry>();
  return {
    begin(key) {
      const known = entries.get(key);
      if (known === undefined) {
        entries.set(key, { state: 'running' });
        return Promise.resolve({ state: 'new' });
      }
      return Promise.resolve(known);
    },
    finish(key, result) {
      if (!entries.has(key)) return Promise.reject(new Conflict(`effect ${key} was not begun`));
      if (result === null) entries.delete(key);
      else entries.set(key, { state: 'done', result });
      forgetOldest(entries, ({ state }) => state === 'done');
      return Promise.resolve();
    },
    leave: (key) => void entries.set(key, { state: 'unknown' }),
  };
}

function forgetOldest<V>(entries: Map<string, V>, may: (value: V) => boolean): void {
  for (const [key, value] of entries) {
    if (entries.size <= KEPT) return;
    if (may(value)) entries.delete(key);
  }
}

/** Audit rows of this process, newest last. */
export interface LocalAudit extends AuditLog {
  readonly rows: readonly AuditRow[];
}

/** Keeps the last rows in memory, and all of them in `stored`. */
export function localAudit(stored?: AuditLog): LocalAudit {
  const rows: AuditRow[] = [];
  return {
    rows,
    record(row) {
      rows.push(row);
      if (rows.length > KEPT) rows.splice(0, rows.length - KEPT);
      stored?.record(row);
    },
    flush: () => stored?.flush() ?? Promise.resolve(),
  };
}

/** Proposals are in the document of their run; nothing else keeps them. */
export const localProposals: ProposalLog = { record: () => Promise.resolve() };
