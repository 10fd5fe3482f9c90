import { z } from 'zod';
import { localApprovals, localAudit, localLedger, localProposals } from '../../../src/crew/code/local-stages.ts';
import { createApprovalPolicy } from '../../../src/crew/approval/policy.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { createIdSource } from '../../../src/kit/id.ts';
import type { Invoker } from '../../../src/kit/invoke.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import type { OutsidePolicy } from '../../../src/kit/outside.ts';
import { createInvoker } from '../../../src/kit/pipeline.ts';
import { createRateGate } from '../../../src/kit/rate-gate.ts';
import type { BoundTool } from '../../../src/kit/tool.ts';
import { MemoryEvents, toyTool } from '../../../src/testing/index.ts';
import { allowAll } from '../../kit/tool-fakes.ts';

export interface Effect {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Tools with effects, and what they did. Nobody restricts the agents but the rule about words from outside. */
export function effectTools(): { readonly tools: readonly BoundTool[]; readonly effects: Effect[] } {
  const effects: Effect[] = [];
  const text = (what: string) => z.string().describe(what);
  const number = (what: string) => z.number().describe(what);
  const inputs: Readonly<Record<string, z.ZodObject>> = {
    transfer: z.object({ to: text('Account'), amount: number('Amount') }),
    delete_rows: z.object({ table: text('Table') }),
    send_message: z.object({ channel: text('Channel'), text: text('Text') }),
    place_order: z.object({ symbol: text('Symbol'), side: text('Side'), size: number('Size') }),
    stop_everything: z.object({}),
    set_limit: z.object({
      symbol: text('Symbol'),
      value: number('Value'),
      dry: z.boolean().default(false).describe('Dry'),
    }),
    grant_role: z.object({ agent: text('Agent'), role: text('Role') }),
    post_page: z.object({ url: text('Address'), body: text('Body') }),
  };
  const tools = Object.entries(inputs).map(([name, input]) =>
    toyTool(
      name,
      (args) => {
        effects.push({ tool: name, args });
        return { done: true };
      },
      { effects: 'effect', access: 'WRITE', input },
    ),
  );
  return { tools, effects };
}

/** The real pipeline over tools; a person answers as told, or nobody can be asked. */
export function pipeline(given: {
  readonly tools: readonly BoundTool[];
  readonly outside: OutsidePolicy;
  readonly approve?: ((question: { readonly why: string; readonly args: unknown }) => boolean) | undefined;
}): Invoker {
  const clock = new ManualClock();
  let n = 0;
  return createInvoker({
    tools: given.tools,
    permission: allowAll,
    proposals: localProposals,
    approvals: localApprovals(
      createApprovalPolicy({
        agents: ['reader', 'clerk', 'boss'].map((id) => ({ id, approval_required: [] })),
        categories: [],
      }),
      given.approve,
    ),
    outside: given.outside,
    rates: createRateGate(clock),
    ledger: localLedger(),
    audit: localAudit(),
    events: new MemoryEvents(),
    clock,
    log: silentLogger,
    ids: createIdSource(
      () => clock.now(),
      () => (n++ % 97) / 97,
    ),
  });
}
