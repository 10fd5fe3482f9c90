import { Unavailable } from '../../kit/errors.ts';

/** Turns texts into vectors whose angle tells how alike they are in meaning. */
export interface Embedder {
  /** As configured, with provider: vectors of different names are never compared. */
  readonly name: string;
  /** One vector a text, of length 1, in order. Throws Unavailable when the model cannot be asked. */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

/** The vector with length 1, changed in place; one of length 0 stays. Throws Unavailable for one with NaN in it. */
export function unit(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const x of vector) sum += x * x;
  const length = Math.sqrt(sum);
  if (!Number.isFinite(length)) throw new Unavailable('an embedder gave a vector that is no vector');
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) / length;
  return vector;
}

/** Cosine of the angle of two vectors of length 1; 0 when their dimensions differ. */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
