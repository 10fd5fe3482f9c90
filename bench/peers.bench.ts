import { loadavg } from 'node:os';
import { join } from 'node:path';
import { errorMessage } from '../src/kit/errors.ts';
import { findPostgres, PostgresServer } from '../test/crew/checkpoint/postgres-server.ts';
import { busRound } from './peers/bus.ts';
import { cacheFolder, type Installed, install, packOurs, versionOf } from './peers/install.ts';
import { type Library, ours, peers } from './peers/libraries.ts';
import { coldStart, LibraryProcess, type Timing } from './peers/process.ts';
import { type Cell, cellOf, printTable, type Row } from './peers/table.ts';

const ROOT = join(import.meta.dirname, '../..');
const ROUNDS = 5;
const COLD_ROUNDS = 7;
const TURNS = 21;
const CREWS = 100;
const STEPS = [10, 100, 1000] as const;
/** A run of a thousand steps that takes longer is given up, and said so. */
const STEPS_TIMEOUT_MS = 60_000;

interface Contender {
  readonly of: Library;
  readonly installed: Installed;
  readonly process: LibraryProcess;
}

/**
 * The same work by ours, by LangGraph alone and by other agent libraries, each in a process of its own with a model of
 * its own interface that needs no network. They take turns in every round, so that they share whatever else the machine
 * does. Each is installed into a cache outside the package first; that alone needs the network.
 */
export async function run({ json = false }: { readonly json?: boolean } = {}): Promise<void> {
  const say = (text: string): void => void (json ? process.stderr : process.stdout).write(text);
  const missing: Record<string, string> = {};
  const installed = installAll(missing, say);
  const bin = findPostgres();
  await using postgres = bin === undefined ? undefined : await PostgresServer.start(bin);
  if (postgres === undefined)
    say('no PostgreSQL server on this machine: LangGraph is measured with MemorySaver alone\n');
  const contenders: Contender[] = [];
  for (const { of: library, folder, ...rest } of installed) {
    try {
      const started = await LibraryProcess.start(library, folder, { postgres: postgres?.url });
      contenders.push({ of: library, installed: { folder, ...rest }, process: started });
    } catch (error) {
      missing[library.name] = `could not be loaded: ${errorMessage(error)}`;
    }
  }
  const rows: Row[] = [];
  for (const measure of [definitions, turns, concurrent, steps, sizes, coldStarts, bus]) {
    say(`… ${measure.name}, load ${load()}\n`);
    rows.push(...(await measure(contenders)));
  }
  for (const { process: child } of contenders) await child.close();
  report(rows, contenders, missing, json, say);
}

function installAll(
  missing: Record<string, string>,
  say: (text: string) => void,
): readonly (Installed & { of: Library })[] {
  const cache = cacheFolder();
  const adapters = join(ROOT, 'bench/peers/adapters');
  const one = (library: Library): (Installed & { of: Library }) | undefined => {
    say(`… installing ${library.name} into ${join(cache, library.adapter)}\n`);
    try {
      return { of: library, ...install(library, cache, adapters) };
    } catch (error) {
      missing[library.name] = `could not be installed: ${errorMessage(error)}`;
      return undefined;
    }
  };
  const own = one(ours(packOurs(ROOT, cache)));
  if (own === undefined) throw new Error(missing['orderflow-crew']);
  return [own, ...peers(own.folder).map(one)].filter((each) => each !== undefined);
}

/** Every contender once a round, each round beginning with another one. What one throws is its cell. */
async function rounds(
  contenders: readonly Contender[],
  times: number,
  ask: (contender: Contender) => Promise<Timing>,
  scale = 1,
): Promise<Record<string, Cell>> {
  const taken = new Map<string, Timing[]>();
  const failed = new Map<string, string>();
  // The first round warms up and is not counted.
  for (let round = 0; round <= times; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round) % contenders.length];
      if (contender === undefined || failed.has(contender.of.name)) continue;
      const { name } = contender.of;
      try {
        const timing = await ask(contender);
        if (round > 0) taken.set(name, [...(taken.get(name) ?? []), timing]);
      } catch (error) {
        failed.set(name, errorMessage(error).split('\n')[0] ?? '');
      }
    }
  }
  return Object.fromEntries(
    contenders.map(({ of: { name } }) => {
      const reason = failed.get(name);
      const timings = taken.get(name) ?? [];
      const cell: Cell =
        reason === undefined
          ? cellOf(
              timings.map(({ ms }) => ms * scale),
              timings.map(({ cpuMs }) => cpuMs * scale),
            )
          : { none: reason };
      return [name, cell];
    }),
  );
}

async function definitions(contenders: readonly Contender[]): Promise<readonly Row[]> {
  const cells = await rounds(contenders, ROUNDS, ({ process: child }) => child.ask('define'), 1000);
  const whole = contenders.filter(({ process: child }) => child.extras.includes('defineWhole'));
  const wholes = await rounds(whole, ROUNDS, ({ process: child }) => child.ask('defineWhole'), 1000);
  const heaps: Record<string, Cell> = {};
  for (const { of: library, process: child } of contenders) {
    const bytes: number[] = [];
    for (let i = 0; i < 4; i++) bytes.push((await child.ask<{ bytes: number }>('heap')).bytes);
    heaps[library.name] = cellOf(bytes.slice(1));
  }
  return [
    { what: 'define an agent', unit: 'µs', cells },
    { what: 'the same with its task and crew', unit: 'µs', cells: wholes },
    { what: 'heap of an agent', unit: 'bytes', cells: heaps },
  ];
}

