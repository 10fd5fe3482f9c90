import { expect, test } from 'vitest';
import { tools } from '../../../src/market/tools/catalogue.generated.ts';
import { KNOWN, KNOWN_OF_TABLES } from './known-tools.ts';

const NAMES = new Map(tools.flatMap((tool) => [tool.name, ...tool.aliases].map((name) => [name, tool] as const)));

test.each(Object.entries(KNOWN))('%s: every known name is a tool or an alias', (_, names) => {
  expect(names.filter((name) => !NAMES.has(name))).toEqual([]);
});

test('the manager of the tables has all that it is known by', () => {
  expect(KNOWN_OF_TABLES.filter((name) => !NAMES.has(name))).toEqual([]);
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
