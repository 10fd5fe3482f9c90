import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { RestErrorInfo } from '../../../src/market/exchanges/contract.ts';

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
        .filter((file) => /^(?!(bodies|refusals)\b)\w+\.jsonl$/.test(file))
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

/** A body with which a venue refuses, and what it has to be understood as. */
export interface FixtureRefusal {
  /** The only market that sends it; every market of the venue where not given. */
  readonly market?: string;
  readonly status: number;
  readonly kind: RestErrorInfo['kind'];
  readonly code: string;
  /** A text as it is sent, or JSON. */
  readonly body: unknown;
}

/** The refusals that the venue's page, or a client that others keep, writes down for this market. */
export function fixtureRefusals(exchange: string, market: string): readonly FixtureRefusal[] {
  if (!existsSync(path.join(FIXTURES, exchange, 'refusals.jsonl'))) return [];
  return linesOf(`${exchange}/refusals.jsonl`)
    .map((line): FixtureRefusal => JSON.parse(line))
    .filter((refusal) => refusal.market === undefined || refusal.market === market);
}

function linesOf(file: string): readonly string[] {
  return readFileSync(path.join(FIXTURES, file), 'utf8').trim().split('\n');
}
