import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import type { FrameVerdict, VenueMarket } from '../../../src/market/exchanges/contract.ts';
import { decodeBytes } from '../../../src/market/exchanges/shared/fast/reader.ts';
import { fixtureCases, fixtureMarkets } from './fixtures.ts';
import { DATA, hasData, json, jsonLines, marketOf } from './recorded/data.ts';

/**
 * A frame says the same however its JSON is written: in another order of keys, with blanks, with escapes, and with
 * fields that the venue adds one day. Read from its bytes or its text, each has to give the records of the original.
 */
const RECEIVED = 1_700_000_000_000_000;

type Json = unknown;

function mapped(value: Json, change: (entries: [string, Json][]) => [string, Json][]): Json {
  if (Array.isArray(value)) return value.map((one) => mapped(one, change));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]): [string, Json] => [key, mapped(one, change)]);
  return Object.fromEntries(change(entries));
}

/** The first letter of each text, keys too, as `\u0061`. */
const escaped = (text: string): string =>
  text.replaceAll(/"((?:[^"\\]|\\.)*)"/g, (whole, inner: string) => {
    if (inner === '' || inner.startsWith('\\')) return whole;
    return `"\\u${inner.charCodeAt(0).toString(16).padStart(4, '0')}${inner.slice(1)}"`;
  });

/** Blanks around each mark that is not in a text. */
const spaced = (text: string): string =>
  text.replaceAll(/"(?:[^"\\]|\\.)*"|[,:[\]{}]/g, (mark) => (mark.startsWith('"') ? mark : ` ${mark}\t`));

const VARIATIONS: readonly (readonly [string, (text: string) => string])[] = [
  ['keys the other way round', (text) => JSON.stringify(mapped(JSON.parse(text), (entries) => entries.toReversed()))],
  [
    'fields that we do not know',
    (text) =>
      JSON.stringify(
        mapped(JSON.parse(text), (entries) => [['added_0', null], ...entries, ['added_1', [1, { deep: ['x', 2.5] }]]]),
      ),
  ],
  ['escapes', escaped],
  ['blanks', spaced],
];

function outcome(market: VenueMarket, text: string, way: 'text' | 'bytes'): string {
  const decoder = market.createDecoder({ instruments: [], sizeless: true });
  const records: unknown[] = [];
  const sink = (record: object): void => {
    records.push(JSON.parse(JSON.stringify(record)));
  };
  const verdict: FrameVerdict =
    way === 'text'
      ? decoder.frame(text, RECEIVED, sink)
      : decodeBytes(decoder, new TextEncoder().encode(text), RECEIVED, sink);
  const sorted = records.map((record) => Object.fromEntries(Object.entries(record as object).sort()));
  return JSON.stringify([verdict, sorted]);
}

/** How many frames were compared; frames that give no records say nothing here. */
function compare(market: VenueMarket, frames: Iterable<string>): number {
  let compared = 0;
  for (const frame of frames) {
    const text = JSON.stringify(JSON.parse(frame));
    const original = outcome(market, text, 'text');
    if (!original.startsWith('[{"kind":"data"')) continue;
    expect(outcome(market, text, 'bytes'), text.slice(0, 200)).toBe(original);
    for (const [name, vary] of VARIATIONS) {
      for (const way of ['text', 'bytes'] as const) {
        expect(outcome(market, vary(text), way), `${name}, ${way}: ${text.slice(0, 200)}`).toBe(original);
      }
    }
    compared++;
  }
  return compared;
}

describe.each(fixtureMarkets())('%s frames written otherwise', (key) => {
  it('give the same records', () => {
    const [exchange = '', market = ''] = key.split('_');
    const frames = fixtureCases(exchange, market).flatMap(({ frame }) =>
      frame === undefined || frame === null ? [] : [JSON.stringify(frame)],
    );
    expect(compare(marketOf(key), frames)).toBeGreaterThan(3);
  });
});

const PARSER_FILES = ['binance', 'bybit', 'deribit', 'gate', 'kraken', 'kucoin', 'okx'];

describe.runIf(hasData('raw_crypto_msg_parser') && hasData('oracle_tardis_mappers'))('recorded frames', () => {
  it('give the same records written otherwise', () => {
    const frames = new Set<string>();
    for (const file of PARSER_FILES) {
      for (const { raw } of jsonLines(`raw_crypto_msg_parser/${file}.jsonl`)) frames.add(raw);
    }
    for (const file of readdirSync(path.join(DATA, 'oracle_tardis_mappers'))) {
      if (!file.endsWith('.json')) continue;
      for (const { message } of json(`oracle_tardis_mappers/${file}`).records) frames.add(JSON.stringify(message));
    }
    let compared = 0;
    for (const market of venues.flatMap((venue) => venue.markets)) compared += compare(market, frames);
    expect(compared).toBeGreaterThan(300);
  });
});
