import { z } from 'zod';
import type { EventEnvelope, EventName, EventPayload, EventSink } from '../../src/kit/event.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import type { AuditRow, Caller, LedgerEntry, PermissionGate } from '../../src/kit/invoke.ts';
import { createInvoker, type InvokerOptions } from '../../src/kit/pipeline.ts';
import { createRateGate } from '../../src/kit/rate-gate.ts';
import type { Logger } from '../../src/kit/logger.ts';
import { bindTools, defineTool, type BoundTool, type ToolDefinition } from '../../src/kit/tool.ts';

export const operator: Caller = { id: 'operator', agentId: null, role: 'operator', tools: null };

export const fresh = { as_of: null, source: 'test', complete: true, stale_ms: null };

type Echo = ToolDefinition<unknown, typeof echoInput, typeof echoOutput>;
const echoInput = z.object({
  symbol: z.string().describe('Canonical symbol'),
  limit: z.number().int().min(1).default(5).describe('Most rows'),
});
const echoOutput = z.strictObject({ echo: z.string() });

/** A reading tool that echoes its symbol; any part can be replaced. */
export function echoTool(changes: Partial<Echo> = {}): BoundTool {
  const [bound] = bindTools(
    [
      defineTool<unknown, typeof echoInput, typeof echoOutput>({
        name: 'get_echo',
        title: 'Echo',
        toolset: 'test',
        category: 'exchange_data',
        access: 'READ_ONLY',
        effects: 'none',
        description: 'Gives back the symbol that it was called with.',
        input: echoInput,
        output: echoOutput,
        examples: [],
        run: ({ symbol }) => Promise.resolve({ data: { echo: symbol }, provenance: fresh }),
        ...changes,
      }),
    ],
    undefined,
  );
  if (bound === undefined) throw new Error('no tool was bound');
  return bound;
}

/** A tool with an effect. `run` counts in `times`. */
export function effectTool(changes: Partial<Echo> = {}): { readonly tool: BoundTool; readonly times: () => number } {
  let times = 0;
  const tool = echoTool({
    name: 'change_echo',
    category: 'database_write',
    access: 'WRITE',
    effects: 'effect',
    preview: ({ symbol }) => Promise.resolve({ row: symbol }),
    run: ({ symbol }) => {
      times++;
      return Promise.resolve({ data: { echo: symbol }, provenance: fresh });
    },
    ...changes,
  });
  return { tool, times: () => times };
}

export const allowAll: PermissionGate = {
  decide: (caller, tool) => ({
    allowed: true,
    rule: 'everything is allowed here',
    role: caller.role,
    category: tool?.category ?? null,
    held: 'ADMIN',
    needed: tool?.access ?? null,
  }),
};

/** Keeps what was emitted. */
export class RecordingSink implements EventSink {
  readonly events: { readonly type: EventName; readonly data: unknown }[] = [];

  emit<N extends EventName>(type: N, data: EventPayload<N>): EventEnvelope<N> {
    this.events.push({ type, data });
    const seq = this.events.length;
    return { id: `event_${seq}`, seq, type, time: 0, source: 'test', priority: 5, correlation_id: null, data };
  }

  of(type: EventName): readonly unknown[] {
    return this.events.filter((e) => e.type === type).map((e) => e.data);
  }
}

/** Keeps what was logged. */
export class RecordingLogger implements Logger {
  readonly lines: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  readonly #keep = (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    this.lines.push({ event, fields });
  };
  readonly debug = this.#keep;
  readonly info = this.#keep;
  readonly warn = this.#keep;
  readonly error = this.#keep;
  child(): Logger {
    return this;
  }
}

export interface Desk {
  readonly clock: ManualClock;
  readonly events: RecordingSink;
  readonly log: RecordingLogger;
  readonly rows: AuditRow[];
  readonly proposals: unknown[];
  readonly ledger: Map<string, LedgerEntry>;
  readonly invoker: ReturnType<typeof createInvoker>;
}

/** An invoker over fakes of every stage; any stage can be replaced. */
export function deskOf(tools: readonly BoundTool[], changes: Partial<InvokerOptions> = {}): Desk {
  const clock = new ManualClock();
  const events = new RecordingSink();
  const log = new RecordingLogger();
  const rows: AuditRow[] = [];
  const proposals: unknown[] = [];
  const ledger = new Map<string, LedgerEntry>();
  let id = 0;
  const invoker = createInvoker({
    tools,
    permission: allowAll,
    proposals: { record: (proposal) => Promise.resolve(void proposals.push(proposal)) },
    approvals: { check: () => Promise.resolve() },
    rates: createRateGate(clock),
    ledger: {
      begin: (key) => {
        const found = ledger.get(key);
        if (found === undefined) ledger.set(key, { state: 'unknown' });
        return Promise.resolve(found ?? { state: 'new' });
      },
      finish: (key, result) => {
        if (result === null) ledger.delete(key);
        else ledger.set(key, { state: 'done', result });
        return Promise.resolve();
      },
      leave: () => undefined,
    },
    audit: { record: (row) => void rows.push(row), flush: () => Promise.resolve() },
    events,
    clock,
    log,
    ids: (prefix) => `${prefix}_${++id}`,
    ...changes,
  });
  return { clock, events, log, rows, proposals, ledger, invoker };
}
