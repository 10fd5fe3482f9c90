import type { Ms, Us } from '../../kit/clock.ts';
import { AppError, InvalidInput, RateLimited, Unsupported, errorMessage } from '../../kit/errors.ts';
import { marketKey, viewName, type MarketRecord, type SeriesKey } from '../domain/records.ts';
import type { RestArgs, TapeItem } from '../domain/tape.ts';
import type { StreamSupport, VenueMarket } from '../exchanges/contract.ts';
import type { MarketStore } from '../store/contract.ts';
import type { BackfillResult } from './contract.ts';
import type { CollectEnvironment } from './environment.ts';
import { BACKFILLED, type BackfilledNote } from './ledger/notes.ts';
import type { RestClient } from './rest-client.ts';

type Missing = BackfillResult['missing'][number];
type History = NonNullable<StreamSupport['history']>;

/** [from, to) UTC ms of one series. */
export interface BackfillJob {
  readonly series: SeriesKey;
  readonly from: Ms;
  readonly to: Ms;
}

interface Running {
  readonly begun: BackfillResult;
  /** When it was begun, our time. */
  readonly asked: Us;
  readonly history: History;
  requests: number;
  records: number;
  oldest: Us | null;
  error: string | null;
  readonly missing: Missing[];
}

/** A venue that pages without end must not keep a backfill going for ever. */
const MAX_PAGES = 2_000;
const KEPT_RESULTS = 500;
/** A request that a venue refused for now is made again once the venue lets us, so often in a row. */
const MAX_REFUSALS = 5;
/** Series of a market fetched at a time; the rate limiter paces them as well. */
const AT_ONCE = 4;

/**
 * Fetches history over REST. Answers go on the tape like everything else; the store drops what it holds already. One
 * group of jobs a market at a time, so that what each stored can be counted.
 */
export class Backfills {
  readonly #environment: CollectEnvironment;
  readonly #store: MarketStore;
  readonly #results = new Map<string, BackfillResult>();
  readonly #lanes = new Map<string, Promise<unknown>>();
  readonly #running = new Map<string, Running>();
  #counter = 0;

  constructor(environment: CollectEnvironment, store: MarketStore) {
    this.#environment = environment;
    this.#store = store;
  }

