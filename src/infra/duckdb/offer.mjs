// @ts-check
/**
 * Rows that SQL reads straight from the memory they were handed over in, as `offered('name')`: no staging table has to
 * be written, counted and read again. A function of the writing transaction; nothing is offered outside of one.
 */
import {
  BIGINT,
  BOOLEAN,
  bindings,
  DOUBLE,
  DuckDBTableFunction,
  ENUM,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
} from './driver.mjs';

/** @typedef {import('@duckdb/node-api').DuckDBConnection} Connection */
/** @typedef {import('@duckdb/node-api').DuckDBVector} Vector */
/** @typedef {import('./protocol.ts').OfferedRows} OfferedRows */
/** @typedef {import('./protocol.ts').OfferedColumn} OfferedColumn */
/** @typedef {Exclude<OfferedColumn, { type: 'varchar' }>} NumberColumn */
/** @typedef {import('@duckdb/node-bindings').Vector} RawVector */
/** Rows of one DuckDB vector. */
const VECTOR_ROWS = 2048;

/** So many times as many rows as there are outnumber any table's share that DuckDB reckons a condition leaves. */
const OUTNUMBERING = 1000;

const TYPES = {
  double: DOUBLE,
  bigint: BIGINT,
  integer: INTEGER,
  timestamp: TIMESTAMP,
  boolean: BOOLEAN,
  varchar: VARCHAR,
};

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
          for (const column of offer.columns) {
            const type = column.type === 'code' ? ENUM(column.codes) : TYPES[column.type];
            bind.addResultColumn(column.name, type);
          }
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
            if (column.type === 'varchar') fillTexts(chunk.getColumnVector(i), column.values, scan.at, count);
            else if (!fillNumbers(bindings.data_chunk_get_vector(chunk.chunk, i), column, scan.at, count))
              return info.setError(`Conversion Error: a value of ${column.name} is no ${column.type}`);
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

/** What a vector's values are put together in. */
const words = new Uint32Array(VECTOR_ROWS * 2);
const integers = new Int32Array(words.buffer);
const bytes = new Uint8Array(words.buffer);

/** Gives false when a value cannot be of the column's type. @param {RawVector} vector @param {NumberColumn} column @param {number} offset @param {number} count @returns {boolean} */
function fillNumbers(vector, column, offset, count) {
  const { type, values } = column;
  switch (type) {
    case 'double':
      copy(vector, values, offset, count * 8);
      break;
    case 'bigint':
    case 'timestamp':
      for (let i = 0; i < count; i++) {
        const value = /** @type {number} */ (values[offset + i]);
        // Integers up to 2^53 arrive as doubles: their two halves are written without making a BigInt each.
        const high = Math.floor(value / 4294967296);
        words[i * 2] = value - high * 4294967296;
        words[i * 2 + 1] = high;
      }
      copy(vector, words, 0, count * 8);
      break;
    case 'integer':
      for (let i = 0; i < count; i++) {
        const value = /** @type {number} */ (values[offset + i]);
        integers[i] = value;
        if (integers[i] !== value && value === value) return false;
      }
      copy(vector, words, 0, count * 4);
      break;
    default: {
      // A place beyond the last code would have DuckDB read what is not its own.
      const end = column.type === 'code' ? column.codes.length : 2;
      for (let i = 0; i < count; i++) {
        const value = /** @type {number} */ (values[offset + i]);
        bytes[i] = value;
        if ((bytes[i] !== value || value >= end) && value === value) return false;
      }
      copy(vector, words, 0, count);
    }
  }
  setNulls(vector, values, offset, count);
  return true;
}

/** @param {RawVector} vector @param {Float64Array | Uint32Array} from @param {number} offset @param {number} byteCount */
function copy(vector, from, offset, byteCount) {
  const memory = /** @type {ArrayBuffer} */ (from.buffer);
  bindings.copy_data_to_vector(vector, 0, memory, from.byteOffset + offset * from.BYTES_PER_ELEMENT, byteCount);
}

const valid = new Uint32Array(VECTOR_ROWS / 32);

/** NaN is NULL. @param {RawVector} vector @param {Float64Array} values @param {number} offset @param {number} count */
function setNulls(vector, values, offset, count) {
  let some = false;
  for (let i = 0; i < count; i++) {
    const value = values[offset + i];
    if (value === value) continue;
    if (!some) valid.fill(0xffffffff);
    some = true;
    valid[i >>> 5] = /** @type {number} */ (valid[i >>> 5]) & ~(1 << (i & 31));
  }
  if (!some) return;
  bindings.vector_ensure_validity_writable(vector);
  bindings.copy_data_to_vector_validity(vector, 0, valid.buffer, 0, Math.ceil(count / 64) * 8);
}

/** @param {Vector} vector @param {readonly (string | null)[]} values @param {number} offset @param {number} count */
function fillTexts(vector, values, offset, count) {
  for (let i = 0; i < count; i++) vector.setItem(i, values[offset + i] ?? null);
  vector.flush();
}
