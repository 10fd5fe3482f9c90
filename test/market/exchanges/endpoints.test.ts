import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError, RateLimited } from '../../../src/kit/errors.ts';
import { endpointTables } from '../../../src/market/exchanges/endpoint-catalogue.generated.ts';
import type { EndpointTool } from '../../../src/market/exchanges/endpoint.ts';
import { deskNow, refusalOf, simulatedDesk, type Instead } from './endpoint-desk.ts';

/* Every tool of every endpoint table, against the simulator's REST. What is special to a venue is in its own test. */

/** Tools without an endpoint: the typed error that they answer while nothing is collected. */
const COLLECTED_ONLY: Readonly<Record<string, RegExp>> = { binance_liquidations_tool: /not collected/ };

/** Tools whose answers are words and times alone, by the ends of their names: of any venue. */
const WORDS = /_(announcements_tool|options_expirations|system_status_tool)$/;

/** How many tools `tools.md` names, or the venue has beyond it. */
const FEWEST: Readonly<Record<string, number>> = {
  binance: 28,
  bybit: 20,
  okx: 20,
  gateio: 26,
  kraken: 20,
  kucoin: 27,
  hyperliquid: 17,
  deribit: 27,
};

const all = endpointTables.flatMap(({ exchange, tools }) => tools.map((tool) => [tool.name, exchange, tool] as const));
const asking = all.filter(([name]) => COLLECTED_ONLY[name] === undefined);

const HOSTILE = [null, [], {}, '', 'x', 42, true, [null], [[]], [{}], { data: null }, { result: [] }, { result: {} }];
const JUNK = [null, 'NaN', '', '-', {}, [], -1, 'Infinity', '1e999', true];

async function outcome(exchange: string, tool: EndpointTool, instead: Instead): Promise<unknown> {
  try {
    return (await tool.run(tool.example, simulatedDesk(exchange, instead))).data;
  } catch (error) {
    return error;
  }
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

/** Either a typed error, or data of the promised shape without NaN or Infinity. */
function expectSound(tool: EndpointTool, got: unknown): void {
  if (got instanceof Error) expect([tool.name, got]).toEqual([tool.name, expect.any(AppError)]);
  else {
    expect([tool.name, tool.output.safeParse(got).error]).toEqual([tool.name, undefined]);
    expect([tool.name, numbersIn(got).every(Number.isFinite)]).toEqual([tool.name, true]);
  }
}

/** The same JSON with its n-th leaf, counted round and round, replaced. */
function damaged(body: string, n: number, junk: unknown): string {
  const leaves: { holder: Record<string, unknown>; key: string }[] = [];
  const walk = (holder: Record<string, unknown>): void => {
    for (const [key, value] of Object.entries(holder)) {
      if (typeof value === 'object' && value !== null) walk(value as Record<string, unknown>);
      else leaves.push({ holder, key });
    }
  };
  const root = { value: JSON.parse(body) as unknown };
  walk(root);
  const leaf = leaves[n % Math.max(1, leaves.length)];
  if (leaf !== undefined) leaf.holder[leaf.key] = junk;
  return JSON.stringify(root.value);
}

it.each(Object.entries(FEWEST))('%s has its tools, each name once', (exchange, fewest) => {
  const names = all.filter(([, venue]) => venue === exchange).flatMap(([name, , tool]) => [name, ...tool.aliases]);
  expect(new Set(names).size).toBe(names.length);
  expect(all.filter(([, venue]) => venue === exchange).length).toBeGreaterThanOrEqual(fewest);
});

it.each(Object.entries(COLLECTED_ONLY))('%s says that it needs the collector', async (name, words) => {
  const [, exchange, tool] = all.find(([own]) => own === name) ?? [];
  if (exchange === undefined || tool === undefined) throw new Error(`no tool ${name}`);
  await expect(tool.run(tool.example, simulatedDesk(exchange))).rejects.toThrow(words);
});

describe.each(asking)('%s', (name, exchange, tool) => {
  it('answers its example with real values, whole, with sources and times', async () => {
    const result = await tool.run(tool.example, simulatedDesk(exchange));
    expect(tool.output.safeParse(result.data).error).toBeUndefined();
    expect(tool.summary(result.data)).toMatch(/\w/);
    expect(JSON.stringify(result.data)).not.toContain('"missing":[{');
    expect([result.complete, result.notes.filter((note) => note.startsWith('missing'))]).toEqual([true, []]);
    const numbers = numbersIn(result.data);
    expect(numbers.every(Number.isFinite)).toBe(true);
    expect(WORDS.test(name) || numbers.some((n) => n !== 0)).toBe(true);
    expect(result.sources.length).toBeGreaterThan(0);
    for (const { asOf, via, host } of result.sources) {
      expect([via, host === null]).toEqual(['rest', false]);
      expect(Math.abs(asOf - deskNow())).toBeLessThan(86_400_000 * 2);
    }
  });

  it('describes every field, and refuses numbers out of bounds, words not on its list, and unknown fields', () => {
    for (const [field, schema] of Object.entries(tool.input.shape)) {
      expect([field, ((schema as { description?: string }).description ?? '').length > 8]).toEqual([field, true]);
      const allows = (value: unknown): boolean => tool.input.safeParse({ ...tool.example, [field]: value }).success;
      for (const value of [-1, 0.5, 1e9, NaN, 'x'.repeat(300), "'; --", '../x', '\u0000']) {
        expect([field, value, allows(value)]).toEqual([field, value, false]);
      }
    }
    expect(tool.input.safeParse({ ...tool.example, nonsense: 1 }).success).toBe(false);
  });

  it('turns a refusal of the venue into a typed error with its code and when to try again', async () => {
    const got = await outcome(exchange, tool, (_answer, key) => refusalOf(key));
    expect(got).toBeInstanceOf(RateLimited);
    if (!(got instanceof RateLimited)) return;
    expect(got.retryAfterMs).toBeGreaterThan(0);
    expect(String(got.details?.['code'])).toMatch(/\S/);
    expect(got.message).toContain(String(got.details?.['code']));
  });

  it('rejects bodies that are not as documented at the edge', async () => {
    for (const body of HOSTILE) {
      expectSound(tool, await outcome(exchange, tool, () => ({ status: 200, body: JSON.stringify(body) })));
    }
    const cut = await outcome(exchange, tool, ({ status, body }) => ({ status, body: body.slice(0, -2) }));
    expect(cut).toBeInstanceOf(AppError);
  });

  it('never passes a damaged value on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(5000), fc.constantFrom(...JUNK), async (n, junk) => {
        const broken: Instead = ({ status, body }) => ({ status, body: damaged(body, n, junk) });
        expectSound(tool, await outcome(exchange, tool, broken));
      }),
      { seed: 11, numRuns: 12 },
    );
  });
});
