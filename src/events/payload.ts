import type { z } from 'zod';
import { errorMessage, InvalidInput } from '../kit/errors.ts';
import { EVENT_NAMES, EVENTS, type EventName, type EventPayload } from '../kit/event.ts';
import { didYouMean } from '../kit/nearest.ts';

const SEVERITY_PRIORITY: Readonly<Record<string, number>> = { critical: 8, high: 6, medium: 5, low: 4 };

/** Throws InvalidInput, with the nearest name, when there is no such event. */
export function ensureName(name: string): void {
  if (!Object.hasOwn(EVENTS, name))
    throw new InvalidInput(`there is no event '${name}'${didYouMean(name, EVENT_NAMES)}`);
}

/** The payload as its schema has it. Throws InvalidInput naming event and field. */
export function parsePayload<N extends EventName>(type: N, data: unknown): EventPayload<N> {
  ensureName(type);
  const schema: z.ZodType = EVENTS[type];
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data as EventPayload<N>;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'payload'}: ${issue.message}`);
  throw new InvalidInput(`event ${type}: ${issues.join('; ')}`, { details: { type, issues } });
}

/** Taken when emitted, so that a later change of the object cannot change the journal. Throws InvalidInput when it is not JSON. */
export function toText(type: EventName, payload: unknown): string {
  try {
    return JSON.stringify(payload);
  } catch (error) {
    throw new InvalidInput(`event ${type}: the payload is not JSON: ${errorMessage(error)}`, { cause: error });
  }
}

/** 1–10: as asked, else by the severity or level of the payload, else 5. Throws InvalidInput for anything else. */
export function priorityOf(type: EventName, payload: unknown, asked: number | undefined): number {
  if (asked !== undefined) {
    if (Number.isInteger(asked) && asked >= 1 && asked <= 10) return asked;
    throw new InvalidInput(`event ${type}: priority is a whole number from 1 to 10, not ${asked}`);
  }
  const { severity, level } = payload as { readonly severity?: unknown; readonly level?: unknown };
  return SEVERITY_PRIORITY[String(severity ?? level)] ?? 5;
}
