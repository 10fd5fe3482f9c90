import { systemClock } from '../infra/clock.ts';
import type { RunDocument } from '../crew/index.ts';
import { mergeUsage as mergeModelUsage } from '../crew/model/usage.ts';
import { soloCrewId } from '../crew/run/solo.ts';
import { type Ms, sleep } from '../kit/clock.ts';
import { Conflict, isAbort, NotFound } from '../kit/errors.ts';
import { didYouMean } from '../kit/nearest.ts';
import type { ControlAddress } from './control/address.ts';
import { connectDesk } from './control/client.ts';
import { CrewController } from './controller.ts';
import type { Desk } from './desk.ts';
import { addressAfter, runningController } from './open.ts';
import type { ControllerOptions } from './options.ts';
import { needsMarket } from './runtime/needs.ts';

export interface SessionOptions {
  readonly options: ControllerOptions;
  readonly crew: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly shadow: boolean | undefined;
  /** Work this long from the first connection; undefined: one round. */
  readonly durationMs: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/** Between the rounds of a crew that works for a given time. */
const ROUND_PAUSE_MS = 2000;
const ISSUES_SHOWN = 1000;

/**
 * Runs a crew once, or for a given time, and gives one document. A controller that runs on the data folder does it;
 * else one is started for the purpose, with the behaviours of the crew when it works for a time, and without collectors
 * when none of its tools needs the market. Throws Conflict when
 * a running controller would have to be something else than it is.
 */
export async function runCrew(session: SessionOptions): Promise<RunDocument> {
  const began = systemClock.now();
  const onWait = (pid: number): void =>
    session.onProgress(`waiting for process ${pid}, which is opening or closing the data folder …`);
  const address = await runningController(session.options, session.signal, onWait);
  if (address !== undefined) return rounds(remote(address, session), session, began);
  await using controller = new CrewController({ ...session.options, shadow: session.shadow });
  session.onProgress('starting …');
  try {
    await controller.initialize();
  } catch (error) {
    const taken = await addressAfter(error, session.options, session.signal, onWait);
    return await rounds(remote(taken, session), session, began);
  }
  const { config } = controller.runtime;
  const crews = config.crews.map(({ id }) => id);
  const known = [...crews, ...config.agents.map(({ id }) => soloCrewId(id))];
  if (!known.includes(session.crew)) {
    throw new NotFound(
      `there is no crew '${session.crew}'${didYouMean(session.crew, known)}; crews: ${crews.join(', ')}`,
    );
  }
  await controller.start({
    shadow: session.shadow,
    autonomous: session.durationMs !== undefined,
    crews: [session.crew],
    collect: needsMarket(config, [session.crew]),
    signal: session.signal,
  });
  return await rounds(controller.desk, session, began);
}

/** The controller at the address, unless it was asked to have another source than it has. */
function remote(address: ControlAddress, { options }: SessionOptions): Desk {
  const { source, exchanges, symbols, simulator } = options;
  const own = [source, exchanges, symbols, simulator?.faults, simulator?.seed, simulator?.speed];
  if (own.every((option) => option === undefined)) return connectDesk(address);
  throw new Conflict(
    `a controller runs on this data folder (process ${address.pid}) with a source of its own: leave the source options out, or choose another folder with --data`,
  );
}

async function rounds(desk: Desk, session: SessionOptions, began: Ms): Promise<RunDocument> {
  const { durationMs, signal, crew } = session;
  const started = systemClock.monotonicMs();
  const left = (): number => (durationMs ?? 0) - (systemClock.monotonicMs() - started);
  const documents: RunDocument[] = [];
  do {
    session.onProgress(
      `round ${documents.length + 1}${durationMs === undefined ? '' : `, ${Math.max(0, Math.ceil(left() / 1000))} s left`}`,
    );
    const document = await desk.kickoff(
      { crew, inputs: session.inputs, shadow: session.shadow, trigger: 'cli' },
      { signal },
    );
    documents.push(document);
    if (
      signal.aborted ||
      document.status === 'failed' ||
      document.status === 'waiting' ||
      document.status === 'suspended'
    )
      break;
    await pause(Math.min(ROUND_PAUSE_MS, left()), signal);
  } while (left() > 0 && !isAborted(signal));
  if (durationMs !== undefined) await pause(left(), signal);
  // Once the market is closed, nothing can tell what came of the proposals.
  if (documents.at(-1)?.mode === 'shadow' && !isAborted(signal)) await desk.shadowReport();
  return finish(desk, documents, began);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await sleep(systemClock, ms, signal).catch((error: unknown) => {
    if (!isAbort(error) && !signal.aborted) throw error;
  });
}

/** One document of several rounds: each task as it ended last, all calls, proposals, issues and events together. */
async function finish(desk: Desk, documents: readonly RunDocument[], since: Ms): Promise<RunDocument> {
  const last = documents.at(-1);
  const first = documents[0];
  if (last === undefined || first === undefined) throw new Conflict('no round was run');
  const events = await desk.events({ since, limit: 100_000 });
  const byType: Record<string, number> = {};
  for (const event of events) byType[event.type] = (byType[event.type] ?? 0) + 1;
  return {
    ...last,
    run_id: first.run_id,
    status: documents.find((d) => d.status !== 'completed')?.status ?? 'completed',
    started_at: first.started_at,
    finished_at: new Date(systemClock.now()).toISOString(),
    tasks: mergeTasks(documents),
    ...(last.source === null ? {} : await marketPart(desk, since, last)),
    events: { total: events.length, by_type: byType },
    proposed_actions: documents.flatMap((d) => d.proposed_actions),
    effects: documents.flatMap((d) => d.effects),
    usage: mergeUsage(documents),
  };
}

/** What the market came to at the end; a crew without a market has none of it. */
async function marketPart(desk: Desk, since: Ms, last: RunDocument): Promise<Partial<RunDocument>> {
  const status = await desk.status();
  return {
    streams: status.streams,
    quality_issues: await issuesSince(desk, since),
    health_score: status.health_score ?? last.health_score,
  };
}

function mergeTasks(documents: readonly RunDocument[]): RunDocument['tasks'] {
  const tasks = new Map<string, RunDocument['tasks'][number]>();
  for (const task of documents.flatMap((d) => d.tasks)) {
    const before = tasks.get(task.id);
    const ran = task.status === 'completed' || task.status === 'failed' || before === undefined;
    tasks.set(task.id, { ...(ran ? task : before), tool_calls: [...(before?.tool_calls ?? []), ...task.tool_calls] });
  }
  return [...tasks.values()];
}

/** The issues of the whole time, as they stand at its end. */
async function issuesSince(desk: Desk, since: Ms): Promise<readonly unknown[]> {
  const from = new Date(since).toISOString().slice(0, -1);
  const sql = `SELECT * FROM quality_issues WHERE detected_at >= TIMESTAMP '${from}' ORDER BY id`;
  return (await desk.query({ sql, maxRows: ISSUES_SHOWN, timeoutMs: 10_000, database: 'ops' })).rows;
}

function mergeUsage(documents: readonly RunDocument[]): RunDocument['usage'] {
  const usages = documents.map((d) => d.usage);
  const sum = (pick: (usage: RunDocument['usage']) => number): number =>
    usages.reduce((total, usage) => total + pick(usage), 0);
  const sources = [...new Set(usages.map((u) => u.source).filter((s) => s !== null))];
  return {
    model_calls: sum((u) => u.model_calls),
    failed_calls: sum((u) => u.failed_calls),
    input_tokens: sum((u) => u.input_tokens),
    output_tokens: sum((u) => u.output_tokens),
    total_tokens: sum((u) => u.total_tokens),
    tool_calls: sum((u) => u.tool_calls),
    cost_usd: sum((u) => u.cost_usd),
    unknown_cost_calls: sum((u) => u.unknown_cost_calls),
    source: sources.length === 0 ? null : sources.length === 1 ? (sources[0] ?? null) : 'mixed',
    by_model: mergeModelUsage(...usages.map((u) => u.by_model)),
  };
}

/** Read anew each time: an abort may come while waiting. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
