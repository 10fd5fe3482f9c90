// @ts-check
/**
 * Rows that SQL reads straight from the memory they were handed over in, as `offered('name')`: no staging table has to
 * be written, counted and read again. A function of the writing transaction; nothing is offered outside of one.
 */
import { BIGINT, DOUBLE, DuckDBTableFunction, VARCHAR } from './driver.mjs';

/** @typedef {import('@duckdb/node-api').DuckDBConnection} Connection */
/** @typedef {import('@duckdb/node-api').DuckDBVector} Vector */
/** @typedef {import('./protocol.ts').OfferedRows} OfferedRows */
/** @typedef {import('./protocol.ts').OfferedColumn} OfferedColumn */
/** @typedef {(vector: any, values: any, offset: number, count: number) => void} Fill */

/** Rows of one DuckDB vector. */
const VECTOR_ROWS = 2048;

/** So many times as many rows as there are outnumber any table's share that DuckDB reckons a condition leaves. */
const OUTNUMBERING = 1000;

const TYPES = { double: DOUBLE, bigint: BIGINT, varchar: VARCHAR };

/** @type {Readonly<Record<OfferedColumn['type'], Fill>>} */
const FILLS = { double: fillDoubles, bigint: fillIntegers, varchar: fillTexts };

/** Offers of the transaction under way, for the function's calls. */
export class Offers {
  /** @type {Map<string, OfferedRows>} */
  #offers = new Map();
  /** @type {Int32Array} */
  #state;

  /** @param {Int32Array} state as `Opening` describes it */
  constructor(state) {
    this.#state = state;
  }

  /** Makes `offered(name)` known to the database of this connection. @param {Connection} connection */
  register(connection) {
    connection.registerTableFunction(
      DuckDBTableFunction.create({
        name: 'offered',
        parameterTypes: [VARCHAR],
        bindFunction: (bind) => {
          const name = String(bind.getParameter(0));
          const offer = this.#offers.get(name);
          if (offer === undefined) return bind.setError(`no rows are offered as '${name}'`);
          for (const column of offer.columns) bind.addResultColumn(column.name, TYPES[column.type]);
          if (offer.outnumbers === true) bind.setCardinality(offer.rows * OUTNUMBERING, false);
          else bind.setCardinality(offer.rows, true);
          bind.setBindData(offer);
        },
        initFunction: (init) => init.setInitData({ at: 0 }),
        mainFunction: (info, chunk) => {
          const offer = /** @type {OfferedRows} */ (info.getBindData());
          const scan = /** @type {{ at: number }} */ (info.getInitData());
          if (Atomics.load(this.#state, 0) !== 0) return info.setError('the process is ending');
          const count = Math.min(VECTOR_ROWS, offer.rows - scan.at);
          chunk.rowCount = count;
          for (let i = 0; count > 0 && i < offer.columns.length; i++) {
            const column = /** @type {OfferedColumn} */ (offer.columns[i]);
            const vector = chunk.getColumnVector(i);
            FILLS[column.type](vector, column.values, scan.at, count);
            vector.flush();
          }
          scan.at += count;
        },
      }),
    );
  }

  /** @param {OfferedRows} rows */
  put(rows) {
    // Said before it is asked: whoever ends the process says so first and then looks whether rows may be read.
    Atomics.store(this.#state, 1, 1);
    if (Atomics.load(this.#state, 0) !== 0) throw new Error('the process is ending');
    this.#offers.set(rows.name, rows);
  }

  /** The memory that the numbers lie in. @returns {ArrayBuffer[]} */
  memory() {
    /** @type {Set<ArrayBuffer>} */
    const buffers = new Set();
    for (const { columns } of this.#offers.values())
      for (const { values } of columns)
        if (values instanceof Float64Array && values.buffer instanceof ArrayBuffer) buffers.add(values.buffer);
    return [...buffers];
  }

  /** The transaction is over. */
  clear() {
    this.#offers.clear();
    Atomics.store(this.#state, 1, 0);
    Atomics.notify(this.#state, 1);
  }
}

/** @param {any} vector @param {Float64Array} values @param {number} offset @param {number} count */
function fillDoubles(vector, values, offset, count) {
  /** @type {Float64Array} */
  const memory = vector.items;
  memory.set(values.subarray(offset, offset + count));
  setNulls(vector, memory, 0, count);
}

/** Integers up to 2^53 arrive as doubles: their two halves are written without making a BigInt each. @param {any} vector @param {Float64Array} values @param {number} offset @param {number} count */
function fillIntegers(vector, values, offset, count) {
  const items = /** @type {BigInt64Array} */ (vector.items);
  const halves = new Uint32Array(items.buffer, items.byteOffset, count * 2);
  for (let i = 0; i < count; i++) {
    const value = /** @type {number} */ (values[offset + i]);
    const high = Math.floor(value / 4294967296);
    halves[i * 2] = value - high * 4294967296;
    halves[i * 2 + 1] = high;
  }
  setNulls(vector, values, offset, count);
}

/** NaN is NULL. The driver's own way takes two BigInts a value. @param {any} vector @param {Float64Array} values @param {number} offset @param {number} count */
function setNulls(vector, values, offset, count) {
  /** @type {Uint32Array | undefined} */
  let words;
  for (let i = 0; i < count; i++) {
    const value = values[offset + i];
    if (value === value) continue;
    words ??= new Uint32Array(Math.ceil(count / 64) * 2).fill(0xffffffff);
    words[i >>> 5] = /** @type {number} */ (words[i >>> 5]) & ~(1 << (i & 31));
  }
  vector.validity.data = words === undefined ? null : new BigUint64Array(words.buffer);
}

/** @param {Vector} vector @param {readonly (string | null)[]} values @param {number} offset @param {number} count */
function fillTexts(vector, values, offset, count) {
  for (let i = 0; i < count; i++) vector.setItem(i, values[offset + i] ?? null);
}
