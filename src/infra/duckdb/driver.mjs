// @ts-check
/**
 * The DuckDB driver, loaded as what it is, CommonJS. An `import` of it would make Node compile its WebAssembly scanner
 * of CommonJS exports in each database thread: measured 9 MB of resident memory and 70 ms a thread.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
/** @type {typeof import('@duckdb/node-api')} */
const driver = require('@duckdb/node-api');

/**
 * What the driver itself is built on. A vector of the driver's own is a copy of DuckDB's memory, to be filled and copied
 * back; by these, columns are copied once.
 * @type {typeof import('@duckdb/node-bindings')}
 */
export const bindings = createRequire(require.resolve('@duckdb/node-api'))('@duckdb/node-bindings');

export const {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  ENUM,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBResultReader,
  DuckDBTableFunction,
  DuckDBTimestampValue,
  DuckDBTypeId,
} = driver;
