import type { Database, Statement } from '../../infra/duckdb/database.ts';
import { Corrupt, InvalidInput, NotFound } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { Ms } from '../../kit/clock.ts';
import { MARKETS, STREAMS } from '../domain/records.ts';
import type { Market, SeriesKey, StoredRecord, Stream } from '../domain/records.ts';
import { seriesSeeds } from './identity.ts';
import type { SeriesRef } from './batch.ts';

import { literal, vettedViewName, sqlTime } from './names.ts';
import { seriesView } from './schema.ts';
import type { Series } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

interface Known extends Series, SeriesRef {}

/** The series of the database: what `_table_registry` says, held in memory. */
export class Registry {
  readonly #tables: ReadonlyMap<Stream, TableDefinition>;
  readonly #byName = new Map<string, Known>();
  readonly #byId = new Map<number, Known>();
  /** stream → exchange → market → symbol: looked up for every record, so no key is built. */
  readonly #byRecord = new Map<string, Map<string, Map<string, Map<string, Known>>>>();
  #nextId = 1;

  constructor(tables: readonly TableDefinition[]) {
    this.#tables = new Map(tables.map((table) => [table.stream, table]));
  }

  table(stream: Stream): TableDefinition {
    const table = this.#tables.get(stream);
    if (table === undefined) throw new InvalidInput(`stream '${stream}' has no table${didYouMean(stream, STREAMS)}`);
    return table;
  }

  /** Reads what is registered. Throws Corrupt when a row is not a series. */
  async load(db: Database): Promise<void> {
    const rows = await db.all(
      'SELECT series_id, table_name, symbol, exchange, market_type, stream_type FROM _table_registry',
    );
    for (const row of rows) {
      const key = {
        exchange: String(row['exchange']),
        market: oneOf(MARKETS, String(row['market_type'])),
        symbol: String(row['symbol']),
        stream: oneOf(STREAMS, String(row['stream_type'])),
      };
      this.#add(key, Number(row['series_id']), String(row['table_name']));
    }
  }

  /** The series that these are not yet, with the statements that register them. `commit` after those ran. */
  missing(
    keys: readonly SeriesKey[],
    now: Ms,
  ): { readonly statements: readonly Statement[]; readonly commit: () => void } | null {
    const fresh = new Map<string, { readonly key: SeriesKey; readonly id: number }>();
    for (const key of keys) {
      const name = vettedViewName(key);
      const held = this.#byName.get(name);
      if (held !== undefined) {
        if (recordKey(held.key) !== recordKey(key))
          throw new InvalidInput(`${recordKey(key)} would share the table ${name} with ${recordKey(held.key)}`);
      } else if (!fresh.has(name)) fresh.set(name, { key: pick(key), id: this.#nextId + fresh.size });
    }
    if (fresh.size === 0) return null;
    const texts = (values: readonly string[]): string => values.map(literal).join(', ');
    const rows = [...fresh].map(
      ([name, { key, id }]) =>
        `(${id}, ${texts([name, key.symbol, key.exchange, key.market, key.stream])}, ${sqlTime(now * 1000)})`,
    );
    const views = [...fresh].map(([name, { key, id }]) => seriesView(name, this.table(key.stream), id, null));
    const statements = [{ sql: `INSERT INTO _table_registry VALUES ${rows.join(', ')}` }, { sql: views.join(';\n') }];
    const commit = (): void => fresh.forEach(({ key, id }, name) => this.#add(key, id, name));
    return { statements, commit };
  }

  find(key: SeriesKey): (Series & SeriesRef) | undefined {
    return this.#byRecord.get(key.stream)?.get(key.exchange)?.get(key.market)?.get(key.symbol);
  }

  /** Throws NotFound naming the nearest series. */
  get(key: SeriesKey): Series {
    return this.byName(vettedViewName(key));
  }

  /** Throws NotFound naming the nearest series. */
  byName(name: string): Series {
    const held = this.#byName.get(name);
    if (held === undefined) throw new NotFound(`there is no table ${name}${didYouMean(name, this.#byName.keys())}`);
    return held;
  }

  /** The series of a record, which must be registered. */
  ref(record: StoredRecord): Series & SeriesRef {
    const held = this.#byRecord.get(record.stream)?.get(record.exchange)?.get(record.market)?.get(record.symbol);
    if (held === undefined) throw new NotFound(`series ${recordKey(record)} is not registered`);
    return held;
  }

  byId(id: number): Series | undefined {
    return this.#byId.get(id);
  }

  all(): readonly Series[] {
    return [...this.#byName.values()];
  }

  #add(key: SeriesKey, id: number, name: string): void {
    const known: Known = { id, name, key: pick(key), table: this.table(key.stream), seeds: seriesSeeds(key) };
    this.#byName.set(name, known);
    this.#byId.set(id, known);
    const streams = within(this.#byRecord, key.stream);
    within(within(streams, key.exchange), key.market).set(key.symbol, known);
    this.#nextId = Math.max(this.#nextId, id + 1);
  }
}

function within<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const held = map.get(key) ?? new Map<string, V>();
  map.set(key, held);
  return held;
}

function recordKey(key: SeriesKey): string {
  return `${key.stream}|${key.symbol}|${key.exchange}|${key.market}`;
}

function pick(key: SeriesKey): SeriesKey {
  return { exchange: key.exchange, market: key.market, symbol: key.symbol, stream: key.stream };
}

function oneOf<T extends Stream | Market>(values: readonly T[], text: string): T {
  const found = values.find((value) => value === text);
  if (found === undefined)
    throw new Corrupt(`the registry of the market database names '${text}': not one of ${values.join(', ')}`);
  return found;
}
