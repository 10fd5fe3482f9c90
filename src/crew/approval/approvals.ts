import type { Timer } from '../../kit/clock.ts';
import { ApprovalRequired, Conflict, InvalidInput, NotFound, PermissionDenied, Unavailable } from '../../kit/errors.ts';
import type { EventPayload } from '../../kit/event.ts';
import type { ApprovalGate, ToolCall } from '../../kit/invoke.ts';
import { canonicalJson } from '../../kit/json.ts';
import type { AnswerTerms, ApprovalMode, ApprovalOptions, Approvals } from './contract.ts';
import { createPeople, type People, type Person } from './people.ts';
import { ruleFor } from './rules.ts';
import { checkTerms, patternOf, type StandingApproval, StandingStore, type StickyTerms } from './standing.ts';
import { type ApprovalAnswer, type ApprovalRequest, type ApprovalState, ApprovalStore } from './store.ts';

const ANYBODY = createPeople({}, {});

type CheckRequest = Parameters<ApprovalGate['check']>[0];

/** Creates the table when missing and takes up the requests that an earlier process left. */
export async function openApprovals(options: ApprovalOptions): Promise<Approvals> {
  const standing = await StandingStore.open(options.db);
  const desk = new ApprovalDesk(options, await ApprovalStore.open(options.db), standing);
  await desk.takeUp();
  return desk;
}

