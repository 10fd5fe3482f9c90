import type { RunnableConfig } from '@langchain/core/runnables';
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  compareWritesSortKeys,
  getCheckpointId,
  maxChannelVersion,
  type PendingWrite,
  type SerializerProtocol,
  TASKS,
  WRITES_IDX_MAP,
  type WritesSortKey,
  writesSortKey,
} from '@langchain/langgraph-checkpoint';
import type { Database, SqlRow, SqlValue } from '../../infra/duckdb/database.ts';
import type { Clock } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { decodeValue, encodeValue } from './encoding.ts';
import { emptyRow, type LogRow, type Refs, textOf } from './log.ts';
import { configOf, type Place, placeOf, text } from './place.ts';
import { pruneThread } from './prune.ts';
import { RefCache } from './refs.ts';
import { CheckpointRows, type RowsOptions } from './rows.ts';
import { StepSerializer } from './step-serializer.ts';

export interface SaverOptions extends RowsOptions {
  readonly serde?: SerializerProtocol | undefined;
}

/**
 * LangGraph's checkpoints in the operations database. `put` and `putWrites` resolve when the data is durable; what is
 * put within one turn of the event loop, or while the disk is busy, shares one commit. With a `journal` that is one
 * `fdatasync` of an append-only file; its rows move into the table half a second later, or when they are read. A
 * channel's value is stored once for all checkpoints that have it. One saver a database: it numbers the rows. Close it
 * before the database.
 */
export class DuckDBSaver extends BaseCheckpointSaver implements AsyncDisposable {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #rows: CheckpointRows;
  readonly #refs: RefCache;

  private constructor(db: Database, options: SaverOptions, rows: CheckpointRows) {
    super(options.serde ?? new StepSerializer());
    this.#db = db;
    this.#clock = options.clock;
    this.#rows = rows;
    this.#refs = new RefCache(db, rows);
  }

  /**
   * Creates the table when it is missing and takes up what an earlier process left in the journal. Throws Corrupt for
   * a journal that is damaged before its end.
   */
  static async open(db: Database, options: SaverOptions): Promise<DuckDBSaver> {
    return new DuckDBSaver(db, options, await CheckpointRows.open(db, options));
  }

  /** Durable commits made so far. */
  get commits(): number {
    return this.#rows.commits;
  }

