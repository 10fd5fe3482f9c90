// @ts-check
/** How DuckDB's values look outside the worker. */

/** @typedef {import('@duckdb/node-api').DuckDBValue} Value */

/** @param {unknown} value @returns {Value} */
export function toParam(value) {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return value;
  return /** @type {Value} */ (value);
}

/** Values as the rest of the program sees them: safe integers as numbers, timestamps as UTC µs. @param {any} value @returns {unknown} */
export function fromValue(value) {
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

/** JSON values: ISO text for times, numbers for safe integers. @param {any} value @param {string | undefined} type @returns {unknown} */
export function toDisplay(value, type) {
  if (
    value !== null &&
    typeof value === 'object' &&
    'micros' in value &&
    !('months' in value) &&
    type?.startsWith('TIMESTAMP')
  ) {
    const micros = BigInt(value.micros);
    const millis = Number(micros >= 0n ? micros / 1000n : (micros - 999n) / 1000n);
    if (Math.abs(millis) > 8.64e15) return String(value);
    const rest = Number(micros - BigInt(millis) * 1000n);
    return `${new Date(millis).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
  }
  const plain = fromValue(value);
  if (typeof plain === 'number' && !Number.isFinite(plain)) return null;
  return typeof plain === 'bigint' || plain instanceof Uint8Array ? String(plain) : plain;
}
