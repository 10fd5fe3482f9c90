import { expect, test } from 'vitest';
import { tools } from '../../../src/market/tools/catalogue.generated.ts';
import { KNOWN, KNOWN_OF_TABLES } from './known-tools.ts';

/** Known names that nothing answers yet, and why. A tool that comes takes its line away. */
const LATER: Readonly<Record<string, string>> = {
  get_realtime_analytics_status: 'there are no running analytics or forecasts whose buffers it could tell of',
  get_stream_forecast: 'there are no forecasts of streams to give the last of',
};

const NAMES = new Map(tools.flatMap((tool) => [tool.name, ...tool.aliases].map((name) => [name, tool] as const)));

test.each(Object.entries(KNOWN))(
  '%s: every known name is a tool or an alias, or comes later for a reason',
  (_, names) => {
    expect(names.filter((name) => !NAMES.has(name) && LATER[name] === undefined)).toEqual([]);
  },
);

test('the manager of the tables has all that it is known by', () => {
  expect(KNOWN_OF_TABLES.filter((name) => !NAMES.has(name))).toEqual([]);
});

test('what comes later is known, and not there', () => {
  const known = new Set<string>(Object.values(KNOWN).flat());
  for (const [name, why] of Object.entries(LATER)) {
    expect([name, known.has(name), NAMES.has(name), why.length > 20]).toEqual([name, true, false, true]);
  }
});

test('the name that HTTP knows a tool by is one tool with it', () => {
  for (const name of [...KNOWN.binance_spot, ...KNOWN.bybit, ...KNOWN.okx, ...KNOWN.kraken]) {
    expect([name, NAMES.get(name.replace(/_tool$/, ''))?.name]).toEqual([name, NAMES.get(name)?.name]);
  }
  for (const name of KNOWN.binance_futures) {
    const twin = name.replace(/^binance_/, 'binance_get_').replace(/_tool$/, '');
    expect([name, NAMES.get(twin)?.name]).toEqual([name, NAMES.get(name)?.name]);
  }
});

test('KuCoin, which the inventory has nothing of, has a family of its own', () => {
  const kucoin = tools.filter(({ toolset }) => toolset === 'exchange_kucoin').map(({ name }) => name);
  expect(kucoin.length).toBeGreaterThanOrEqual(16);
  expect(kucoin.filter((name) => name.includes('spot')).length).toBeGreaterThan(5);
  expect(kucoin.filter((name) => name.includes('futures')).length).toBeGreaterThan(5);
});
