import { InvalidInput } from '../kit/errors.ts';
import { EVENT_NAMES, type AnyEvent, type EventName } from '../kit/event.ts';
import { didYouMean } from '../kit/nearest.ts';

/** Which events a reader wants. Absent fields let everything through. */
export interface EventFilter {
  /** Exact names, or a group: `data.*`. */
  readonly types?: readonly string[] | undefined;
  readonly correlationId?: string | undefined;
  /** A run: the events under its id, and those of runs that it started (`RUN/…`). */
  readonly run?: string | undefined;
  /** The source as a whole, or its beginning followed by `*`: `agent:*`. */
  readonly source?: string | undefined;
  /** 1–10: this urgent or more. */
  readonly minPriority?: number | undefined;
}

/** The names that a list of names and groups means. Throws InvalidInput for one that means none. */
export function namesOf(types: readonly string[]): ReadonlySet<EventName> {
  const names = new Set<EventName>();
  for (const type of types) {
    const found = EVENT_NAMES.filter((n) =>
      type.endsWith('.*') ? n.startsWith(type.slice(0, -1)) : type === '*' || n === type,
    );
    if (found.length === 0) throw new InvalidInput(`there is no event '${type}'${didYouMean(type, EVENT_NAMES)}`);
    for (const name of found) names.add(name);
  }
  return names;
}

/** Makes the test for a filter, once, so that each event costs little. Throws InvalidInput for unknown names. */
export function matcher(filter: EventFilter): (event: AnyEvent) => boolean {
  const names = filter.types === undefined ? null : namesOf(filter.types);
  const { correlationId, run, source, minPriority = 1 } = filter;
  const prefix = source?.endsWith('*') === true ? source.slice(0, -1) : null;
  return (event) =>
    (names === null || names.has(event.type)) &&
    event.priority >= minPriority &&
    (correlationId === undefined || event.correlation_id === correlationId) &&
    (run === undefined || event.correlation_id === run || event.correlation_id?.startsWith(`${run}/`) === true) &&
    (source === undefined || (prefix === null ? event.source === source : event.source.startsWith(prefix)));
}
