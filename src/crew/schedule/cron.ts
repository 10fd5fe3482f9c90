import cron from 'node-cron';
import type { Ms } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';

const DAY_MS = 86_400_000;
/** 29 February on a given weekday comes at most 40 years apart (2072 to 2112, over the year 2100). */
const HORIZON_DAYS = 366 * 41;

/** A cron pattern in a time zone. */
export interface CronSchedule {
  /** First time after `after` at which it fires, UTC ms; null when it never does. */
  next(after: Ms): Ms | null;
}

/** A wall-clock time. Months from 1. */
interface Wall {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/**
 * Reads a pattern (five fields, or six with seconds first; names, ranges, steps, `L`, `W`, `#` as node-cron has them)
 * in an IANA time zone, default UTC. Around a change of the clocks: a pattern with fixed hours fires once a day, at the
 * first moment after a time that the day skips and at the first of two equal times; one for every hour keeps its pace.
 * Throws InvalidInput for a bad pattern or zone.
 */
export function parseCron(pattern: string, timezone = 'UTC'): CronSchedule {
  const checked = cron.validateDetailed(pattern);
  if (!checked.valid || checked.fields === undefined) {
    const why = checked.errors.map((e) => `${e.field}: ${e.message}`).join('; ');
    throw new InvalidInput(`'${pattern}' is not a cron pattern${why === '' ? '' : ` (${why})`}`);
  }
  const zone = zoneOf(timezone);
  const { fields } = checked;
  const days = cron.createTask(pattern, () => undefined, { timezone: 'UTC' });
  const seconds = [...fields.second].sort(ascending);
  const minutes = [...fields.minute].sort(ascending);
  const hours = [...fields.hour].sort(ascending);
  const [firstHour = 0] = hours;
  const [firstMinute = 0] = minutes;
  const [firstSecond = 0] = seconds;

  /** Whether a calendar day fits: asked of node-cron, so that its rules for days hold. */
  const fits = (dayUtc: Ms): boolean =>
    days.match(new Date(dayUtc + ((firstHour * 60 + firstMinute) * 60 + firstSecond) * 1000));

  const next = (after: Ms): Ms | null => {
    const start = zone.wall(after);
    const startDay = Date.UTC(start.year, start.month - 1, start.day);
    for (let i = 0; i <= HORIZON_DAYS; i++) {
      const day = startDay + i * DAY_MS;
      if (!fields.month.includes(new Date(day).getUTCMonth() + 1) || !fits(day)) continue;
      const found = firstOfDay(zone, day, after, { hours, minutes, seconds });
      if (found !== null) return found;
    }
    return null;
  };
  return { next };
}

interface TimesOfDay {
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  readonly seconds: readonly number[];
}

/** The first firing on a calendar day after `after`. */
function firstOfDay(zone: Zone, day: Ms, after: Ms, times: TimesOfDay): Ms | null {
  const everyHour = times.hours.length === 24;
  let best: Ms | null = null;
  for (const hour of times.hours) {
    for (const start of zone.hourStarts(day, hour, everyHour)) {
      if (best !== null && start.utc >= best) continue;
      if (start.utc + 3_600_000 <= after) continue;
      const found = start.skipped ? skippedTime(start.utc, after) : inHour(zone, day, hour, start.utc, after, times);
      if (found !== null && (best === null || found < best)) best = found;
    }
  }
  return best;
}

function skippedTime(utc: Ms, after: Ms): Ms | null {
  return utc > after ? utc : null;
}

function inHour(zone: Zone, day: Ms, hour: number, start: Ms, after: Ms, times: TimesOfDay): Ms | null {
  for (const minute of times.minutes) {
    if (start + (minute + 1) * 60_000 <= after) continue;
    for (const second of times.seconds) {
      const utc = start + (minute * 60 + second) * 1000;
      if (utc <= after) continue;
      const wall = zone.wall(utc);
      if (wall.hour === hour && Date.UTC(wall.year, wall.month - 1, wall.day) === day) return utc;
    }
  }
  return null;
}

interface HourStart {
  readonly utc: Ms;
  /** The day has no such hour: this is the first moment after the gap. */
  readonly skipped: boolean;
}

interface Zone {
  wall(utc: Ms): Wall;
  /** When minute 0 of an hour of a day is, UTC: twice where the clocks go back and `both`. */
  hourStarts(day: Ms, hour: number, both: boolean): readonly HourStart[];
}

function zoneOf(timezone: string): Zone {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (error) {
    throw new InvalidInput(`'${timezone}' is not a time zone: use an IANA name, as in Europe/Berlin`, { cause: error });
  }
  const wall = (utc: Ms): Wall => {
    const parts = new Map(format.formatToParts(utc).map((p) => [p.type, Number(p.value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    return {
      year: part('year'),
      month: part('month'),
      day: part('day'),
      hour: part('hour'),
      minute: part('minute'),
      second: part('second'),
    };
  };
  const offset = (utc: Ms): Ms => {
    const w = wall(utc);
    return Date.UTC(w.year, w.month - 1, w.day, w.hour, w.minute, w.second) - Math.floor(utc / 1000) * 1000;
  };
  const hourStarts = (day: Ms, hour: number, both: boolean): readonly HourStart[] => {
    const local = day + hour * 3_600_000;
    const before = offset(local - DAY_MS);
    const behind = offset(local + DAY_MS);
    const candidates = [...new Set([local - before, local - behind])].sort(ascending);
    const real = candidates.filter((utc) => utc + offset(utc) === local).map((utc) => ({ utc, skipped: false }));
    if (real.length > 0) return both ? real : real.slice(0, 1);
    // The clocks jumped over this hour. A pattern for every hour goes on with the next one.
    return both ? [] : [{ utc: firstAfterGap(local - behind, local - before), skipped: true }];
  };
  /** The change lies between the two: where the offset becomes the later one. */
  const firstAfterGap = (low: Ms, high: Ms): Ms => {
    let [from, to] = [low - 3_600_000, high + 3_600_000];
    const target = offset(to);
    while (to - from > 1000) {
      const middle = Math.floor((from + to) / 2000) * 1000;
      if (offset(middle) === target) to = middle;
      else from = middle;
    }
    return to;
  };
  return { wall, hourStarts };
}

function ascending(a: number, b: number): number {
  return a - b;
}
