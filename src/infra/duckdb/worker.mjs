// @ts-check
/**
 * The one thread that owns a DuckDB file. Plain JavaScript, so that a worker can load it unbuilt.
 * Writes run one after another on one connection; reads run on a small pool of their own.
 */
import { existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { append } from './append.mjs';
import { DuckDBInstance, DuckDBResultReader } from './driver.mjs';
import { assertReads } from './guard.mjs';
import { MemoryRoom, saysShort } from './memory.mjs';
import { Offers } from './offer.mjs';
import { fromValue, toDisplay, toParam } from './values.mjs';

/** @typedef {import('./protocol.ts').Opening} Opening */
/** @typedef {import('./protocol.ts').Request} Request */
/** @typedef {import('./protocol.ts').Statement} Statement */
/** @typedef {import('@duckdb/node-api').DuckDBConnection} Connection */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
/** @type {Opening} */
const { path, options, mostMemory, folders, readers: readerCount, onConnect, offering } = await opening();

/** Longest that a rewrite or a reopening waits for reads under way before it interrupts them, ms. */
const DRAIN_MS = 5000;

const offers = new Offers(offering);
const memory = new MemoryRoom(String(options['memory_limit']), mostMemory);

/** @type {import('@duckdb/node-api').DuckDBInstance | undefined} */
let instance;
/** @type {Connection} */
let writer;
/** @type {Connection[]} */
const idleReaders = [];
/** @type {((connection: Connection) => void)[]} */
const readerQueue = [];
/** @type {Map<number, { connection: Connection | null, cancelled: boolean }>} */
const running = new Map();
/** @type {Promise<unknown>} */
let writeTail = Promise.resolve();
/** A transaction of the writer that goes on in the next request. */
let open = false;
const ONLY_ITS_OWN = 'a transaction is open: only its own statements can be run';
/** After a failed write DuckDB may refuse everything until the file is opened anew. */
let invalidated = false;

/** Until the first message the thread only holds the driver ready. @returns {Promise<Opening>} */
function opening() {
  return new Promise((resolve) => port.once('message', resolve));
}

/** @param {Connection} connection @param {Statement} statement */
async function execute(connection, statement) {
  if ('append' in statement) {
    await append(connection, statement.append);
    return { rows: [], changed: statement.append.rows };
  }
  if ('offer' in statement) {
    offers.put(statement.offer);
    return { rows: [], changed: 0 };
  }
  const result = await connection.run(statement.sql, statement.params?.map(toParam));
  const columns = result.columnNames();
  const rows = await result.getRows();
  return {
    rows: rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, fromValue(row[i])]))),
    changed: result.rowsChanged,
  };
}

/** @template T @param {() => Promise<T>} work @param {() => Promise<boolean>} [mayRepeat] after it ran out of memory: all of it was undone @returns {Promise<T>} */
function exclusively(work, mayRepeat = async () => true) {
  const checked = () =>
    memory.run(async () => {
      if (invalidated) await reopen();
      try {
        return await work();
      } catch (error) {
        noteHalf(error);
        throw error;
      }
    }, mayRepeat);
  const next = writeTail.then(checked, checked);
  writeTail = next.catch(() => undefined);
  return next;
}

/** Several statements in one text are several commits: the first ones stand when a later one fails. @param {Statement} statement */
async function isOne(statement) {
  return 'sql' in statement && (await writer.extractStatements(statement.sql)).count === 1;
}

/** @param {Extract<Request, { op: 'transaction' }>} request */
async function transaction({ statements, continues, staysOpen, givesBack }) {
  if (open && !continues) throw new Error(ONLY_ITS_OWN);
  // A reader's failure can make the file be opened anew in between.
  if (continues && !open) throw new Error('the transaction was taken back: what its parts did is gone');
  // A part that runs out of memory takes the others with it, and cannot be done again alone.
  if (staysOpen) await memory.hold();
  if (!open) await writer.run('BEGIN');
  open = true;
  try {
    /** @type {{ rows: unknown[], changed: number }[]} */
    const results = [];
    for (const statement of statements) {
      const skip = 'sql' in statement ? statement.unlessChanged : undefined;
      if (skip !== undefined && results[skip.statement]?.changed === skip.rows) results.push({ rows: [], changed: 0 });
      else results.push(await execute(writer, statement));
    }
    if (!staysOpen) {
      await writer.run('COMMIT');
      open = false;
      memory.letGo();
    }
    return { results, memory: givesBack ? offers.memory() : [] };
  } catch (error) {
    await rollback();
    throw error;
  } finally {
    offers.clear();
  }
}