  /** Newest last; those of the last 500 jobs. */
  results(): readonly BackfillResult[] {
    return [...this.#results.values()];
  }

  /** To be called for every record, so that a job knows what its answers held. */
  note(item: TapeItem, record: MarketRecord): void {
    if (this.#running.size === 0 || item.kind !== 'rest' || item.origin !== 'backfill' || record.stream === 'book')
      return;
    const job = this.#running.get(viewName({ ...record, stream: record.stream }));
    if (job === undefined) return;
    job.records += 1;
    const time = record.stream === 'candles' ? record.open_time : record.event_time;
    if (job.oldest === null || time < job.oldest) job.oldest = time;
  }

  /**
   * Fetches all jobs of a market. Does not reject for what a venue does: a result says `failed` and why. Throws
   * InvalidInput for an empty interval, Unsupported for a stream without history.
   */
  run(
    market: VenueMarket,
    rest: RestClient,
    jobs: readonly BackfillJob[],
    signal?: AbortSignal,
  ): Promise<readonly BackfillResult[]> {
    const running = jobs.map((job) => this.#begin(market, job));
    const lane = marketKey(market.exchange, market.market);
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const { signal: stopped } = this.#environment;
    const either = signal === undefined ? stopped : AbortSignal.any([signal, stopped]);
    const done = before.then(() => this.#runAll(market, rest, running, either));
    this.#lanes.set(
      lane,
      done.catch(() => undefined),
    );
    return done;
  }

  /** Resolves when no job runs or waits. */
  async idle(): Promise<void> {
    await Promise.all(this.#lanes.values());
  }

  #begin(market: VenueMarket, { series, from, to }: BackfillJob): Running {
    if (!(from < to)) throw new InvalidInput(`a backfill needs from < to, not ${from} and ${to}`);
    const history = market.streams[series.stream]?.history;
    if (history === undefined) {
      throw new Unsupported(`${market.exchange} ${market.market} serves no history of '${series.stream}'`);
    }
    const id = `backfill_${(++this.#counter).toString().padStart(4, '0')}_${viewName(series)}`;
    const nothing = { requests: 0, records: 0, stored: 0, missing: [], status: 'running', error: null } as const;
    const begun: BackfillResult = { id, series, from, to, ...nothing };
    this.#keep(begun);
    const asked = this.#environment.intake.recvTime();
    return { begun, asked, history, requests: 0, records: 0, oldest: null, error: null, missing: [] };
  }

  #keep(result: BackfillResult): void {
    this.#results.set(result.id, result);
    const oldest = this.#results.keys().next().value;
    if (this.#results.size > KEPT_RESULTS && oldest !== undefined) this.#results.delete(oldest);
  }

  async #runAll(
    market: VenueMarket,
    rest: RestClient,
    jobs: readonly Running[],
    signal: AbortSignal,
  ): Promise<readonly BackfillResult[]> {
    const { intake } = this.#environment;
    const since = intake.recvTime();
    const waiting = [...jobs];
    const lane = async (): Promise<void> => {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        await this.#fetch(market, rest, job, signal);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    const stored = await this.#commit(jobs, since);
    return jobs.map((job) => {
      const { requests, records, missing, error } = job;
      const status = error === null ? 'done' : 'failed';
      const counts = { requests, records, stored: stored.get(viewName(job.begun.series)) ?? 0 };
      const result: BackfillResult = { ...job.begun, ...counts, missing, status, error };
      this.#keep(result);
      return result;
    });
  }

  async #fetch(market: VenueMarket, rest: RestClient, job: Running, signal: AbortSignal): Promise<void> {
    const { begun, history, missing } = job;
    const { series, to } = begun;
    const reach =
      history.reachMs === null ? begun.from : Math.max(begun.from, this.#environment.clock.now() - history.reachMs);
    if (reach > begun.from) {
      const reason = `the venue keeps only ${Math.round((history.reachMs ?? 0) / 60_000)} minutes of history`;
      missing.push({ from: begun.from, to: Math.min(reach, to), reason });
    }
    if (reach >= to) {
      this.#note(market, job);
      return;
    }
    const name = viewName(series);
    this.#running.set(name, job);
    try {
      const nextPage = market.rest[history.call]?.nextPage;
      let args: RestArgs | undefined = { symbol: series.symbol, from: reach, to };
      while (args !== undefined && job.requests < MAX_PAGES) {
        job.requests += 1;
        const request = { call: history.call, args, origin: 'backfill', signal } as const;
        const body: string = await askAgain(job, () => rest.ask(request));
        args = history.paged ? nextPage?.(args, body) : undefined;
      }
      if (!history.paged) missing.push(...beyond(job.oldest, reach, to));
    } catch (cause) {
      if (!(cause instanceof AppError) && !signal.aborted) throw cause;
      job.error = signal.aborted ? 'stopped before it was done' : errorMessage(cause);
      missing.push({ from: reach, to, reason: job.error });
    } finally {
      this.#running.delete(name);
      this.#note(market, job);
    }
  }

  /** What the job reached goes on the tape: no answer says by itself that it was the last. */
  #note(market: VenueMarket, { begun, asked, missing }: Running): void {
    const { series, from, to } = begun;
    const data: BackfilledNote = { symbol: series.symbol, stream: series.stream, from, to, asked, missing };
    const { intake } = this.#environment;
    const { exchange, market: name } = market;
    const connection = `${marketKey(exchange, name)}#backfill`;
    intake.push({
      kind: 'note',
      recv_time: intake.recvTime(),
      connection,
      exchange,
      market: name,
      note: BACKFILLED,
      data,
    });
  }

  /** Commits what came and counts, by series, the rows that were new. */
  async #commit(jobs: readonly Running[], since: Us): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    await this.#environment.intake.flush();
    const names = [...new Set(jobs.filter(({ records }) => records > 0).map(({ begun }) => viewName(begun.series)))];
    if (names.length === 0) return counts;
    const part = (name: string): string =>
      `SELECT '${name}' AS name, count(*) AS n FROM "${name}" WHERE origin = 'backfill' AND recv_time >= make_timestamp($1::BIGINT)`;
    const rows = await this.#store.read<{ readonly name: string; readonly n: number }>(
      names.map(part).join(' UNION ALL '),
      [since],
    );
    for (const { name, n } of rows) counts.set(name, n);
    return counts;
  }
}

/** Asks again where the venue limits our requests: the rate limiter holds each request until the venue's time is over. */
async function askAgain(job: Running, ask: () => Promise<string>): Promise<string> {
  for (let refused = 1; ; refused++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RateLimited) || refused > MAX_REFUSALS) throw error;
      job.requests += 1;
    }
  }
}

/** An answer without pages begins where the venue's memory does: what lies before it is out of reach. */
function beyond(oldest: Us | null, from: Ms, to: Ms): Missing[] {
  const begins = oldest === null ? to : Math.floor(oldest / 1000);
  if (begins <= from) return [];
  return [{ from, to: Math.min(begins, to), reason: 'the venue serves only its last records, and they begin later' }];
}
