import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { exemptionOf } from '../exemptions.ts';
import { DATA, decodeAny, hasData, jsonLines, lines, marketOf, text } from './data.ts';
import { checkPlainly } from './plain.ts';

/** Messages of the venues' documents and of other projects' tests, with the market that they belong to. */
interface Sample {
  readonly name: string;
  readonly market: string;
  readonly frame: any;
}

function files(folder: string): string[] {
  return readdirSync(path.join(DATA, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => `${folder}/${file}`);
}

function* nautilus(): Generator<Sample> {
  for (const [folder, market] of [
    ['fixtures_nautilus/binance/futures', 'binance_futures'],
    ['fixtures_nautilus/binance_legacy/ws_messages', 'binance_futures'],
    ['fixtures_nautilus/bybit', 'bybit_futures'],
    ['fixtures_xchange/stream-binance', 'binance_spot'],
  ] as const) {
    for (const file of files(folder)) {
      if (!/option|instruments|klines_linear/.test(file)) {
        const spot = /spot/.test(file) ? market.replace('futures', 'spot') : market;
        yield { name: file, market: spot, frame: JSON.parse(text(file)) };
      }
    }
  }
}

function* jkorf(): Generator<Sample> {
  for (const exchange of ['binance', 'bybit']) {
    for (const { file, role, json } of jsonLines(`fixtures_jkorf/${exchange}/parsed.jsonl`)) {
      if (role !== 'update' || /Option|Lite|UserData|Account|Trading|TradeUpdate/.test(file)) continue;
      yield {
        name: `jkorf ${String(file)}`,
        market: `${exchange}_${/Spot/.test(file) ? 'spot' : 'futures'}`,
        frame: json,
      };
    }
  }
}

function* docs(): Generator<Sample> {
  for (const { path: page, heading, json } of jsonLines('docs_examples/binance_spot.jsonl')) {
    if (page === 'web-socket-streams.md' && Object.keys(json[0] ?? json).length > 0) {
      yield { name: `docs ${String(heading)}`, market: 'binance_spot', frame: json };
    }
  }
  for (const { path: page, json } of jsonLines('docs_examples/bybit_v5_public.jsonl')) {
    if (String(page).startsWith('docs/v5/websocket/public')) {
      yield { name: String(page), market: 'bybit_futures', frame: json };
    }
  }
}

function* gocryptotrader(): Generator<Sample> {
  for (const line of lines('fixtures_gocryptotrader/binance_wsHandleData.json')) {
    yield { name: 'gct', market: 'binance_spot', frame: JSON.parse(line) };
  }
  for (const line of lines('fixtures_gocryptotrader/bybit_wsTicker.json')) {
    yield { name: 'gct', market: 'bybit_futures', frame: JSON.parse(line) };
  }
}

const SOURCES = [
  ['fixtures_nautilus', nautilus, 15],
  ['fixtures_jkorf', jkorf, 15],
  ['docs_examples', docs, 10],
  ['fixtures_gocryptotrader', gocryptotrader, 7],
] as const;

describe.each(SOURCES)('messages of %s', (folder, samples, least) => {
  it.runIf(hasData(folder))('are read, field by field', () => {
    let checked = 0;
    for (const { name, market: key, frame } of samples()) {
      const market = marketOf(key);
      if (exemptionOf(market.exchange, frame) !== undefined) continue;
      const raw = JSON.stringify(frame);
      const { verdict, records } = decodeAny(
        market,
        market.createDecoder({ instruments: [] }),
        raw,
        1_700_000_000_000_000,
      );
      expect(verdict.kind, `${name} ${raw.slice(0, 200)} ${JSON.stringify(verdict)}`).toMatch(/^(data|control|error)$/);
      for (const record of records) noneInvented(record);
      checked += checkPlainly(frame, records);
    }
    expect(checked).toBeGreaterThan(least);
  });
});

function noneInvented(record: MarketRecord): void {
  for (const [field, value] of Object.entries(record)) {
    if (typeof value === 'number') expect(Number.isFinite(value), `${record.stream}.${field}`).toBe(true);
  }
}