  /** Moves everything into the table and closes the journal. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rows.close();
  }

  /** The checkpoint of the config's id, or the newest of its thread and namespace. */
  async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const thread = text(config, 'thread_id');
    if (thread === undefined) return undefined;
    const id = getCheckpointId(config);
    const place = { thread, ns: text(config, 'checkpoint_ns') ?? '' };
    await this.#rows.ready(place);
    const [head] = await this.#db.all(
      `SELECT * FROM checkpoint_log WHERE kind = 'checkpoint' AND thread_id = ? AND checkpoint_ns = ?
       ${id === '' ? '' : 'AND checkpoint_id = ?'} ORDER BY checkpoint_id DESC, n DESC LIMIT 1`,
      id === '' ? [place.thread, place.ns] : [place.thread, place.ns, id],
    );
    return head === undefined ? undefined : this.#load(head, place);
  }

  /** Newest first. */
  async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    await this.#rows.ready();
    const { before, filter, limit = Infinity } = options;
    const conditions: string[] = ["kind = 'checkpoint'"];
    const params: SqlValue[] = [];
    const add = (sql: string, value: string | undefined): void => {
      if (value === undefined || value === '') return;
      conditions.push(sql);
      params.push(value);
    };
    add('thread_id = ?', text(config, 'thread_id'));
    const ns = text(config, 'checkpoint_ns');
    if (ns !== undefined) {
      conditions.push('checkpoint_ns = ?');
      params.push(ns);
    }
    add('checkpoint_id = ?', getCheckpointId(config));
    add('checkpoint_id < ?', before === undefined ? undefined : getCheckpointId(before));
    const heads = await this.#db.all(
      `SELECT thread_id, checkpoint_ns, metadata_encoding, metadata, n FROM checkpoint_log
       WHERE ${conditions.join(' AND ')}
       QUALIFY row_number() OVER (PARTITION BY thread_id, checkpoint_ns, checkpoint_id ORDER BY n DESC) = 1
       ORDER BY checkpoint_id DESC`,
      params,
    );
    let given = 0;
    for (const head of heads) {
      if (given >= limit) return;
      if (filter !== undefined && !matches(await this.#metadata(head), filter)) continue;
      const [row] = await this.#db.all('SELECT * FROM checkpoint_log WHERE n = CAST(? AS BIGINT)', [Number(head['n'])]);
      if (row === undefined) continue;
      given += 1;
      yield await this.#load(row, { thread: textOf(row, 'thread_id'), ns: textOf(row, 'checkpoint_ns') });
    }
  }

  /** Resolves when the checkpoint is durable. Throws InvalidInput without a thread id. */
  async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const place = placeOf(config, 'checkpoint');
    const parent = getCheckpointId(config);
    const { channel_values: values, ...rest } = checkpoint;
    const [body, meta] = await Promise.all([encodeValue(this.serde, rest), encodeValue(this.serde, metadata)]);
    const refs: Record<string, readonly [string, string]> = {};
    const rows: LogRow[] = [];
    const known = await this.#refs.of(place, [checkpoint.id, parent]);
    for (const [channel, version] of Object.entries(checkpoint.channel_versions)) {
      const held = known[channel];
      if (Object.hasOwn(newVersions, channel)) {
        if (!Object.hasOwn(values, channel)) continue;
        const { encoding, text: value } = await encodeValue(this.serde, values[channel]);
        rows.push({ ...emptyRow('blob', place, checkpoint.id), channel, version: String(version), encoding, value });
        refs[channel] = [checkpoint.id, String(version)];
      } else if (held?.[1] === String(version)) refs[channel] = held;
      else if (Object.hasOwn(values, channel)) {
        const found = await this.#refs.find(place, channel, String(version));
        if (found !== undefined) refs[channel] = [found, String(version)];
      }
    }
    rows.push({
      ...emptyRow('checkpoint', place, checkpoint.id),
      parent_id: parent === '' ? null : parent,
      encoding: body.encoding,
      value: body.text,
      metadata_encoding: meta.encoding,
      metadata: meta.text,
      refs: JSON.stringify(refs),
    });
    // Known at once, since the next checkpoint may be put before this one is durable; forgotten when it fails.
    this.#refs.remember(place, checkpoint.id, refs);
    try {
      await this.#rows.append(rows);
    } catch (error) {
      this.#refs.forget(place.thread);
      throw error;
    }
    return configOf(place, checkpoint.id);
  }

  /** Resolves when the writes are durable. Throws InvalidInput without a thread or checkpoint id. */
  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string, taskPath = ''): Promise<void> {
    const place = placeOf(config, 'writes');
    const id = getCheckpointId(config);
    if (id === '') throw new InvalidInput('pending writes need a checkpoint_id in the configurable of their config');
    const rows = await Promise.all(
      writes.map(async ([channel, value], i): Promise<LogRow> => {
        const { encoding, text: encoded } = await encodeValue(this.serde, value);
        const idx = WRITES_IDX_MAP[channel] ?? i;
        const row = { ...emptyRow('write', place, id), task_id: taskId, task_path: taskPath };
        return { ...row, idx, channel, encoding, value: encoded };
      }),
    );
    await this.#rows.append(rows);
  }

  /** Deletes all of a thread. */
  async deleteThread(threadId: string): Promise<void> {
    this.#refs.forget(threadId);
    await this.#rows.deleteThread(threadId);
  }

  /**
   * Keeps the newest `keep` checkpoints of each namespace of the threads, with their values and writes, and deletes
   * what is older. For threads that are finished: nothing older can be resumed or forked afterwards.
   */
  async prune(threadIds: readonly string[], keep = 1): Promise<{ readonly rows: number }> {
    await this.#rows.ready();
    let rows = 0;
    for (const thread of threadIds) {
      rows += await pruneThread(this.#db, thread, keep);
      this.#refs.forget(thread);
    }
    return { rows };
  }

  /** Threads to which nothing was written for `forMs`: candidates for `prune` or `deleteThread` once their runs ended. */
  async idleThreads(forMs: number): Promise<readonly string[]> {
    await this.#rows.ready();
    const rows = await this.#db.all(
      `SELECT thread_id FROM checkpoint_log GROUP BY thread_id
       HAVING max(created_at) < make_timestamp(CAST(? AS BIGINT)) ORDER BY thread_id`,
      [(this.#clock.now() - forMs) * 1000],
    );
    return rows.map((found) => textOf(found, 'thread_id'));
  }

  /** Resolves when everything put so far is in the table. */
  flush(): Promise<void> {
    return this.#rows.ready();
  }

  async #metadata(head: SqlRow): Promise<CheckpointMetadata> {
    const encoded = { encoding: textOf(head, 'metadata_encoding'), text: textOf(head, 'metadata') };
    return (await decodeValue(this.serde, encoded)) as CheckpointMetadata;
  }

  async #load(head: SqlRow, place: Place): Promise<CheckpointTuple> {
    const id = textOf(head, 'checkpoint_id');
    const refs = JSON.parse(textOf(head, 'refs')) as Refs;
    this.#refs.remember(place, id, refs);
    const holders = [...new Set(Object.values(refs).map(([holder]) => holder))];
    const rows = await this.#db.all(
      `SELECT kind, checkpoint_id, task_id, task_path, idx, channel, encoding, value FROM checkpoint_log
       WHERE thread_id = ? AND checkpoint_ns = ? AND ((kind = 'write' AND checkpoint_id = ?)
         OR (kind = 'blob' AND checkpoint_id IN (${['NULL', ...holders.map(() => '?')].join(', ')}))) ORDER BY n`,
      [place.thread, place.ns, id, ...holders],
    );
    const body = { encoding: textOf(head, 'encoding'), text: textOf(head, 'value') };
    const rest = (await decodeValue(this.serde, body)) as Omit<Checkpoint, 'channel_values'>;
    const checkpoint: Checkpoint = { ...rest, channel_values: await this.#values(rows, refs) };
    const parent = textOf(head, 'parent_id');
    if (checkpoint.v < 4 && parent !== '') await this.#addPendingSends(checkpoint, place, parent);
    const tuple: CheckpointTuple = {
      config: configOf(place, id),
      checkpoint,
      metadata: await this.#metadata(head),
      pendingWrites: await this.#writes(rows),
    };
    if (parent !== '') tuple.parentConfig = configOf(place, parent);
    return tuple;
  }

  /** Before format 4 the sends that wait were kept as writes of the parent; now they are a channel. */
  async #addPendingSends(checkpoint: Checkpoint, place: Place, parent: string): Promise<void> {
    const rows = await this.#db.all(
      `SELECT kind, task_id, task_path, idx, channel, encoding, value FROM checkpoint_log
       WHERE kind = 'write' AND thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ? ORDER BY n`,
      [place.thread, place.ns, parent],
    );
    const sends = (await this.#writes(rows)).filter(([, channel]) => channel === TASKS);
    const versions = Object.values(checkpoint.channel_versions);
    checkpoint.channel_values[TASKS] = sends.map(([, , value]) => value);
    checkpoint.channel_versions[TASKS] =
      versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined);
  }

  async #values(rows: readonly SqlRow[], refs: Refs): Promise<Record<string, unknown>> {
    const texts = new Map<string, SqlRow>();
    for (const found of rows) {
      const channel = textOf(found, 'channel');
      if (found['kind'] === 'blob' && refs[channel]?.[0] === found['checkpoint_id']) texts.set(channel, found);
    }
    const entries = [...texts].map(
      async ([channel, found]): Promise<[string, unknown]> => [channel, await this.#decode(found)],
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  /**
   * In the order in which a live superstep applies them, whatever order they arrived in. The first of a task's ordinary
   * writes counts, the last of the special ones (error, interrupt …).
   */
  async #writes(rows: readonly SqlRow[]): Promise<CheckpointPendingWrite[]> {
    const kept = new Map<string, SqlRow>();
    for (const found of rows) {
      if (found['kind'] !== 'write') continue;
      const key = JSON.stringify([found['task_id'], found['idx']]);
      if (Number(found['idx']) < 0 || !kept.has(key)) kept.set(key, found);
    }
    const ordered = [...kept.values()]
      .map((found) => ({ found, key: sortKeyOf(found) }))
      .sort((a, b) => compareWritesSortKeys(a.key, b.key));
    return Promise.all(
      ordered.map(
        async ({ found }): Promise<CheckpointPendingWrite> => [
          textOf(found, 'task_id'),
          textOf(found, 'channel'),
          await this.#decode(found),
        ],
      ),
    );
  }

  #decode(found: SqlRow): Promise<unknown> {
    return decodeValue(this.serde, { encoding: textOf(found, 'encoding'), text: textOf(found, 'value') });
  }
}

const sortKeyOf = (row: SqlRow): WritesSortKey =>
  writesSortKey(textOf(row, 'task_path'), textOf(row, 'task_id'), Number(row['idx']));

function matches(metadata: CheckpointMetadata, filter: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(filter).every(([key, value]) => (metadata as Record<string, unknown>)[key] === value);
}
