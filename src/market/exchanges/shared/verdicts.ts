import type { FrameVerdict } from '../contract.ts';

/** What reading one event gives: how many records, or why it cannot be read. */
export type Reading = number | string;

const counted: readonly FrameVerdict[] = Array.from({ length: 64 }, (_, records) =>
  Object.freeze({ kind: 'data', records } as const),
);

/** `data` with this many records; shared objects, since one is made for every frame. */
export function dataVerdict(records: number): FrameVerdict {
  return counted[records] ?? { kind: 'data', records };
}

export function verdictOf(reading: Reading): FrameVerdict {
  return typeof reading === 'number' ? dataVerdict(reading) : rejected(reading);
}

export function control(what: string): FrameVerdict {
  return { kind: 'control', what };
}

/** The venue acknowledges a subscription. */
export function subscribed(): FrameVerdict {
  return { kind: 'control', what: 'subscribed', subscribed: true };
}

export function refused(message: string): FrameVerdict {
  return { kind: 'error', message };
}

export function rejected(reason: string): FrameVerdict {
  return { kind: 'rejected', reason };
}

/**
 * Reads each row of a list. Rows that can be read give their records even when others cannot; the reading then says
 * how many were lost and why the first was.
 */
export function readRows(rows: readonly unknown[], read: (row: unknown) => Reading): Reading {
  let records = 0;
  let bad = 0;
  let reason = '';
  for (const row of rows) {
    const reading = read(row);
    if (typeof reading === 'number') records += reading;
    else if (bad++ === 0) reason = reading;
  }
  return bad === 0 ? records : `${bad} of ${rows.length} rows: ${reason}`;
}
