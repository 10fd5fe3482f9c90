import type { ManualClock } from '../../../src/kit/clock.ts';
import { askerOf } from '../../../src/kit/question.ts';
import { createIdSource } from '../../../src/kit/id.ts';
import type { AnyTool, ToolContext, ToolResult } from '../../../src/kit/tool.ts';
import type { MarketServices } from '../../../src/market/services.ts';
import { tools } from '../../../src/market/tools/catalogue.generated.ts';
import type { Bench } from '../jobs/bench.ts';

const ids = createIdSource(
  () => 0,
  () => 0.5,
);

export function toolNamed(name: string): AnyTool<MarketServices> {
  const tool = tools.find((t) => t.name === name || t.aliases.includes(name));
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return tool;
}

export function contextOf(
  bench: Bench,
  agentId: string | null = 'validator',
  signal: AbortSignal = new AbortController().signal,
): ToolContext<MarketServices> {
  return {
    callId: ids('call'),
    caller: agentId === null ? 'operator' : `agent:${agentId}`,
    agentId,
    runId: null,
    taskId: null,
    signal,
    clock: bench.clock,
    log: bench.services.log,
    events: bench.events,
    services: bench.services,
    progress: () => undefined,
    ask: askerOf('a tool'),
  };
}

/** Parses the input, runs the tool, parses the output: what the pipeline does around it, without its gates. */
export async function call(
  bench: Bench,
  name: string,
  input: unknown = {},
  signal?: AbortSignal,
): Promise<ToolResult<any>> {
  const tool = toolNamed(name);
  const result = await tool.run(tool.input.parse(input), contextOf(bench, 'validator', signal));
  return { data: tool.output.parse(result.data), provenance: result.provenance };
}

export async function preview(bench: Bench, name: string, input: unknown = {}): Promise<Record<string, unknown>> {
  const tool = toolNamed(name);
  if (tool.preview === undefined) throw new Error(`${name} has no preview`);
  return tool.preview(tool.input.parse(input), contextOf(bench));
}

/** Lets a manual clock go on, a second at a time, until the work is done. */
export async function whileTimePasses<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  const waiting = new Set([work]);
  const end = (): void => waiting.clear();
  work.then(end, end);
  while (waiting.size > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.pending > 0) await clock.advance(1000);
  }
  return work;
}
