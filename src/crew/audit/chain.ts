import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hash } from 'node:crypto';
import { InvalidInput } from '../../kit/errors.ts';
import { canonicalJson } from '../../kit/json.ts';

/** Where a chain stands: the number of its newest row and that row's hash. */
export interface ChainHead {
  /** From 1; 0 before the first row. */
  readonly seq: number;
  /** SHA-256 in hex. */
  readonly hash: string;
}

/** The head of a chain without rows. */
export const GENESIS: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/**
 * The hash of a row: SHA-256 over the hash of the row before it, its own number and its values as stored. So a row that
 * is changed, taken out, put in or moved breaks the chain at that place, and all that follows hangs on it.
 */
export function linkHash(previous: string, seq: number, values: readonly unknown[]): string {
  return hash('sha256', `${previous}\n${seq}\n${canonicalJson(values)}`, 'hex');
}

const HEAD = /^(\d{1,16}):([0-9a-f]{64})$/;

/** A head as a person keeps it: `41:9f…`. Throws InvalidInput when it is not one. */
export function parseHead(text: string): ChainHead {
  const found = HEAD.exec(text.trim());
  if (found === null) {
    throw new InvalidInput(`'${text}' is not the head of an audit log: write SEQ:HASH, as crew audit verify shows it`);
  }
  return { seq: Number(found[1]), hash: found[2] ?? '' };
}

/** `41:9f…` */
export function headText({ seq, hash: digest }: ChainHead): string {
  return `${seq}:${digest}`;
}

/** Room for the number and the hash, so that every head overwrites the one before it entirely. */
const WIDTH = 16 + 1 + 64;

/** The head in a small file beside the database: without it, rows cut off the end would not be missed. */
export class HeadMark {
  readonly #file: number;

  /** Creates the file when it is missing. Throws what the file system throws. */
  constructor(databasePath: string) {
    const path = markPath(databasePath);
    this.#file = openSync(path, existsSync(path) ? 'r+' : 'w+');
  }

  /** Overwrites in place. */
  write(head: ChainHead): void {
    writeSync(this.#file, `${headText(head).padStart(WIDTH, '0')}\n`, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The head that the file beside a database names; null when there is none, or nothing that can be read. */
export function readHeadMark(databasePath: string): ChainHead | null {
  const path = markPath(databasePath);
  if (!existsSync(path)) return null;
  const text = readFileSync(path, 'utf8').trim();
  return HEAD.test(text) ? parseHead(text) : null;
}

function markPath(databasePath: string): string {
  return `${databasePath}.audit`;
}
