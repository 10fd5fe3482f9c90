// @ts-check
/** Columns into a table, 2048 rows at a time, by copying whole vectors where the types allow it. */
import { DuckDBDataChunk, DuckDBTimestampValue, DuckDBTypeId } from './driver.mjs';

/** @typedef {import('@duckdb/node-api').DuckDBConnection} Connection */
/** @typedef {import('@duckdb/node-api').DuckDBAppender} Appender */
/** @typedef {import('@duckdb/node-api').DuckDBVector} Vector */
/** @typedef {(vector: Vector, values: ArrayLike<any>, offset: number, count: number) => void} Fill */

/** Rows of one DuckDB vector. */
const VECTOR_ROWS = 2048;

/** @type {Map<number, Fill>} */
const FILLS = new Map([
  [DuckDBTypeId.DOUBLE, fillDouble],
  [DuckDBTypeId.BIGINT, fillInt64],
  [DuckDBTypeId.TIMESTAMP, fillInt64],
  [DuckDBTypeId.INTEGER, fillInt32],
  [DuckDBTypeId.BOOLEAN, fillWith((value) => Boolean(value))],
  [DuckDBTypeId.VARCHAR, fillWith((value) => String(value))],
]);

/** @param {Connection} connection @param {import('./protocol.ts').AppendBatch} batch */
export async function append(connection, batch) {
  const dot = batch.table.indexOf('.');
  const schema = dot < 0 ? undefined : batch.table.slice(0, dot);
  const appender = await connection.createAppender(batch.table.slice(dot + 1), schema);
  try {
    if (appender.columnCount !== batch.columns.length)
      throw new Error(`table ${batch.table} has ${appender.columnCount} columns, ${batch.columns.length} were given`);
    const fills = batch.columns.map((_, i) => FILLS.get(appender.columnType(i).typeId));
    if (fills.every((fill) => fill !== undefined)) appendChunks(appender, batch, /** @type {Fill[]} */ (fills));
    else appendRows(appender, batch);
  } catch (error) {
    appender.clear();
    throw error;
  } finally {
    appender.closeSync();
  }
}

/** @param {Appender} appender @param {import('./protocol.ts').AppendBatch} batch @param {readonly Fill[]} fills */
function appendChunks(appender, batch, fills) {
  const chunk = chunkOf(fills.map((_, i) => appender.columnType(i)));
  for (let offset = 0; offset < batch.rows; offset += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, batch.rows - offset);
    chunk.reset();
    chunk.rowCount = count;
    fills.forEach((fill, i) => {
      const vector = chunk.getColumnVector(i);
      fill(vector, /** @type {ArrayLike<unknown>} */ (batch.columns[i]), offset, count);
      vector.flush();
    });
    appender.appendDataChunk(chunk);
  }
}

/** Chunks are used again: their memory is not the collector's, which would let hundreds of them pile up. @type {Map<string, import('@duckdb/node-api').DuckDBDataChunk>} */
const chunks = new Map();
const MOST_CHUNKS = 32;

/** @param {import('@duckdb/node-api').DuckDBType[]} types */
function chunkOf(types) {
  const key = types.map((type) => type.typeId).join();
  const held = chunks.get(key);
  if (held !== undefined) return held;
  const made = DuckDBDataChunk.create(types);
  if (chunks.size < MOST_CHUNKS) chunks.set(key, made);
  return made;
}

/** The typed memory behind a vector, when the driver shows it as expected. @template T @param {Vector} vector @param {new (...args: never[]) => T} type @returns {T | undefined} */
function memoryOf(vector, type) {
  const items = /** @type {{ items?: unknown }} */ (/** @type {unknown} */ (vector)).items;
  return items instanceof type ? items : undefined;
}

/** @param {unknown} value */
function isNull(value) {
  return value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value));
}

/** @param {Vector} vector @param {ArrayLike<any>} values @param {number} offset @param {number} count */
function fillDouble(vector, values, offset, count) {
  const memory = memoryOf(vector, Float64Array);
  if (memory !== undefined && values instanceof Float64Array) {
    memory.set(values.subarray(offset, offset + count));
    for (let i = 0; i < count; i++) if (Number.isNaN(memory[i])) vector.setItem(i, null);
    return;
  }
  for (let i = 0; i < count; i++) {
    const value = values[offset + i];
    vector.setItem(i, isNull(value) ? null : Number(value));
  }
}

/** Integers up to 2^53 arrive as numbers: their two halves are written without making a BigInt each. @param {Vector} vector @param {ArrayLike<any>} values @param {number} offset @param {number} count */
function fillInt64(vector, values, offset, count) {
  const memory = memoryOf(vector, BigInt64Array);
  const timestamp = vector.type.typeId === DuckDBTypeId.TIMESTAMP;
  const halves = memory === undefined ? undefined : new Int32Array(memory.buffer, memory.byteOffset, count * 2);
  for (let i = 0; i < count; i++) {
    const value = values[offset + i];
    if (isNull(value)) vector.setItem(i, null);
    else if (halves !== undefined && Number.isSafeInteger(value)) {
      halves[i * 2] = value | 0;
      halves[i * 2 + 1] = Math.floor(value / 4294967296);
      if (value > 0x7fffffff || value < -0x80000000) halves[i * 2] = value % 4294967296;
    } else {
      const big = BigInt(value);
      vector.setItem(i, timestamp ? new DuckDBTimestampValue(big) : big);
    }
  }
}

/** @param {Vector} vector @param {ArrayLike<any>} values @param {number} offset @param {number} count */
function fillInt32(vector, values, offset, count) {
  for (let i = 0; i < count; i++) {
    const value = values[offset + i];
    vector.setItem(i, isNull(value) ? null : Number(value));
  }
}

/** @param {(value: any) => any} convert @returns {Fill} */
function fillWith(convert) {
  return (vector, values, offset, count) => {
    for (let i = 0; i < count; i++) {
      const value = values[offset + i];
      vector.setItem(i, isNull(value) ? null : convert(value));
    }
  };
}

/** Tables with other column types: value by value, cast by DuckDB from text. @param {Appender} appender @param {import('./protocol.ts').AppendBatch} batch */
function appendRows(appender, batch) {
  const typeIds = batch.columns.map((_, i) => appender.columnType(i).typeId);
  for (let row = 0; row < batch.rows; row++) {
    batch.columns.forEach((column, i) => appendOne(appender, typeIds[i], column[row]));
    appender.endRow();
  }
}

/** @param {Appender} appender @param {number | undefined} typeId @param {any} value */
function appendOne(appender, typeId, value) {
  if (isNull(value)) return appender.appendNull();
  switch (typeId) {
    case DuckDBTypeId.DOUBLE:
      return appender.appendDouble(value);
    case DuckDBTypeId.INTEGER:
      return appender.appendInteger(value);
    case DuckDBTypeId.BIGINT:
      return appender.appendBigInt(BigInt(value));
    case DuckDBTypeId.BOOLEAN:
      return appender.appendBoolean(Boolean(value));
    case DuckDBTypeId.TIMESTAMP:
      return appender.appendTimestamp(new DuckDBTimestampValue(BigInt(value)));
    default:
      return appender.appendVarchar(String(value));
  }
}
