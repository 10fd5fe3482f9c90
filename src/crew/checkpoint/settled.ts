const SETTLED = Symbol('settled');

/**
 * Marks a value that never changes from now on, nor anything in it: a serialiser may then keep the text of its parts
 * from step to step. The mark is not copied with the value, and no comparison or serialiser sees it.
 */
export function settled<T extends object>(value: T): T {
  return Object.defineProperty(value, SETTLED, { value: true });
}

/** Whether a value was marked by `settled`. */
export function isSettled(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, SETTLED);
}
