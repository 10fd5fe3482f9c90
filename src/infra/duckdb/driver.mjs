// @ts-check
/**
 * The DuckDB driver, loaded as what it is, CommonJS. An `import` of it would make Node compile its WebAssembly scanner
 * of CommonJS exports in each database thread: measured 9 MB of resident memory and 70 ms a thread.
 */
import { createRequire } from 'node:module';

/** @type {typeof import('@duckdb/node-api')} */
const driver = createRequire(import.meta.url)('@duckdb/node-api');

export const {
  BIGINT,
  DOUBLE,
  VARCHAR,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBResultReader,
  DuckDBTableFunction,
  DuckDBTimestampValue,
  DuckDBTypeId,
} = driver;
