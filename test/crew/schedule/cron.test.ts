import cron from 'node-cron';
import { describe, expect, test } from 'vitest';
import { parseCron } from '../../../src/crew/schedule/cron.ts';

const at = (text: string): number => Date.parse(text);
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

function runs(pattern: string, zone: string | undefined, from: string, count: number): (string | null)[] {
  const schedule = parseCron(pattern, zone);
  const times: (string | null)[] = [];
  let after = at(from);
  for (let i = 0; i < count; i++) {
    const next = schedule.next(after);
    times.push(iso(next));
    if (next === null) break;
    after = next;
  }
  return times;
}

describe('parseCron', () => {
  test('steps through minutes, and never gives the time it was asked from', () => {
    expect(runs('*/15 * * * *', undefined, '2026-01-01T00:00:00Z', 3)).toEqual([
      '2026-01-01T00:15:00.000Z',
      '2026-01-01T00:30:00.000Z',
      '2026-01-01T00:45:00.000Z',
    ]);
    expect(runs('*/20 * * * * *', undefined, '2026-01-01T00:00:50Z', 2)).toEqual([
      '2026-01-01T00:01:00.000Z',
      '2026-01-01T00:01:20.000Z',
    ]);
  });

  test('goes over days, months, weekdays and leap years', () => {
    expect(runs('0 0 * * *', undefined, '2026-12-31T12:00:00Z', 1)).toEqual(['2027-01-01T00:00:00.000Z']);
    expect(runs('0 9 * * 1', undefined, '2026-01-01T00:00:00Z', 2)).toEqual([
      '2026-01-05T09:00:00.000Z',
      '2026-01-12T09:00:00.000Z',
    ]);
    expect(runs('0 0 29 2 *', undefined, '2026-01-01T00:00:00Z', 2)).toEqual([
      '2028-02-29T00:00:00.000Z',
      '2032-02-29T00:00:00.000Z',
    ]);
  });

  test('agrees with node-cron asked minute by minute', () => {
    for (const pattern of ['7,37 */5 * * *', '*/7 1-3 * * *', '0 3 1-7 * *', '15 6 * * 1-5', '0 12 L * *']) {
      const task = cron.createTask(pattern, () => undefined, { timezone: 'America/New_York' });
      const expected: (string | null)[] = [];
      const start = at('2026-01-29T00:00:00Z');
      for (let t = start + 60_000; expected.length < 4 && t < start + 6 * 86_400_000; t += 60_000) {
        if (task.match(new Date(t))) expected.push(iso(t));
      }
      expect(expected.length).toBeGreaterThan(0);
      expect(runs(pattern, 'America/New_York', '2026-01-29T00:00:00Z', expected.length)).toEqual(expected);
    }
  });

  test('knows time zones', () => {
    expect(runs('0 9 * * *', 'Asia/Tokyo', '2026-06-01T00:00:00Z', 1)).toEqual(['2026-06-02T00:00:00.000Z']);
    expect(runs('0 9 * * *', 'Europe/Berlin', '2026-03-27T12:00:00Z', 3)).toEqual([
      '2026-03-28T08:00:00.000Z',
      '2026-03-29T07:00:00.000Z',
      '2026-03-30T07:00:00.000Z',
    ]);
  });

  test('fires once where the clocks go forward over its time', () => {
    expect(runs('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  test('fires once where the clocks go back, unless it is for every hour', () => {
    expect(runs('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
    expect(runs('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:00:00Z', 4)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T01:30:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ]);
    expect(runs('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:15:00Z', 3)).toEqual([
      '2026-03-29T00:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T01:30:00.000Z',
    ]);
  });

  test('refuses bad patterns and zones', () => {
    expect(() => parseCron('61 * * * *')).toThrow("'61 * * * *' is not a cron pattern");
    expect(() => parseCron('0 0 30 2 *')).toThrow('impossible day of month');
    expect(() => parseCron('every day')).toThrow('is not a cron pattern');
    expect(() => parseCron('0 0 * * *', 'Mars/Olympus')).toThrow("'Mars/Olympus' is not a time zone");
  });
});
