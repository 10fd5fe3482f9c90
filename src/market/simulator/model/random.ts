/**
 * Counter-based randomness: a value is a hash of (key, counter, salt), so any of them is had at once, in any order.
 * The mixing steps are those of the 32-bit MurmurHash3 finaliser (Austin Appleby, public domain).
 */

const TWO_32 = 4_294_967_296;

/** A 32-bit key of a seed and names, to be handed to `hash`. */
export function keyOf(seed: number, ...names: readonly string[]): number {
  let key = mix((seed | 0) ^ Math.imul(Math.floor(seed / TWO_32) | 0, 0x9e3779b1));
  for (const name of names) {
    for (let i = 0; i < name.length; i++) key = mix(Math.imul(key, 31) + name.charCodeAt(i));
    key = mix(key ^ 0x5bd1e995);
  }
  return key;
}

/** A uniform 32-bit unsigned integer for the counter `n` (any safe integer) under `key` and `salt`. */
export function hash(key: number, n: number, salt: number): number {
  const high = n >= 0 && n < TWO_32 ? 0 : Math.floor(n / TWO_32);
  let h = key ^ Math.imul(salt + 1, 0x9e3779b1);
  h = mix(h ^ Math.imul(n | 0, 0x85ebca6b));
  return mix(h ^ Math.imul(high + 0x27d4eb2f, 0xc2b2ae35)) >>> 0;
}

/** A uniform number in [0, 1). */
export function uniform(key: number, n: number, salt: number): number {
  return hash(key, n, salt) / TWO_32;
}

/** Nearly normal, mean 0 and variance 1, within ±3.46: the sum of the four bytes of one hash (Irwin and Hall). */
export function gaussianOf(h: number): number {
  return ((h & 255) + ((h >>> 8) & 255) + ((h >>> 16) & 255) + (h >>> 24) - 510) / 147.8;
}

/** `gaussianOf` a fresh hash. */
export function gaussian(key: number, n: number, salt: number): number {
  return gaussianOf(hash(key, n, salt));
}

/** Value noise: normal lattice values at the integers, joined by straight lines. `x` is any finite number. */
export function noise(key: number, x: number, salt: number): number {
  const left = Math.floor(x);
  const share = x - left;
  return gaussian(key, left, salt) * (1 - share) + gaussian(key, left + 1, salt) * share;
}

function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
