const DAMAGE =
  /not a valid DuckDB|corrupt|serialization error|deserializ|checksum|replaying WAL|could not read enough bytes|INTERNAL Error|FATAL Error/i;
const SHORTAGE =
  /out of memory|failed to (?:pin|allocate) block|no space left|permission denied|too many open files|read-only file system|quota/i;

/**
 * Whether DuckDB's message says that the bytes of a file are damaged, and not that memory, disk space or rights are
 * short: what is damaged may be set aside, the rest must not be touched. `path` is left out, since folders have any name.
 */
export function saysDamaged(message: string, path: string): boolean {
  const text = message.replaceAll(path, '');
  return DAMAGE.test(text) && !SHORTAGE.test(text);
}
