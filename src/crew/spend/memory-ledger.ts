import type { BudgetDecision, CallLedger, CallQuery, ModelCall, UsageGroup, UsageRow } from './call.ts';

/** Calls of a process without a desk that are kept. */
const KEPT = 100_000;

/** An account in memory, of the last 100,000 calls: for crews in code, and for tests. */
export function createMemoryLedger(): CallLedger {
  const calls = new Map<string, ModelCall>();
  /** Ids of the calls by run: what a run cost is asked at the end of each. */
  const ofRun = new Map<string, Set<string>>();
  const decisions = new Map<string, BudgetDecision>();
  const find = (query: CallQuery): readonly ModelCall[] => {
    const { run } = query;
    const among = run === undefined ? calls.values() : [...(ofRun.get(run) ?? [])].flatMap((id) => calls.get(id) ?? []);
    return [...among].filter((call) => matches(call, query));
  };
  const remove = (id: string): void => {
    const run = calls.get(id)?.run_id;
    calls.delete(id);
    if (run === undefined) return;
    const its = ofRun.get(run);
    its?.delete(id);
    if (its?.size === 0) ofRun.delete(run);
  };
  return {
    begin(call) {
      calls.set(call.call_id, call);
      const its = ofRun.get(call.run_id) ?? new Set();
      ofRun.set(call.run_id, its.add(call.call_id));
      for (const id of calls.keys()) {
        if (calls.size <= KEPT) break;
        remove(id);
      }
      return Promise.resolve();
    },
    end(callId, end) {
      const call = calls.get(callId);
      if (call !== undefined) calls.set(callId, { ...call, ...end });
      return Promise.resolve();
    },
    spent: (query) =>
      Promise.resolve(
        find(query).reduce(
          (sum, call) => ({
            usd: sum.usd + (call.cost_usd ?? call.most_usd ?? 0),
            tokens: sum.tokens + tokensHeld(call),
            calls: sum.calls + 1,
          }),
          { usd: 0, tokens: 0, calls: 0 },
        ),
      ),
    usage: (by, query = {}) => Promise.resolve(summed(by, find(query))),
    calls: ({ limit = 100, ...query } = {}) => Promise.resolve([...find(query)].reverse().slice(0, limit)),
    decide(decision) {
      if (!decisions.has(decision.pause_id)) decisions.set(decision.pause_id, decision);
      return Promise.resolve();
    },
    decisions: (runId) => Promise.resolve([...decisions.values()].filter((d) => d.run_id === runId)),
    prune(before) {
      const old = find({ until: before });
      for (const { call_id } of old) remove(call_id);
      for (const { pause_id, decided_at } of decisions.values()) if (decided_at < before) decisions.delete(pause_id);
      return Promise.resolve(old.length);
    },
  };
}

function matches(call: ModelCall, query: CallQuery): boolean {
  const { run, crew, task, agent, tool, model, since, until } = query;
  return (
    (run === undefined || call.run_id === run) &&
    (crew === undefined || call.crew === crew) &&
    (task === undefined || call.task_id === task) &&
    (agent === undefined || call.agent_id === agent) &&
    (tool === undefined || call.tool === tool) &&
    (model === undefined || call.model === model) &&
    (since === undefined || call.began_at >= since) &&
    (until === undefined || call.began_at < until)
  );
}

/** What a call counts against a budget of tokens: those reported, nothing for a refusal, else the most there can be. */
function tokensHeld({ state, tokens, most_tokens }: ModelCall): number {
  if (tokens !== null) return tokens.input_tokens + tokens.output_tokens;
  return state === 'refused' ? 0 : most_tokens;
}

function summed(by: UsageGroup, calls: readonly ModelCall[]): readonly UsageRow[] {
  const rows = new Map<string | null, UsageRow>();
  for (const call of calls) {
    const key = keyOf(by, call);
    const row = rows.get(key) ?? EMPTY(key);
    rows.set(key, {
      key,
      calls: row.calls + 1,
      failed_calls: row.failed_calls + (call.state === 'answered' ? 0 : 1),
      input_tokens: row.input_tokens + (call.tokens?.input_tokens ?? 0),
      output_tokens: row.output_tokens + (call.tokens?.output_tokens ?? 0),
      cached_tokens: row.cached_tokens + (call.tokens?.cached_tokens ?? 0),
      reasoning_tokens: row.reasoning_tokens + (call.tokens?.reasoning_tokens ?? 0),
      cost_usd: row.cost_usd + (call.cost_usd ?? 0),
      unknown_calls: row.unknown_calls + (call.cost_usd === null ? 1 : 0),
    });
  }
  const order = (a: UsageRow, b: UsageRow): number => ((a.key ?? '') < (b.key ?? '') ? -1 : 1);
  return [...rows.values()].sort((a, b) =>
    by === 'day' ? order(a, b) : b.cost_usd - a.cost_usd || b.input_tokens - a.input_tokens || order(a, b),
  );
}

const EMPTY = (key: string | null): UsageRow => ({
  key,
  calls: 0,
  failed_calls: 0,
  input_tokens: 0,
  output_tokens: 0,
  cached_tokens: 0,
  reasoning_tokens: 0,
  cost_usd: 0,
  unknown_calls: 0,
});

function keyOf(by: UsageGroup, call: ModelCall): string | null {
  switch (by) {
    case 'run':
      return call.run_id;
    case 'crew':
      return call.crew;
    case 'task':
      return call.task_id;
    case 'agent':
      return call.agent_id;
    case 'tool':
      return call.tool;
    case 'model':
      return call.model;
    case 'purpose':
      return call.purpose;
    case 'day':
      return new Date(call.began_at).toISOString().slice(0, 10);
  }
}
