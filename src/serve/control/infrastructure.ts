import { statfs } from 'node:fs/promises';
import { errorMessage } from '../../kit/errors.ts';
import type { DeskHost } from '../runtime/contract.ts';
import { VERSION } from '../version.ts';

/** One part of what the desk stands on. */
export interface PartHealth {
  readonly ok: boolean;
  /** Whether the desk as a whole is unhealthy without it. */
  readonly required: boolean;
  readonly error: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface InfrastructureHealth {
  readonly healthy: boolean;
  readonly version: string;
  readonly parts: Readonly<Record<string, PartHealth>>;
  readonly timestamp: string;
}

/** What a database may take to answer. */
const ANSWER_MS = 2000;
/** Free disk below which nothing can be relied on. */
const LEAST_DISK_BYTES = 100 * 1024 * 1024;

/** Asks databases, journal, collectors, tape, disk and MCP servers how they are, now. Throws Conflict before `initialize`. */
export async function infrastructure(host: DeskHost): Promise<InfrastructureHealth> {
  const { runtime } = host;
  const { clock, dataDir } = host.facts();
  const { operations, market, crews } = runtime;
  const timed = async (work: () => Promise<unknown>): Promise<PartHealth> => {
    const began = clock.monotonicMs();
    return attempt(async () => {
      await work();
      return { latency_ms: Math.round(clock.monotonicMs() - began) };
    });
  };
  const limits = { maxRows: 1, timeoutMs: ANSWER_MS };
  const [operationsDatabase, marketDatabase, disk] = await Promise.all([
    timed(() => operations.db.query('SELECT 1', limits)),
    timed(() => market.store.query('SELECT 1', limits)),
    attempt(() => freeDisk(dataDir)),
  ]);
  const parts: Record<string, PartHealth> = {
    operations_database: operationsDatabase,
    market_database: marketDatabase,
    event_journal: journalPart(host),
    ...collectorParts(host),
    disk,
    ...Object.fromEntries(
      crews.mcpServers
        .list()
        .map(({ id, state, last_error: error }) => [
          `mcp_server_${id}`,
          { ok: state !== 'failed', required: false, error, details: { state } },
        ]),
    ),
    process: { ok: true, required: false, error: null, details: processDetails() },
  };
  return {
    healthy: Object.values(parts).every(({ ok, required }) => ok || !required),
    version: VERSION,
    parts,
    timestamp: new Date(clock.now()).toISOString(),
  };
}

function journalPart({ runtime }: DeskHost): PartHealth {
  const { journal } = runtime.operations;
  const { failing, pending, lastSeq, committedSeq } = journal;
  return {
    ok: !failing,
    required: true,
    error: failing ? 'events cannot be committed, and wait' : null,
    details: { last_seq: lastSeq, committed_seq: committedSeq, pending },
  };
}

/** The tape and the store, and each venue that is collected: one that is not connected does not fail the others. */
function collectorParts(host: DeskHost): Readonly<Record<string, PartHealth>> {
  const status = host.runtime.market.collector.status();
  const { checks } = host.getHealth();
  const venues = new Map<string, (typeof status.connections)[number][]>();
  for (const connection of status.connections)
    venues.set(connection.exchange, [...(venues.get(connection.exchange) ?? []), connection]);
  const trouble = status.tape.error ?? status.store_error;
  return {
    collectors: {
      ok: checks['collectors_ok'] === true,
      required: true,
      error: trouble,
      details: { running: status.running, store_lag_ms: status.store_lag_ms, tape_bytes: status.tape.bytes },
    },
    ...Object.fromEntries(
      [...venues].map(([venue, connections]) => {
        const connected = connections.filter((c) => c.state === 'connected').length;
        const stopped = connections.every((c) => c.state === 'stopped');
        const error = connections.find((c) => c.last_error !== null && c.state !== 'connected')?.last_error ?? null;
        const details = { connected, connections: connections.length };
        return [`venue_${venue}`, { ok: connected > 0 || stopped, required: false, error, details }];
      }),
    ),
  };
}

async function freeDisk(dataDir: string): Promise<Readonly<Record<string, unknown>>> {
  const { bavail, blocks, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  if (free < LEAST_DISK_BYTES) throw new Error(`only ${free} bytes are free in ${dataDir}`);
  return { free_bytes: free, total_bytes: blocks * bsize };
}

function processDetails(): Readonly<Record<string, unknown>> {
  return { pid: process.pid, node: process.version, resident_bytes: process.memoryUsage().rss };
}

async function attempt(work: () => Promise<Readonly<Record<string, unknown>>>): Promise<PartHealth> {
  try {
    return { ok: true, required: true, error: null, details: await work() };
  } catch (error) {
    return { ok: false, required: true, error: errorMessage(error), details: {} };
  }
}
