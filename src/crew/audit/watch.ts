import type { StoredLedger } from '../ledger/ledger.ts';
import type { GrantStore } from '../permission/grants.ts';
import type { EventSource } from '../run/event-source.ts';
import type { StoredAudit } from './log.ts';

/** Records each request to a person, and each answer, expiry and use of one. */
export function auditApprovals(events: EventSource, audit: StoredAudit): void {
  events.on('*', (event) => {
    if (event.type === 'system.approval_required') {
      const { approval_id: id, agent_id: by, tool, args_hash, expires_at, reason } = event.data;
      audit.note({ kind: 'approval', id, by, tool, what: 'required', details: { args_hash, expires_at, reason } });
    }
    if (event.type === 'approval.decided') {
      const { approval_id: id, decided_by: by, decision } = event.data;
      const denied = decision === 'rejected' || decision === 'expired';
      audit.note({ kind: 'approval', id, by, what: decision, denied });
    }
    if (event.type === 'question.answered' || event.type === 'question.expired') {
      const { question_id: id, run_id: runId, where } = event.data;
      const by = event.type === 'question.answered' ? event.data.by : 'timeout';
      const what = event.type === 'question.answered' ? 'answered' : 'expired';
      audit.note({ kind: 'approval', id, by, runId, what, details: { where } });
    }
  });
}

/** A ledger whose effects are in the audit log: the beginning is on disk before the effect runs. */
export function auditedLedger(ledger: StoredLedger, audit: StoredAudit): StoredLedger {
  return {
    ...ledger,
    async begin(key, call) {
      const entry = await ledger.begin(key, call);
      if (entry.state !== 'new') return entry;
      const { tool, argsHash: args_hash, runId } = call;
      audit.note({ kind: 'effect', id: key, by: 'ledger', tool, runId, what: 'begun', details: { args_hash } });
      try {
        await audit.flush();
      } catch (error) {
        // What cannot be written down is not done: nothing has happened yet, so the intent is free again.
        await ledger.finish(key, null);
        throw error;
      }
      return entry;
    },
    async finish(key, result) {
      await ledger.finish(key, result);
      audit.note({ kind: 'effect', id: key, by: 'ledger', what: result === null ? 'did not happen' : 'done' });
    },
    leave(key) {
      ledger.leave(key);
      audit.note({ kind: 'effect', id: key, by: 'ledger', what: 'outcome unknown' });
    },
    async settle(key, outcome, decidedBy) {
      await ledger.settle(key, outcome, decidedBy);
      audit.note({ kind: 'effect', id: key, by: decidedBy, what: `settled as ${outcome}` });
    },
  };
}

/** Overrides whose granting and revoking are in the audit log. */
export function auditedGrants(grants: GrantStore, audit: StoredAudit): GrantStore {
  return {
    current: () => grants.current(),
    async grant(spec) {
      const granted = await grants.grant(spec);
      const { id, granted_by: by, tool, agent, level, expires_at, reason } = granted;
      const details = { agent, level, expires_at, reason };
      audit.note({ kind: 'override', id, by, tool, what: 'granted', denied: level === 'NONE', details });
      return granted;
    },
    async revoke(id, revokedBy) {
      await grants.revoke(id, revokedBy);
      audit.note({ kind: 'override', id, by: revokedBy, what: 'revoked' });
    },
  };
}
