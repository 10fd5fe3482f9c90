import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';

const WIDTH = 16;

/**
 * The number of the newest durable event, in a small file beside the database. Without it a database whose log was cut
 * or damaged at its beginning opens as if nothing were missing (DuckDB takes it for a write that never finished).
 */
export class SeqMark {
  readonly #file: number;

  /** Creates the file when it is missing. Throws what the file system throws. */
  constructor(databasePath: string) {
    const path = markPath(databasePath);
    this.#file = openSync(path, existsSync(path) ? 'r+' : 'w+');
  }

  /** Overwrites in place: needs no disk space, survives a kill of the process. */
  write(seq: number): void {
    writeSync(this.#file, `${String(seq).padStart(WIDTH, '0')}\n`, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** What the mark of a database says; 0 when there is none or it cannot be read as a number. */
export function readMark(databasePath: string): number {
  const path = markPath(databasePath);
  if (!existsSync(path)) return 0;
  const text = readFileSync(path, 'utf8').trim();
  return /^\d{1,16}$/.test(text) ? Number(text) : 0;
}

function markPath(databasePath: string): string {
  return `${databasePath}.seq`;
}