async function rollback() {
  memory.letGo();
  if (!open) return;
  open = false;
  try {
    await memory.run(
      () => writer.run('ROLLBACK'),
      async () => true,
    );
  } catch (error) {
    // A commit that failed has taken all back. What could not be taken back is gone when the file is opened anew.
    if (!/no transaction is active/.test(String(/** @type {any} */ (error)?.message))) invalidated = true;
  }
}

/** @template T @param {() => Promise<T>} work @param {() => Promise<boolean>} [mayRepeat] @returns {Promise<T>} */
function alone(work, mayRepeat) {
  return exclusively(() => {
    if (open) throw new Error(ONLY_ITS_OWN);
    return work();
  }, mayRepeat);
}

/** @returns {Promise<Connection>} */
function takeReader() {
  const idle = idleReaders.pop();
  return idle ? Promise.resolve(idle) : new Promise((resolve) => readerQueue.push(resolve));
}

/** @param {Connection} connection */
function giveReader(connection) {
  const next = readerQueue.shift();
  if (next) next(connection);
  else idleReaders.push(connection);
}

/** @param {number} id @param {(connection: Connection) => Promise<unknown>} work */
async function reading(id, work) {
  if (invalidated) await exclusively(async () => undefined);
  const entry = { connection: /** @type {Connection | null} */ (null), cancelled: false };
  running.set(id, entry);
  const connection = await takeReader();
  try {
    if (entry.cancelled) throw new Error('INTERRUPT Error: cancelled before it began');
    entry.connection = connection;
    return await memory.run(
      () => work(connection),
      async () => !entry.cancelled,
    );
  } finally {
    running.delete(id);
    giveReader(connection);
  }
}

/** A user's query: one read statement in a read-only transaction, rows up to the limit, values as JSON would show them. @param {Connection} connection @param {string} sql @param {number} maxRows */
async function userQuery(connection, sql, maxRows) {
  await assertReads(connection, sql);
  await connection.run('BEGIN TRANSACTION READ ONLY');
  try {
    const reader = new DuckDBResultReader(await connection.stream(sql));
    await reader.readUntil(maxRows + 1);
    const names = reader.deduplicatedColumnNames();
    const types = reader.columnTypes().map(String);
    const rows = reader
      .getRows()
      .slice(0, maxRows)
      .map((row) => Object.fromEntries(names.map((name, i) => [name, toDisplay(row[i], types[i])])));
    return {
      columns: names.map((name, i) => ({ name, type: types[i] })),
      rows,
      truncated: reader.currentRowCount > maxRows || !reader.done,
    };
  } finally {
    await connection.run('ROLLBACK').catch(() => undefined);
  }
}

/** Writes the live rows to a new file and puts it in the place of the old one: the only way to give disk back. @param {string} target */
async function rewrite(target) {
  const before = statSync(path).size;
  rmSync(target, { force: true });
  rmSync(`${target}.wal`, { force: true });
  const source = (await writer.runAndReadAll('SELECT current_database()')).getRows()[0]?.[0];
  await writer.run(`ATTACH '${target.replaceAll("'", "''")}' AS rewritten`);
  try {
    await writer.run(`COPY FROM DATABASE "${String(source).replaceAll('"', '""')}" TO rewritten`);
    await writer.run('CHECKPOINT rewritten');
  } catch (error) {
    await writer.run('DETACH rewritten').catch(() => undefined);
    rmSync(target, { force: true });
    rmSync(`${target}.wal`, { force: true });
    throw error;
  }
  await writer.run('DETACH rewritten');
  await writer.run('CHECKPOINT');
  const connections = await drainReaders();
  await shut(connections);
  if (existsSync(`${path}.wal`) || existsSync(`${target}.wal`)) {
    rmSync(target, { force: true });
    await openFile();
    throw new Error('the file was not rewritten: its log could not be folded in first');
  }
  const kept = `${path}.before`;
  rmSync(kept, { force: true });
  linkSync(path, kept);
  renameSync(target, path);
  try {
    await openFile();
  } catch (error) {
    renameSync(kept, path);
    await openFile();
    throw error;
  }
  rmSync(kept, { force: true });
  return { bytesBefore: before, bytesAfter: statSync(path).size };
}