class ApprovalDesk implements Approvals {
  readonly #options: ApprovalOptions;
  readonly #store: ApprovalStore;
  readonly #standing: StandingStore;
  readonly #timers = new Map<string, Timer>();
  readonly #waiters = new Map<string, Set<{ decided(): void; failed(error: Error): void }>>();
  /** Finding or making a request is one step at a time, so that equal calls share one request. */
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: ApprovalOptions, store: ApprovalStore, standing: StandingStore) {
    this.#options = options;
    this.#standing = standing;
    this.#store = store;
  }

  async takeUp(): Promise<void> {
    for (const state of ['pending', 'approved'] as const) {
      for (const request of await this.#store.select({ state, limit: 10_000 })) {
        await this.#watch(request);
        if (state === 'pending') await this.#watchEscalation(request);
      }
    }
  }

  async check(request: CheckRequest): Promise<void> {
    const { call, tool } = request;
    const why = request.because ?? this.#options.policy(call, tool);
    if (why === null) return;
    for (;;) {
      const pending = await this.#oneAtATime(() => this.#useOrRequest(request, why));
      if ('use' in pending) {
        if (pending.use !== null) request.edit?.(pending.use);
        return;
      }
      if (this.#modeOf(call) === 'immediate') {
        throw new ApprovalRequired(
          `${tool.name} waits for a person's approval (${pending.policy}): request ${pending.id}, open until ` +
            `${new Date(pending.expires_at).toISOString()}; make the same call again once it is approved`,
          pending.id,
        );
      }
      await this.#decision(pending.id, call.signal);
      const decided = await this.get(pending.id);
      if (decided.state === 'expired') {
        throw new PermissionDenied(
          `nobody answered request ${pending.id} for ${tool.name} in time, so the answer is no`,
        );
      }
    }
  }

  list(
    query: { readonly state?: ApprovalState | undefined; readonly limit?: number | undefined } = {},
  ): Promise<readonly ApprovalRequest[]> {
    return this.#store.select(query);
  }

  async get(id: string): Promise<ApprovalRequest> {
    const [request] = await this.#store.select({ id });
    if (request === undefined) throw new NotFound(`there is no approval request '${id}'`);
    return request;
  }

  approve(id: string, decidedBy: string, note?: string, terms: AnswerTerms = {}): Promise<ApprovalRequest> {
    return this.#oneAtATime(() => this.#agree(id, decidedBy, note, terms));
  }

  reject(
    id: string,
    decidedBy: string,
    note?: string,
    terms: Pick<AnswerTerms, 'key' | 'as'> = {},
  ): Promise<ApprovalRequest> {
    return this.#oneAtATime(async () => {
      const { person } = await this.#answerable(id, decidedBy, terms);
      return this.#decide(id, 'rejected', person.name, note);
    });
  }

  standing(): Promise<readonly StandingApproval[]> {
    return this.#standing.list();
  }

  async revoke(id: string, by: string, key?: string): Promise<void> {
    const { name } = this.#people.identify(by, key);
    if (!(await this.#standing.revoke(id, name, this.#options.clock.now())))
      throw new NotFound(`there is no standing approval '${id}' in force`);
    this.#announce({ id }, 'revoked', name);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    const stopped = new Unavailable('the approvals are closed; ask again after the restart');
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.failed(stopped);
    await this.#tail;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #modeOf(call: ToolCall): ApprovalMode {
    const { mode = 'immediate' } = this.#options;
    return typeof mode === 'function' ? mode(call) : mode;
  }

  get #people(): People {
    return this.#options.people ?? ANYBODY;
  }

  /** The request and who answers it. Throws as `approve` does. */
  async #answerable(
    id: string,
    by: string,
    { key, as }: Pick<AnswerTerms, 'key' | 'as'>,
  ): Promise<{ readonly request: ApprovalRequest; readonly person: Person }> {
    const person = as ?? this.#people.identify(by, key);
    const request = await this.get(id);
    if (request.state === 'pending' && request.expires_at <= this.#options.clock.now()) await this.#expire(request);
    const now = await this.get(id);
    if (now.state !== 'pending')
      throw new Conflict(`approval request ${id} is ${now.state} already; only a pending one can be answered`);
    if ((now.approvers.length > 0 || as !== undefined) && !now.approvers.some((role) => person.roles.includes(role)))
      throw new PermissionDenied(
        `${person.name} may not answer request ${id}: it needs ${now.approvers.length === 0 ? 'one of the people' : `the role ${now.approvers.join(' or ')}`}`,
      );
    if (now.answers.some((answer) => answer.by === person.name))
      throw new Conflict(`${person.name} has answered request ${id} already; it needs somebody else`);
    return { request: now, person };
  }

  async #agree(id: string, by: string, note: string | undefined, terms: AnswerTerms): Promise<ApprovalRequest> {
    const { request, person } = await this.#answerable(id, by, terms);
    const { args = null, sticky = null } = terms;
    if (args !== null && sticky !== null)
      throw new InvalidInput('an approval changes the arguments or covers further calls, not both');
    if (sticky !== null) checkTerms(sticky, request.args);
    const answer = {
      by: person.name,
      at: this.#options.clock.now(),
      note: note === undefined || note === '' ? null : note,
      edited_args: args,
      sticky,
    };
    const answers = [...request.answers, answer];
    const sameTerms = answers.filter((a) => agreed(a) === agreed(answer));
    const enough = sameTerms.length >= request.needed;
    const kept = await this.#store.keep(id, { ...request, answers, edited_args: enough ? args : null });
    if (kept === undefined) throw new Conflict(`approval request ${id} is decided already`);
    if (!enough) {
      this.#announce(request, 'seconded', person.name);
      return kept;
    }
    const names = sameTerms.map((a) => a.by);
    if (sticky !== null) await this.#stand(request, sticky, names);
    return this.#decide(id, 'approved', names.join(', '), note);
  }

  async #stand(
    request: ApprovalRequest,
    { forMs, allow, uses }: StickyTerms,
    granted_by: readonly string[],
  ): Promise<void> {
    const { clock, ids } = this.#options;
    const now = clock.now();
    const standing: StandingApproval = {
      id: ids('stand'),
      tool: request.tool,
      caller: request.caller,
      pattern: patternOf(request.args, allow),
      granted_by,
      granted_at: now,
      expires_at: now + forMs,
      uses_left: uses,
      request_id: request.id,
      revoked_at: null,
      revoked_by: null,
    };
    await this.#standing.insert(standing);
    this.#announce(standing, 'standing', granted_by.join(', '));
  }

  /**
   * Uses up an approval (`use` holds the arguments that a person put in the place of these, else null), or gives the
   * open request for the call, making it when there is none.
   */
  async #useOrRequest(request: CheckRequest, policy: string): Promise<ApprovalRequest | { readonly use: unknown }> {
    const { call, tool, argsHash } = request;
    if (this.#closed) throw new Unavailable('the approvals are closed; ask again after the restart');
    const now = this.#options.clock.now();
    const earlier = await this.#store.select({ caller: call.caller.id, tool: tool.name, limit: 1000 });
    const open = earlier.filter((r) => r.expires_at > now);
    const same = open.filter((r) => r.args_hash === argsHash);
    const intent = intentOf(call);
    // A step that is made again after a crash or a rate limit: the ledger sees to it that its effect happens once.
    const again = intent === null ? undefined : same.find((r) => r.state === 'used' && r.used_intent === intent);
    if (again !== undefined) return { use: again.edited_args };
    for (const approved of same.filter((r) => r.state === 'approved')) {
      if ((await this.#store.use(approved.id, now, intent)) === undefined) continue;
      this.#unwatch(approved.id);
      this.#announce(approved, 'used', call.caller.id);
      return { use: approved.edited_args };
    }
    // A standing approval was given before anybody knew of words from outside: it does not answer for them.
    const standing =
      request.because === undefined
        ? await this.#standing.use({ tool: tool.name, caller: call.caller.id, args: request.args }, now)
        : undefined;
    if (standing !== undefined) {
      this.#announce(standing, 'used', call.caller.id);
      return { use: null };
    }
    const rejected = same.find((r) => r.state === 'rejected');
    if (rejected !== undefined) {
      const note = rejected.note === null ? '' : `: ${rejected.note}`;
      throw new PermissionDenied(
        `request ${rejected.id} for ${tool.name} was rejected by ${rejected.decided_by ?? ''}${note}`,
      );
    }
    const pending = same.find((r) => r.state === 'pending');
    if (pending !== undefined) return pending;
    const other = open.find((r) => r.state === 'approved');
    const changed = other === undefined ? '' : `; approval ${other.id} covers other arguments`;
    return this.#request(request, `${policy}${changed}`);
  }

  async #request({ call, tool, args, argsHash }: CheckRequest, policy: string): Promise<ApprovalRequest> {
    const { clock, timeoutMs, ids, events } = this.#options;
    const now = clock.now();
    const rule = ruleFor(this.#options.rules ?? [], [tool.name, ...tool.aliases]);
    const request: ApprovalRequest = {
      id: ids('app'),
      requested_at: now,
      expires_at: now + (rule?.timeoutMs ?? timeoutMs),
      state: 'pending',
      caller: call.caller.id,
      agent_id: call.caller.agentId,
      tool: tool.name,
      args,
      args_hash: argsHash,
      policy,
      reason: call.reason ?? null,
      run_id: call.runId ?? null,
      task_id: call.taskId ?? null,
      decided_at: null,
      decided_by: null,
      note: null,
      used_at: null,
      used_intent: null,
      needed: rule?.needed ?? 1,
      approvers: rule?.approvers ?? [],
      answers: [],
      escalated_at: null,
      edited_args: null,
    };
    await this.#store.insert(request);
    await this.#watch(request);
    await this.#watchEscalation(request);
    events.emit(
      'system.approval_required',
      {
        approval_id: request.id,
        tool: request.tool,
        agent_id: request.agent_id ?? request.caller,
        args_hash: argsHash,
        expires_at: request.expires_at,
        reason: call.reason ?? policy,
      },
      { source: 'approvals', correlationId: call.correlationId },
    );
    return request;
  }

  async #decide(id: string, state: 'approved' | 'rejected', by: string, note = ''): Promise<ApprovalRequest> {
    const { clock, timeoutMs } = this.#options;
    const now = clock.now();
    const decided = await this.#store.move(id, 'pending', {
      state,
      at: now,
      by,
      note: note === '' ? null : note,
      expiresAt: now + timeoutMs,
    });
    if (decided === undefined) {
      const { state: found } = await this.get(id);
      throw new Conflict(`approval request ${id} is ${found} already; only a pending one can be answered`);
    }
    this.#announce(decided, state, by);
    this.#unwatch(id);
    if (state === 'approved') await this.#watch(decided);
    this.#wake(id);
    return decided;
  }

  /** Sees to it that the request expires in time; at once when it is due. */
  async #watch(request: ApprovalRequest): Promise<void> {
    const { clock, log } = this.#options;
    const left = request.expires_at - clock.now();
    if (left <= 0) {
      await this.#expire(request);
      return;
    }
    const timer = clock.schedule(left, () => {
      this.#timers.delete(request.id);
      // The calendar may have been set back meanwhile; then it waits for the rest.
      this.#watch(request).catch((error: unknown) => {
        log.error('approval.expiry_failed', { approval_id: request.id, error });
      });
    });
    this.#timers.set(request.id, timer);
  }

  /** Lets more people answer when nobody has for long enough; at once when that time is past. */
  async #watchEscalation(request: ApprovalRequest): Promise<void> {
    const { clock, log, rules = [] } = this.#options;
    const rule = ruleFor(rules, [request.tool]);
    if (rule === undefined || rule.escalateAfterMs === null || request.escalated_at !== null) return;
    const left = request.requested_at + rule.escalateAfterMs - clock.now();
    if (left <= 0) {
      await this.#escalate(request.id, rule.escalateTo);
      return;
    }
    const timer = clock.schedule(left, () => {
      this.#oneAtATime(() => this.#escalate(request.id, rule.escalateTo)).catch((error: unknown) => {
        log.error('approval.escalation_failed', { approval_id: request.id, error });
      });
    });
    this.#timers.set(escalationOf(request.id), timer);
  }

  async #escalate(id: string, to: readonly string[]): Promise<void> {
    const request = await this.get(id);
    this.#timers.delete(escalationOf(id));
    if (request.state !== 'pending' || request.escalated_at !== null || this.#closed) return;
    const { clock, events } = this.#options;
    const now = clock.now();
    // Where anybody may answer already, the event is the point.
    const approvers = request.approvers.length === 0 ? [] : [...new Set([...request.approvers, ...to])];
    if ((await this.#store.keep(id, { ...request, approvers, escalated_at: now })) === undefined) return;
    events.emit(
      'approval.escalated',
      { approval_id: id, tool: request.tool, to: [...to], waited_ms: now - request.requested_at },
      { source: 'approvals', priority: 8 },
    );
  }

  async #expire(request: ApprovalRequest): Promise<void> {
    const at = this.#options.clock.now();
    const by = request.decided_by ?? 'timeout';
    const { note, expires_at } = request;
    const moved = await this.#store.move(request.id, request.state, {
      state: 'expired',
      at,
      by,
      note,
      expiresAt: expires_at,
    });
    this.#unwatch(request.id);
    if (moved === undefined) return;
    this.#announce(request, 'expired', 'timeout');
    this.#wake(request.id);
  }

  #unwatch(id: string): void {
    for (const key of [id, escalationOf(id)]) {
      this.#timers.get(key)?.cancel();
      this.#timers.delete(key);
    }
  }

  #announce(of: { id: string; tool?: string }, decision: EventPayload<'approval.decided'>['decision'], by: string) {
    const data = { approval_id: of.id, decision, decided_by: by, ...(of.tool === undefined ? {} : { tool: of.tool }) };
    this.#options.events.emit('approval.decided', data, { source: 'approvals' });
  }

  #wake(id: string): void {
    for (const waiter of this.#waiters.get(id) ?? []) waiter.decided();
  }

  /** Resolves at the decision, rejects when aborted or closed. */
  #decision(id: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const waiters = this.#waiters.get(id) ?? new Set();
      this.#waiters.set(id, waiters);
      const done = (settle: () => void) => (): void => {
        signal?.removeEventListener('abort', onAbort);
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiters.delete(id);
        settle();
      };
      const onAbort = (): void => waiter.failed(signal?.reason as Error);
      const waiter = {
        decided: done(resolve),
        failed: (error: Error): void => {
          done(() => reject(error))();
        },
      };
      waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
      // The answer may have come between finding the request and waiting for it.
      this.get(id).then(({ state }) => {
        if (state !== 'pending') waiter.decided();
      }, waiter.failed);
    });
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#tail.then(work, work);
    this.#tail = next.catch(() => undefined);
    return next;
  }
}

/** What an answer agrees to: only equal ones count together. */
function agreed({ edited_args, sticky }: ApprovalAnswer): string {
  return canonicalJson([edited_args, sticky]);
}

function escalationOf(id: string): string {
  return `${id} escalation`;
}

/** The caller's intent as the effect ledger knows it; null for a call that is an intent of its own. */
function intentOf({ runId = null, path }: ToolCall): string | null {
  return path === undefined ? null : canonicalJson([runId, path]);
}