async function turns(contenders: readonly Contender[]): Promise<readonly Row[]> {
  const one = await rounds(contenders, ROUNDS, ({ process: child }) => child.ask('run', [1]));
  const many = await rounds(contenders, ROUNDS, ({ process: child }) => child.ask('run', [TURNS]));
  const durable = contenders.filter(({ process: child }) => child.extras.includes('runDurable'));
  const kept = await rounds(durable, ROUNDS, ({ process: child }) => child.ask('runDurable', [1]));
  return [
    { what: 'run of one tool-calling turn', unit: 'ms', cells: one },
    { what: `run of ${TURNS} tool-calling turns`, unit: 'ms', cells: many },
    { what: 'run of one tool-calling turn, on disk', unit: 'ms', cells: kept },
  ];
}

async function concurrent(contenders: readonly Contender[]): Promise<readonly Row[]> {
  const cells = await rounds(contenders, ROUNDS, ({ process: child }) => child.ask('concurrent', [CREWS]));
  return [{ what: `${CREWS} such runs at once`, unit: 'ms', cells }];
}

/** Durable steps, a row for each store: what has none says so. */
async function steps(contenders: readonly Contender[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const stores = contenders.flatMap((contender) => contender.process.stores.map((store) => ({ contender, store })));
  for (const count of STEPS) {
    const cells: Record<string, Cell> = {};
    const entries = stores.map(({ contender, store }) => ({
      ...contender,
      store,
      of: { ...contender.of, name: `${contender.of.name}: ${store}` },
    }));
    const measured = await rounds(entries, count === 1000 ? 2 : ROUNDS, (entry) =>
      entry.process.ask('steps', [count, (entry as (typeof entries)[number]).store], STEPS_TIMEOUT_MS),
    );
    for (const { of: library } of contenders.filter(({ process: child }) => child.stores.length === 0))
      cells[library.name] = { none: 'none' };
    rows.push({ what: `run of ${count} steps`, unit: 'ms', cells: { ...measured, ...cells } });
  }
  return rows;
}

async function sizes(contenders: readonly Contender[]): Promise<readonly Row[]> {
  const of = (value: (installed: Installed) => number): Record<string, Cell> =>
    Object.fromEntries(contenders.map(({ of: library, installed }) => [library.name, cellOf([value(installed)])]));
  return [
    { what: 'installed', unit: 'MB', cells: of(({ megabytes }) => megabytes) },
    { what: 'packages', unit: 'count', cells: of(({ packages }) => packages) },
  ];
}

async function coldStarts(contenders: readonly Contender[]): Promise<readonly Row[]> {
  const cells = await rounds(contenders, COLD_ROUNDS, async ({ of: library, installed }) => {
    const ms = coldStart(installed.folder, library.entry);
    return { ms, cpuMs: Number.NaN };
  });
  const bare: number[] = [];
  for (let i = 0; i < COLD_ROUNDS; i++) bare.push(coldStart(ROOT, null));
  const walls = Object.entries(cells).map(([name, cell]) => [
    name,
    'none' in cell ? cell : { ...cell, cpu: undefined },
  ]);
  return [
    {
      what: 'cold start: import in a fresh Node',
      unit: 'ms',
      cells: { ...(Object.fromEntries(walls) as Record<string, Cell>), 'Node alone': cellOf(bare) },
    },
  ];
}

async function bus(): Promise<readonly Row[]> {
  const all: Awaited<ReturnType<typeof busRound>>[] = [];
  for (let i = 0; i <= ROUNDS; i++) all.push(await busRound());
  const counted = all.slice(1);
  return [
    {
      what: 'events, one listener',
      unit: 'thousand/s',
      cells: {
        'eventemitter3 alone': cellOf(counted.map(({ bare }) => bare / 1000)),
        'orderflow-crew: bus': cellOf(counted.map(({ bus: rate }) => rate / 1000)),
        'orderflow-crew: bus and journal on disk': cellOf(counted.map(({ journal }) => journal / 1000)),
      },
    },
  ];
}

function report(
  rows: readonly Row[],
  contenders: readonly Contender[],
  missing: Readonly<Record<string, string>>,
  json: boolean,
  say: (text: string) => void,
): void {
  const versions = Object.fromEntries(
    contenders.map(({ of: library, installed }) => [
      library.name,
      {
        ...installed.versions,
        ...(library.adapter === 'ours'
          ? { '@langchain/langgraph': versionOf(installed.folder, '@langchain/langgraph') }
          : {}),
      },
    ]),
  );
  if (json) {
    process.stdout.write(`${JSON.stringify({ node: process.versions.node, load: load(), versions, missing, rows })}\n`);
    return;
  }
  const names = contenders.map((each) => each.of.name);
  const shared = rows.filter(({ cells }) => Object.keys(cells).every((name) => names.includes(name)));
  printTable(shared, names, say);
  // Rows whose columns are stores and the like: one line for each cell.
  for (const row of rows.filter((each) => !shared.includes(each))) {
    say(`\n${row.what}, ${row.unit}\n`);
    for (const [name, cell] of Object.entries(row.cells))
      printTable(
        [{ ...row, what: `  ${name}`, cells: { value: cell } }],
        ['value'],
        (text) => text.trim() === 'value' || say(text),
      );
  }
  say('\n');
  for (const [name, packages] of Object.entries(versions))
    say(
      `${name}: ${Object.entries(packages)
        .map(([id, version]) => `${id} ${version}`)
        .join(', ')}\n`,
    );
  for (const [name, reason] of Object.entries(missing)) say(`NOT MEASURED ${name}: ${reason}\n`);
  say(`median (least–most; processor time) of ${ROUNDS} rounds in turn, load ${load()} at the end\n`);
}

function load(): string {
  return (loadavg()[0] ?? Number.NaN).toFixed(1);
}
