import { join } from 'node:path';
import type { Us } from '../../kit/clock.ts';
import type { Stream } from '../domain/records.ts';
import { quoted } from './names.ts';
import { readDays, seriesView, streamView } from './schema.ts';
import type { Series } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

/** One finished day of one series, in a Parquet file. `file` is relative to the data folder. */
export interface DayFile {
  readonly day: string;
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
  readonly checksum: string;
  readonly first_event_time: Us | null;
  readonly last_event_time: Us | null;
}

/** `2026-01-31` of whole days since 1970. */
export function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** Whole days since 1970 of `2026-01-31`. */
export function dayOf(text: string): number {
  return Math.floor(Date.parse(`${text}T00:00:00Z`) / 86_400_000);
}

/** The Parquet days in force: what `_days` says, held in memory. Changes are applied after their transaction. */
export class Days {
  readonly #dataDir: string;
  readonly #files = new Map<string, Map<string, DayFile>>();
  readonly #streams = new Map<string, Stream>();

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  get dataDir(): string {
    return this.#dataDir;
  }

  /** Takes a day of a series into force, in the place of an earlier file of that day. */
  add(name: string, stream: Stream, file: DayFile): void {
    const own = this.#files.get(name) ?? new Map<string, DayFile>();
    own.set(file.day, file);
    this.#files.set(name, own);
    this.#streams.set(name, stream);
  }

  remove(name: string, day: string): void {
    this.#files.get(name)?.delete(day);
  }

  get(name: string, day: string): DayFile | undefined {
    return this.#files.get(name)?.get(day);
  }

  /** Days of a series, oldest first. */
  of(name: string): readonly DayFile[] {
    return [...(this.#files.get(name)?.values() ?? [])].sort((a, b) => (a.day < b.day ? -1 : 1));
  }

  names(): readonly string[] {
    return [...this.#files.keys()];
  }

  get empty(): boolean {
    return [...this.#files.values()].every((own) => own.size === 0);
  }

  path(file: DayFile): string {
    return join(this.#dataDir, file.file);
  }

  /** A table function over the days of a series, or null when it has none. */
  source(name: string): string | null {
    return this.#read(this.of(name).map(({ file }) => file));
  }

  /** The same over every series of a stream. */
  streamSource(stream: Stream): string | null {
    return this.#read(
      this.names()
        .filter((name) => this.#streams.get(name) === stream)
        .sort()
        .flatMap((name) => this.of(name).map(({ file }) => file)),
    );
  }

  /** Over some files. */
  #read(files: readonly string[]): string | null {
    return files.length === 0 ? null : readDays(files, this.#dataDir);
  }

  /** Over the files of these days of these series; null when there are none. */
  sourceOf(wanted: Iterable<readonly [name: string, days: Iterable<number>]>): string | null {
    const files: string[] = [];
    for (const [name, days] of wanted) {
      const own = this.#files.get(name);
      if (own === undefined || own.size === 0) continue;
      for (const day of days) {
        const file = own.get(dayText(day));
        if (file !== undefined) files.push(file.file);
      }
    }
    return this.#read(files);
  }

  /** A copy to try a change on. */
  copy(): Days {
    const copied = new Days(this.#dataDir);
    for (const [name, own] of this.#files) {
      const stream = this.#streams.get(name);
      if (stream !== undefined) for (const file of own.values()) copied.add(name, stream, file);
    }
    return copied;
  }

  /** Statements that make the views of a series and its stream show the days in force. */
  viewStatements(series: Series): string[] {
    return [
      seriesView(series.name, series.table, series.id, this.source(series.name)),
      streamView(series.table, this.streamSource(series.table.stream)),
    ];
  }
}

/** `said` columns of two rows differ (or one is null and the other not). */
export function saidDiffers(table: TableDefinition, a: string, b: string): string {
  return `(${table.said.map((name) => `${a}.${quoted(name)} IS DISTINCT FROM ${b}.${quoted(name)}`).join(' OR ')})`;
}
