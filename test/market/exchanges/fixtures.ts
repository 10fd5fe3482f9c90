import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FIXTURES = path.resolve(import.meta.dirname, '../../fixtures');

/** A line of a fixture file: what goes in, what must come out. */
export interface FixtureCase {
  readonly name: string;
  readonly frame: unknown;
  /** The line as it is when it is not JSON (a venue's `pong`). */
  readonly text?: string;
  readonly objects: readonly unknown[];
  readonly control?: number;
  readonly errors?: number;
  readonly unread?: number;
}

/** The market keys that have fixtures: one file a venue market, `<venue>/<market>.jsonl`. */
export function fixtureMarkets(): readonly string[] {
  return readdirSync(FIXTURES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) =>
      readdirSync(path.join(FIXTURES, name))
        .filter((file) => /^(?!bodies\b)\w+\.jsonl$/.test(file))
        .map((file) => `${name}_${file.slice(0, -'.jsonl'.length)}`),
    );
}

export function fixtureCases(exchange: string, market: string): readonly FixtureCase[] {
  return linesOf(`${exchange}/${market}.jsonl`).map((line) => JSON.parse(line));
}

/** The instruments that the market's frames are read with; undefined when they need none. */
export function fixtureInstruments(exchange: string, market: string): string | undefined {
  const file = path.join(FIXTURES, exchange, `${market}.instruments.json`);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** REST bodies of the venue, to be damaged. */
export function fixtureBodies(exchange: string): readonly string[] {
  return existsSync(path.join(FIXTURES, exchange, 'bodies.jsonl')) ? linesOf(`${exchange}/bodies.jsonl`) : [];
}

function linesOf(file: string): readonly string[] {
  return readFileSync(path.join(FIXTURES, file), 'utf8').trim().split('\n');
}
