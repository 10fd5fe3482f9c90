import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { crewFileKeys, systemKeys } from '../src/crew/config/reference.ts';
import { LocalEvents } from '../src/crew/code/local-events.ts';
import { EventBus } from '../src/events/bus.ts';
import { EVENT_NAMES } from '../src/kit/event.ts';
import { createProgram } from '../src/serve/cli/program.ts';
import { SECTIONS } from '../src/serve/config.ts';
import { type Feature, FEATURES, type None } from './features.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const isNone = (value: object): value is None => 'none' in value;
const all = Object.values(FEATURES).flat();

/** Keys of the files of a configuration, as a row writes them. A key whose values have one shape or another is there too. */
const KEYS = new Set([
  ...crewFileKeys().flatMap(({ file, keys }) =>
    keys.map(({ path }) => `${file} ${path.join('.').replaceAll('.[]', '[]')}`),
  ),
  ...systemKeys(SECTIONS).map(({ path }) => `system.yaml ${path.join('.').replaceAll('.[]', '[]')}`),
]);

const EXPORTS = new Set(
  ['src/index.ts', 'src/crew/index.ts', 'src/testing/index.ts', 'src/serve/mcp/index.ts', 'src/kit/errors.ts']
    .flatMap((path) => [...read(path).matchAll(/export (?:type )?\{([^}]*)\}|export (?:class|const|function) (\w+)/g)])
    .flatMap(([, list, one]) => (list ?? one ?? '').split(',').map((name) => name.replace(/^\s*type\s+/, '').trim())),
);

/** What of `crew runs fork --at` there is not. */
function missingOf(typed: string, program = createProgram()): string | undefined {
  const [, ...words] = typed.split(' ');
  let command: Command = program;
  for (const word of words.filter((one) => !one.startsWith('-'))) {
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) return `${typed}: there is no ${word}`;
    command = next;
  }
  const known = [program, command].flatMap(({ options }) => options).flatMap(({ long, short }) => [long, short]);
  const option = words.find((one) => one.startsWith('-') && !known.includes(one));
  return option === undefined ? undefined : `${typed}: there is no option ${option}`;
}

function headingsOf(page: string): readonly string[] {
  const prose = read(join('docs', page)).replaceAll(/^```[^]*?^```/gm, '');
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

/** Examples that the end-to-end tests run as they stand in the package. */
const RUN = new Set(
  [...read('test/e2e/example.test.ts').matchAll(/projectOf\('([\w-]+\.ts)'\)/g)].map(([, name = '']) => name),
);

function holesOf({ yaml, code, events, docs, example: [file, marker] }: Feature): readonly string[] {
  const keys = isNone(yaml) ? [] : yaml;
  const [page = '', heading = ''] = docs.split('#');
  const inExamples = /^examples\/(.+)$/.exec(file)?.[1];
  return [
    ...keys.flatMap((key) =>
      key.startsWith('crew ') ? (missingOf(key) ?? []) : KEYS.has(key) ? [] : [`there is no key ${key}`],
    ),
    ...(isNone(code) ? [] : code.filter((name) => !EXPORTS.has(name)).map((name) => `${name} is not exported`)),
    ...(isNone(events) ? [] : events.flatMap(([, ...names]) => names))
      .filter((name) => !EVENT_NAMES.includes(name))
      .map((name) => `there is no event ${name}`),
    ...(headingsOf(page).includes(heading) ? [] : [`docs/${page} has no heading #${heading}`]),
    ...(existsSync(file) && read(file).includes(marker) ? [] : [`${file} does not show ${marker}`]),
    ...((inExamples === undefined ? /^test\/.+\.test\.ts$/.test(file) : RUN.has(inExamples))
      ? []
      : [`CI does not run ${file}`]),
    ...[yaml, code, events].flatMap((form) =>
      (isNone(form) ? form.none.length > 10 : form.length > 0) ? [] : ['a form is empty'],
    ),
  ];
}

describe.each(Object.entries(FEATURES))('features: %s', (_, features) => {
  test.each(features.map((feature) => [feature.name, feature] as const))('%s', (__, feature) => {
    expect(holesOf(feature)).toEqual([]);
  });
});

describe('the table of features', () => {
  test('is looked at in a way that can fail', () => {
    const hollow: Feature = {
      name: 'hollow',
      yaml: ['agents.yaml max_itre', 'crew runs frok', 'crew runs fork --an'],
      code: ['defineAgnet'],
      events: [],
      docs: 'safety.md#tripwire',
      example: ['examples/nowhere.ts', 'x'],
    };
    expect(holesOf(hollow)).toEqual([
      'there is no key agents.yaml max_itre',
      'crew runs frok: there is no frok',
      'crew runs fork --an: there is no option --an',
      'defineAgnet is not exported',
      'docs/safety.md has no heading #tripwire',
      'examples/nowhere.ts does not show x',
      'CI does not run examples/nowhere.ts',
      'a form is empty',
    ]);
    expect(all.length).toBeGreaterThan(60);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });
});

describe('events of features', { timeout: 120_000 }, () => {
  const heard = new Map<string, Set<string>>();
  const examples = [...new Set(all.flatMap(({ events }) => (isNone(events) ? [] : events.map(([where]) => where))))];

  beforeAll(async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    let hears: Set<string> | undefined;
    const listened = [LocalEvents.prototype, EventBus.prototype].map((prototype) => {
      const { emit } = prototype;
      return vi.spyOn(prototype, 'emit').mockImplementation(function (this: EventBus & LocalEvents, ...given) {
        hears?.add(given[0]);
        return emit.apply(this, given);
      });
    });
    for (const name of examples.filter((where) => !where.startsWith('test/'))) {
      heard.set(name, (hears = new Set()));
      await import(`../examples/${name}`);
    }
    for (const spy of [log, ...listened]) spy.mockRestore();
  }, 120_000);

  test.each(examples)('are heard as %s', (where) => {
    const named = all.flatMap(({ events }) => (isNone(events) ? [] : events.filter(([at]) => at === where)));
    const wanted = [...new Set(named.flatMap(([, ...names]) => names))];
    const there = where.startsWith('test/')
      ? new Set(wanted.filter((name) => read(where).includes(`'${name}'`)))
      : heard.get(where);
    expect(wanted.filter((name) => there?.has(name) !== true)).toEqual([]);
  });
});
