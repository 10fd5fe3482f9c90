import { describe, expect, it } from 'vitest';
import { saysDamaged } from '../../src/infra/duckdb/damage.ts';

describe('saysDamaged', () => {
  it('knows what DuckDB says of damaged bytes', () => {
    for (const message of [
      'IO Error: Corrupt database file: computed checksum 1 does not match stored checksum 2 in block',
      'IO Error: The file "a.duckdb" exists, but it is not a valid DuckDB database file!',
      'IO Error: Could not read enough bytes from file "a.duckdb": attempted to read 262144 bytes',
      'IO Error: Failure while replaying WAL file "a.duckdb.wal": Corrupt WAL file',
      'Serialization Error: Failed to deserialize: field id mismatch',
      'INTERNAL Error: Failed to load metadata pointer',
    ])
      expect(saysDamaged(message, 'a.duckdb'), message).toBe(true);
  });

  it('takes neither shortage nor the name of a folder for damage', () => {
    const path = '/data/corrupt-checksum/a.duckdb';
    for (const message of [
      `${path}: IO Error: Could not set lock on file "${path}"`,
      `${path}: IO Error: Failure while replaying WAL file "${path}.wal": No space left on device`,
      'Out of Memory Error: could not allocate block of size 256.0 KiB',
      `TransactionContext Error: Failure while replaying WAL file "${path}.wal": Failed to commit: failed to pin block of size 256.0 KiB (45.5 MiB/45.7 MiB used)`,
      `${path}: INTERRUPT Error: Interrupted!`,
    ])
      expect(saysDamaged(message, path), message).toBe(false);
  });
});