/** Takes every reader, interrupting those that take too long. @returns {Promise<Connection[]>} */
async function drainReaders() {
  const timer = setTimeout(() => {
    for (const entry of running.values()) entry.connection?.interrupt();
  }, DRAIN_MS);
  const taken = [];
  for (let i = 0; i < readerCount; i++) taken.push(await takeReader());
  clearTimeout(timer);
  return taken;
}

/** @param {readonly Connection[]} readers */
async function shut(readers) {
  await memory.detach();
  for (const connection of readers) connection.closeSync();
  writer.closeSync();
  instance?.closeSync();
  instance = undefined;
}

async function reopen() {
  open = false;
  memory.letGo();
  await shut(await drainReaders());
  await openFile();
  invalidated = false;
}

/** Folds the log into the file if that can be done. Gives why it could not: the log is kept then, and read when the file opens. @returns {Promise<string | undefined>} */
async function closing() {
  let unfolded;
  await rollback();
  if (options.access_mode !== 'READ_ONLY') {
    await writer.run('CHECKPOINT').catch((error) => {
      unfolded = String(error?.message ?? error);
    });
  }
  await shut(await drainReaders());
  return unfolded;
}

/** A commit that ran out of memory was seen to leave columns of unequal length in memory; the file has none of it. @param {unknown} error */
function noteHalf(error) {
  if (saysShort(error) && /Failed to commit/.test(String(/** @type {any} */ (error)?.message))) invalidated = true;
}

/** @param {unknown} error */
function noteFatal(error) {
  if (/FATAL Error|has been invalidated/.test(String(/** @type {any} */ (error)?.message))) invalidated = true;
}

/** @param {Request} request @returns {Promise<unknown>} */
async function handle(request) {
  switch (request.op) {
    case 'write':
      return alone(
        () => execute(writer, request.statement),
        () => isOne(request.statement),
      );
    case 'transaction':
      return exclusively(
        () => transaction(request),
        async () => !request.continues,
      );
    case 'rollback':
      return exclusively(rollback);
    case 'memory':
      return request.more ? memory.need() : memory.release();
    case 'rewrite':
      return alone(() => rewrite(request.target));
    case 'read':
      return reading(request.id, (connection) => execute(connection, { sql: request.sql, params: request.params }));
    case 'query':
      return reading(request.id, (connection) => userQuery(connection, request.sql, request.maxRows));
    case 'cancel': {
      const entry = running.get(request.target);
      if (entry) {
        entry.cancelled = true;
        entry.connection?.interrupt();
      }
      return undefined;
    }
    case 'close':
      await writeTail;
      if (instance === undefined) return undefined;
      return closing();
  }
}

/**
 * Opens the file with every door but its own closed to SQL; DuckDB lets none of them be opened again. A log that a kill
 * left behind is read with the larger limit: rows deleted all over a large table take more than the usual one.
 */
async function openFile() {
  const opened = await DuckDBInstance.create(path, { ...options, memory_limit: mostMemory });
  try {
    const first = await opened.connect();
    if (folders.length > 0)
      await first.run(`SET allowed_directories = [${folders.map((/** @type {string} */ f) => literal(f)).join(', ')}]`);
    await first.run("SET GLOBAL TimeZone = 'UTC'");
    await first.run('SET enable_external_access = false');
    const readers = [];
    for (let i = 0; i < readerCount; i++) readers.push(await opened.connect());
    for (const connection of [first, ...readers]) for (const sql of onConnect) await connection.run(sql);
    offers.register(first);
    await memory.attach(await opened.connect(), true);
    instance = opened;
    writer = first;
    for (const connection of readers) giveReader(connection);
  } catch (error) {
    opened.closeSync();
    throw error;
  }
}

/** @param {string} text */
function literal(text) {
  return `'${text.replaceAll("'", "''")}'`;
}

/** @param {Request} request @param {any} value @returns {ArrayBuffer[]} */
function movedBack(request, value) {
  return request.op === 'transaction' ? value.memory : [];
}

async function main() {
  await openFile();
  port.on('message', (/** @type {Request} */ request) => {
    handle(request).then(
      (value) => port.postMessage({ id: request.id, value }, movedBack(request, value)),
      (error) => {
        noteFatal(error);
        port.postMessage({ id: request.id, error: String(error?.message ?? error) });
      },
    );
  });
  port.postMessage({ id: 0, value: 'open' });
}

main().catch((error) => port.postMessage({ id: 0, error: String(error?.message ?? error) }));
