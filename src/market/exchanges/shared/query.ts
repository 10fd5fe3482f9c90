import type { RestArgs } from '../../domain/tape.ts';
import { numberOf } from './values.ts';

/** A path with its query; values that are undefined are left out, in the order given. */
export function withQuery(path: string, params: Readonly<Record<string, string | number | undefined>>): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) pairs.push(`${name}=${encodeURIComponent(value)}`);
  }
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** The last ms of a half-open interval, for venues whose bounds are inclusive. */
export function lastMs(to: number | undefined): number | undefined {
  return to === undefined ? undefined : to - 1;
}

/** Cuts a list into pieces of at most `size`. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  const pieces: T[][] = [];
  for (let i = 0; i < items.length; i += size) pieces.push(items.slice(i, i + size));
  return pieces;
}

/** Whether a row's time (ms) lies within the bounds asked for. */
export function within(time: unknown, args: RestArgs): boolean {
  const ms = numberOf(time);
  return !(args.from !== undefined && ms < args.from) && !(args.to !== undefined && ms >= args.to);
}
