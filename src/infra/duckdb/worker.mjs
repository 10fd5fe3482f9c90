// @ts-check
/**
 * The one thread that owns a DuckDB file. Plain JavaScript, so that a worker can load it unbuilt.
 * Writes run one after another on one connection; reads run on a small pool of their own.
 */
import { parentPort, workerData } from 'node:worker_threads';
import {
  DuckDBInstance,
  DuckDBResultReader,
  DuckDBTimestampValue,
  DuckDBTypeId,
  StatementType,
} from '@duckdb/node-api';

/** @typedef {import('./protocol.ts').Request} Request */
/** @typedef {import('./protocol.ts').Statement} Statement */
/** @typedef {import('@duckdb/node-api').DuckDBConnection} Connection */
/** @typedef {import('@duckdb/node-api').DuckDBValue} Value */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const { path, options, readers: readerCount, folders } = workerData;

/** @type {DuckDBInstance} */
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

/** @param {unknown} value @returns {Value} */
function toParam(value) {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return value;
  return /** @type {Value} */ (value);
}

/** Values as the rest of the program sees them: safe integers as numbers, timestamps as UTC µs. @param {any} value @returns {unknown} */
function fromValue(value) {
  if (typeof value === 'bigint')
    return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if ('micros' in value && typeof value.micros === 'bigint' && !('months' in value)) return Number(value.micros);
  if ('millis' in value && typeof value.millis === 'bigint') return Number(value.millis) * 1000;
  if ('bytes' in value && value.bytes instanceof Uint8Array) return value.bytes;
  if ('items' in value && Array.isArray(value.items)) return value.items.map(fromValue);
  if ('scale' in value && typeof value.toDouble === 'function') return value.toDouble();
  if ('entries' in value && !Array.isArray(value.entries)) {
    return Object.fromEntries(Object.entries(value.entries).map(([k, v]) => [k, fromValue(v)]));
  }
  return String(value);
}

/** @param {Connection} connection @param {Statement} statement */
async function execute(connection, statement) {
  if ('append' in statement) {
    await append(connection, statement.append);
    return { rows: [], changed: statement.append.rows };
  }
  const result = await connection.run(statement.sql, statement.params?.map(toParam));
  const columns = result.columnNames();
  const rows = await result.getRows();
  return {
    rows: rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, fromValue(row[i])]))),
    changed: result.rowsChanged,
  };
}

/** @param {Connection} connection @param {import('./protocol.ts').AppendBatch} batch */
async function append(connection, batch) {
  const appender = await connection.createAppender(batch.table);
  try {
    const writers = batch.columns.map((values, i) => columnWriter(appender, appender.columnType(i).typeId, values));
    for (let row = 0; row < batch.rows; row++) {
      for (const write of writers) write(row);
      appender.endRow();
    }
  } finally {
    appender.closeSync();
  }
}

/**
 * @param {import('@duckdb/node-api').DuckDBAppender} appender
 * @param {number} typeId
 * @param {ArrayLike<any>} values
 * @returns {(row: number) => void}
 */
function columnWriter(appender, typeId, values) {
  /** @param {(value: any) => void} write @returns {(row: number) => void} */
  const nullable = (write) => (row) => {
    const value = values[row];
    if (value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value)))
      appender.appendNull();
    else write(value);
  };
  switch (typeId) {
    case DuckDBTypeId.DOUBLE:
      return nullable((v) => appender.appendDouble(v));
    case DuckDBTypeId.INTEGER:
      return nullable((v) => appender.appendInteger(v));
    case DuckDBTypeId.BIGINT:
      return nullable((v) => appender.appendBigInt(BigInt(v)));
    case DuckDBTypeId.BOOLEAN:
      return nullable((v) => appender.appendBoolean(Boolean(v)));
    case DuckDBTypeId.TIMESTAMP:
      return nullable((v) => appender.appendTimestamp(new DuckDBTimestampValue(BigInt(v))));
    default:
      return nullable((v) => appender.appendVarchar(String(v)));
  }
}

/** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
function exclusively(work) {
  const next = writeTail.then(work, work);
  writeTail = next.catch(() => undefined);
  return next;
}

/** @param {readonly Statement[]} statements */
async function transaction(statements) {
  await writer.run('BEGIN');
  try {
    const results = [];
    for (const statement of statements) results.push(await execute(writer, statement));
    await writer.run('COMMIT');
    return results;
  } catch (error) {
    await writer.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
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
  const entry = { connection: /** @type {Connection | null} */ (null), cancelled: false };
  running.set(id, entry);
  const connection = await takeReader();
  try {
    if (entry.cancelled) throw new Error('INTERRUPT Error: cancelled before it began');
    entry.connection = connection;
    return await work(connection);
  } finally {
    running.delete(id);
    giveReader(connection);
  }
}

const READ_STATEMENTS = new Set([StatementType.SELECT, StatementType.EXPLAIN]);

/** A user's query: one read statement, rows up to the limit, values as JSON would show them. @param {Connection} connection @param {string} sql @param {number} maxRows */
async function userQuery(connection, sql, maxRows) {
  const extracted = await connection.extractStatements(sql);
  if (extracted.count !== 1) throw new Error(`REFUSED: one statement is allowed, this text holds ${extracted.count}`);
  const prepared = await extracted.prepare(0);
  if (!READ_STATEMENTS.has(prepared.statementType)) {
    throw new Error('REFUSED: only reading is allowed (SELECT, WITH, EXPLAIN, DESCRIBE, SHOW)');
  }
  const reader = new DuckDBResultReader(await prepared.stream());
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
}

/** JSON values: ISO text for times, numbers for safe integers. @param {any} value @param {string | undefined} type @returns {unknown} */
function toDisplay(value, type) {
  if (
    value !== null &&
    typeof value === 'object' &&
    'micros' in value &&
    !('months' in value) &&
    type?.startsWith('TIMESTAMP')
  ) {
    const micros = BigInt(value.micros);
    const milli = new Date(Number(micros / 1000n)).toISOString().slice(0, -1);
    return `${milli}${String(micros % 1000n).padStart(3, '0')}Z`;
  }
  const plain = fromValue(value);
  return typeof plain === 'bigint' || plain instanceof Uint8Array ? String(plain) : plain;
}

/** @param {Request} request @returns {Promise<unknown>} */
async function handle(request) {
  switch (request.op) {
    case 'write':
      return exclusively(() => execute(writer, request.statement));
    case 'transaction':
      return exclusively(() => transaction(request.statements));
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
      for (const connection of idleReaders) connection.closeSync();
      await writer.run('CHECKPOINT').catch(() => undefined);
      writer.closeSync();
      instance.closeSync();
      return undefined;
  }
}

async function main() {
  instance = await DuckDBInstance.create(path, options);
  writer = await instance.connect();
  // A list cannot be given at opening; once access is off, DuckDB refuses to switch it on again.
  if (folders.length > 0) {
    const list = folders.map((/** @type {string} */ f) => `'${f.replaceAll("'", "''")}'`).join(', ');
    await writer.run(`SET allowed_directories = [${list}]`);
  }
  await writer.run('SET enable_external_access = false');
  for (let i = 0; i < readerCount; i++) idleReaders.push(await instance.connect());
  port.on('message', (/** @type {Request} */ request) => {
    handle(request).then(
      (value) => port.postMessage({ id: request.id, value }),
      (error) => port.postMessage({ id: request.id, error: String(error?.message ?? error) }),
    );
  });
  port.postMessage({ id: 0, value: 'open' });
}

main().catch((error) => port.postMessage({ id: 0, error: String(error?.message ?? error) }));
