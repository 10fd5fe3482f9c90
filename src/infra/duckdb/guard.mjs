// @ts-check
/**
 * What a user's own SQL may be: one statement that reads. DuckDB's parser decides, not a pattern on the text:
 * the statement must serialise as a SELECT, and no function in it may change anything or build SQL of its own.
 */

/** @typedef {import('@duckdb/node-api').DuckDBConnection} Connection */

/** Functions that change settings, write files or logs, checkpoint, or run text as SQL, although they stand in a SELECT. */
const REFUSED =
  /^(enable_|disable_|set_|reset_|load_|install_|truncate_)|checkpoint|^(query|query_table|offered|write_log|nextval|setseed|getvariable|parse_duckdb_log_message|import_|export_)$|^(add_parquet_key|duckdb_secrets|which_secret|duckdb_logs)/;

/** Throws `REFUSED: …` unless the text is one plain read. @param {Connection} connection @param {string} sql @returns {Promise<void>} */
export async function assertReads(connection, sql) {
  const { count } = await connection.extractStatements(sql);
  if (count !== 1) throw new Error(`REFUSED: one statement is allowed, this text holds ${count}`);
  const parsed = await serialise(connection, sql);
  if (!parsed.error) return refuseFunctions(parsed);
  const explained = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*explain\s([\s\S]*)$/i.exec(sql)?.[1];
  const inner = explained === undefined ? undefined : await serialise(connection, explained);
  if (inner === undefined || inner.error)
    throw new Error('REFUSED: only reading is allowed (SELECT, WITH, VALUES, EXPLAIN, DESCRIBE, SHOW, SUMMARIZE)');
  refuseFunctions(inner);
}

/** @param {Connection} connection @param {string} sql @returns {Promise<any>} */
async function serialise(connection, sql) {
  const reader = await connection.runAndReadAll('SELECT json_serialize_sql(?::VARCHAR, skip_null := true)', [sql]);
  return JSON.parse(String(reader.getRows()[0]?.[0]));
}

/** @param {any} node */
function refuseFunctions(node) {
  if (node === null || typeof node !== 'object') return;
  if (typeof node.function_name === 'string' && REFUSED.test(node.function_name.toLowerCase()))
    throw new Error(`REFUSED: the function ${node.function_name} is not for reading`);
  for (const value of Object.values(node)) refuseFunctions(value);
}
