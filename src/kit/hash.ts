import { hash } from 'node:crypto';
import { canonicalJson } from './json.ts';

/** SHA-256 in hex of the canonical JSON of a value: equal values give equal hashes, whatever the order of their keys. */
export function canonicalHash(value: unknown): string {
  return hash('sha256', canonicalJson(value), 'hex');
}
