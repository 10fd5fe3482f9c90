import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemoryStorage } from '../../../src/crew/memory/contract.ts';
import { openDuckDbStorage } from '../../../src/crew/memory/duckdb-storage.ts';
import { createMemoryStorage } from '../../../src/crew/memory/memory-storage.ts';
import type { MemorySettings } from '../../../src/crew/memory/parts.ts';
import { type MemoryVault, openMemoryVault } from '../../../src/crew/memory/vault.ts';
import type { Embedder } from '../../../src/crew/retrieval/vector.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { Conflict, InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import { MemoryEvents } from '../../../src/testing/index.ts';

const DAY = 86_400_000;
const why = { by: 'alice', reason: 'asked to' };

interface Opened {
  readonly vault: MemoryVault;
  readonly storage: MemoryStorage;
  readonly clock: ManualClock;
  readonly events: MemoryEvents;
}

function vaultOver(storage: MemoryStorage, settings: Partial<MemorySettings> = {}, embedder?: Embedder): Opened {
  const clock = new ManualClock();
  const events = new MemoryEvents();
  let id = 0;
  const ids = (prefix: string): string => `${prefix}_${String(++id).padStart(4, '0')}`;
  return { vault: openMemoryVault({ storage, clock, events, ids, settings, embedder }), storage, clock, events };
}

/** Each storage holds to the same rules. */
const storages: readonly (readonly [string, () => Promise<{ storage: MemoryStorage; db?: Database }>])[] = [
  ['in memory', () => Promise.resolve({ storage: createMemoryStorage() })],
  [
    'in DuckDB',
    async () => {
      const db = await Database.open({ path: ':memory:' });
      return { storage: await openDuckDbStorage(db), db };
    },
  ],
];

describe.each(storages)('memory %s', (_, open) => {
  const opened = async (settings: Partial<MemorySettings> = {}): Promise<Opened & AsyncDisposable> => {
    const { storage, db } = await open();
    return {
      ...vaultOver(storage, settings),
      [Symbol.asyncDispose]: async () => {
        await db?.close();
      },
    };
  };

  it('gives back what it kept, with who wrote it, also to a vault that is opened later', async () => {
    await using first = await opened();
    const desk = await first.vault.tenant('desk');
    const by = { crew: 'watch', agent: 'watcher', task: 'look', run: 'run_1' };
    const { memory, outcome } = await desk.remember({
      scope: '/crew/watch',
      content: 'Funding of BTCUSDT turned negative',
      value: { rate: -0.0001 },
      importance: 0.9,
      by,
    });
    expect(outcome).toBe('added');
    expect(memory).toMatchObject({ kind: 'long_term', written_by: by, value: { rate: -0.0001 }, expires_at: null });
    const later = vaultOver(first.storage);
    const [found] = await (await later.vault.tenant('desk')).recall('funding of BTCUSDT', { scopes: ['/crew/watch'] });
    expect(found?.memory).toEqual({ ...memory });
    const [noted] = await (await later.vault.tenant('desk')).list();
    expect(noted).toMatchObject({ recalls: 1, recalled_at: later.clock.now() });
  });

  it('scores by the stated formula', async () => {
    await using all = await opened();
    const { vault, clock } = all;
    const desk = await vault.tenant('desk');
    await desk.remember({ scope: '/a', content: 'spread widened on kraken', importance: 1 });
    clock.jump(30 * DAY);
    await desk.remember({ scope: '/a', content: 'spread widened on bybit', importance: 0 });
    const [first, second] = await desk.recall('spread widened', { scopes: ['/a'] });
    // Both texts have each word of the question once and are of average length.
    expect(first?.similarity).toBeCloseTo(1, 9);
    expect(second?.similarity).toBeCloseTo(1, 9);
    expect([first?.recency, second?.recency]).toEqual([0.5, 1]);
    expect(first?.score).toBeCloseTo(0.5 * 1 + 0.3 * 0.5 + 0.2 * 1, 9);
    expect(second?.score).toBeCloseTo(0.5 * 1 + 0.3 * 1 + 0.2 * 0, 9);
    expect(await desk.recall('weather in Lisbon', { scopes: ['/a'] })).toEqual([]);
  });

  it('keeps tenants and scopes apart', async () => {
    await using all = await opened();
    const { vault } = all;
    const [ours, theirs] = await Promise.all([vault.tenant('ours'), vault.tenant('theirs')]);
    for (const [tenant, scope] of [
      [ours, '/crew/a'],
      [ours, '/crew/ab'],
      [ours, '/crew/a/agent/x'],
      [theirs, '/crew/a'],
    ] as const)
      await tenant.remember({ scope, content: `the secret number of ${tenant.name} ${scope}` });
    const seen = async (scopes: readonly string[]): Promise<string[]> =>
      (await ours.recall('secret number', { scopes, limit: 10 })).map((r) => r.memory.scope).sort();
    expect(await seen(['/crew/a'])).toEqual(['/crew/a', '/crew/a/agent/x']);
    expect(await seen(['/crew/ab', '/crew/c'])).toEqual(['/crew/ab']);
    expect((await ours.list()).every((m) => m.tenant === 'ours')).toBe(true);
    const theirMemory = (await theirs.list())[0];
    await expect(ours.forget({ ids: [theirMemory?.id ?? ''] }, why)).rejects.toBeInstanceOf(NotFound);
    expect(await vault.tenants()).toEqual(['ours', 'theirs']);
    await expect(ours.remember({ scope: 'crew/a', content: 'x' })).rejects.toThrow("'crew/a' is not a scope");
    await expect(ours.remember({ scope: '/crew/../b', content: 'x' })).rejects.toBeInstanceOf(InvalidInput);
    expect(() => vault.tenant("x' OR 1=1")).toThrow(InvalidInput);
  });

  it('puts one memory of a key in the place of the other', async () => {
    await using all = await opened();
    const desk = await all.vault.tenant('desk');
    await desk.remember({ scope: '/a', key: 'task:look', content: 'first', value: 1 });
    const { outcome } = await desk.remember({ scope: '/a', key: 'task:look', content: 'second', value: 2 });
    await desk.remember({ scope: '/b', key: 'task:look', content: 'elsewhere' });
    expect(outcome).toBe('replaced');
    expect(await desk.get('/a', 'task:look')).toMatchObject({ content: 'second', value: 2 });
    expect(await desk.get('/a', 'task:other')).toBeUndefined();
    expect(await desk.list({ scope: '/a' })).toHaveLength(1);
  });

  it('makes one of two that say the same, tells it, and two of one again', async () => {
    await using all = await opened();
    const { vault, events } = all;
    const desk = await vault.tenant('desk');
    const say = (content: string, importance = 0.5) => desk.remember({ scope: '/a', content, importance });
    await say('Kraken lists a new perpetual swap on the first Monday of each month', 0.2);
    const again = await say('Kraken lists a new perpetual swap on the first Monday of each month.', 0.7);
    expect(again).toMatchObject({ outcome: 'duplicate', memory: { importance: 0.7 } });
    const newer = await say('Kraken usually lists a new perpetual swap on the first Monday of each month');
    expect(newer.outcome).toBe('merged');
    expect((await desk.list()).map((m) => m.content)).toEqual([newer.memory.content]);
    const [merger, duplicate] = await desk.consolidations();
    expect(merger).toMatchObject({ id: newer.consolidation, kept: newer.memory.id, outcome: 'merged' });
    expect(duplicate?.outcome).toBe('duplicate');
    const restored = await desk.undo(merger?.id ?? '', 'bob');
    expect(restored.content).toMatch(/^Kraken lists/);
    expect(await desk.list()).toHaveLength(2);
    await expect(desk.undo(merger?.id ?? '', 'bob')).rejects.toBeInstanceOf(Conflict);
    await expect(desk.undo('cons_9', 'bob')).rejects.toBeInstanceOf(NotFound);
    expect(events.of('memory.consolidated')).toHaveLength(2);
  });

  it('never takes another number, name or negation for the same', async () => {
    await using all = await opened();
    const desk = await all.vault.tenant('desk');
    const facts = [
      'The funding rate of BTCUSDT on binance is 0.01 percent every eight hours as of today',
      'The funding rate of BTCUSDT on binance is 0.02 percent every eight hours as of today',
      'The funding rate of ETHUSDT on binance is 0.01 percent every eight hours as of today',
      'The funding rate of BTCUSDT on binance is not 0.01 percent every eight hours as of today',
      'The funding rate of BTCUSDT on binance is -0.01 percent every eight hours as of today',
    ];
    for (const content of facts) expect((await desk.remember({ scope: '/a', content })).outcome).toBe('added');
    expect(await desk.list()).toHaveLength(facts.length);
  });

  it('ends short-term memories by themselves, and the weakest when there are too many', async () => {
    await using all = await opened({ maxEntries: 3 });
    const { vault, clock, storage } = all;
    const desk = await vault.tenant('desk');
    await desk.remember({ scope: '/a', content: 'soon over', kind: 'short_term' });
    await desk.remember({ scope: '/a', content: 'over in a minute', expiresInMs: 60_000 });
    clock.jump(60_000);
    expect((await desk.list()).map((m) => m.content)).toEqual(['soon over']);
    clock.jump(DAY);
    expect(await desk.expire()).toBe(2);
    expect(await storage.load('desk')).toEqual([]);
    for (const [word, importance] of [
      ['alpha', 0.9],
      ['beta', 0.1],
      ['gamma', 0.5],
      ['delta', 0.5],
    ] as const)
      await desk.remember({ scope: '/a', content: word, importance });
    expect((await desk.list()).map((m) => m.content).sort()).toEqual(['alpha', 'delta', 'gamma']);
  });

  it('forgets with proof: rows, mergers and the chain of receipts', async () => {
    await using all = await opened();
    const { vault, events, storage } = all;
    const desk = await vault.tenant('desk');
    await desk.remember({ scope: '/a', content: 'Mr Smith holds twelve coins in cold storage' });
    await desk.remember({ scope: '/a', content: 'Mr Smith holds twelve coins in the cold storage' });
    await desk.remember({ scope: '/a', content: 'The desk opens at nine' });
    const proof = await desk.forget({ about: 'smith' }, why);
    expect(proof).toMatchObject({ consolidations: 1, remaining: 0, ...why, previous: '' });
    expect(await storage.load('desk')).toHaveLength(1);
    expect(await desk.consolidations()).toEqual([]);
    expect(await vault.wasForgotten(proof.id, 'Mr Smith holds twelve coins in cold storage')).toBe(true);
    expect(await vault.wasForgotten(proof.id, 'Mr Smith holds two coins')).toBe(false);
    expect(JSON.stringify(await vault.receipts())).not.toContain('Smith');
    const second = await desk.reset(why);
    expect(second.previous).toBe(proof.hash);
    expect(await vault.verifyReceipts()).toEqual({ ok: true, receipts: 2, broken: null });
    expect(events.of('memory.forgotten').map((e) => e.memories)).toEqual([1, 1]);
    await expect(desk.reset(why)).rejects.toBeInstanceOf(NotFound);
    await expect(desk.forget({}, why)).rejects.toThrow('say what is to be forgotten');
    await expect(vault.wasForgotten('rcpt_9', 'x')).rejects.toBeInstanceOf(NotFound);
  });

  it('refuses what no memory can be', async () => {
    await using all = await opened();
    const desk = await all.vault.tenant('desk');
    await expect(desk.remember({ scope: '/a', content: ' ' })).rejects.toBeInstanceOf(InvalidInput);
    await expect(desk.remember({ scope: '/a', content: 'x', importance: 2 })).rejects.toBeInstanceOf(InvalidInput);
    await expect(desk.remember({ scope: '/a', content: 'x', kind: 'entity' })).rejects.toThrow('names its entity');
    await expect(desk.remember({ scope: '/a', content: 'x'.repeat(20_001) })).rejects.toThrow('at most 20000');
    const weights = { similarity: 1, recency: 1, importance: 0 };
    expect(() => vaultOver(createMemoryStorage(), { weights })).toThrow('add up to 1');
    expect(() => vaultOver(createMemoryStorage(), { halfLifeMs: 0 })).toThrow('halfLifeMs of memory is above 0');
  });
});

describe('memory in DuckDB alone', () => {
  it('says where else a forgotten text is still found', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const { vault } = vaultOver(await openDuckDbStorage(db));
    await db.run('CREATE TABLE runs (id VARCHAR, document JSON)');
    const content = 'Mr Smith said "sell" at noon';
    await db.run('INSERT INTO runs VALUES (?, ?), (?, ?)', ['a', JSON.stringify({ raw: `x ${content} y` }), 'b', '{}']);
    const desk = await vault.tenant('desk');
    await desk.remember({ scope: '/a', content });
    const { traces } = await desk.forget({ about: 'Smith' }, why);
    expect(traces).toEqual([{ table: 'runs', column: 'document', rows: 1 }]);
  });

  it('notices a receipt that was changed or taken out', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const { vault } = vaultOver(await openDuckDbStorage(db));
    const desk = await vault.tenant('desk');
    const ids: string[] = [];
    for (const word of ['one', 'two', 'three']) {
      await desk.remember({ scope: '/a', content: word });
      ids.push((await desk.reset({ by: 'alice', reason: word })).id);
    }
    await db.run('UPDATE memory_receipts SET receipt = replace(receipt, \'"two"\', \'"too"\') WHERE number = 2');
    expect(await vault.verifyReceipts()).toEqual({ ok: false, receipts: 3, broken: ids[1] });
    await db.run('DELETE FROM memory_receipts WHERE number = 2');
    expect(await vault.verifyReceipts()).toEqual({ ok: false, receipts: 2, broken: ids[2] });
  });
});

describe('walls between tenants', () => {
  it('hold whatever is written, asked and forgotten', async () => {
    const tenants = ['a', 'b', 'c'] as const;
    const step = fc.record({
      act: fc.constantFrom('remember', 'recall', 'forget', 'list'),
      tenant: fc.constantFrom(...tenants),
      scope: fc.constantFrom('/x', '/x/y', '/z'),
      text: fc.constantFrom('red apple', 'green apple', 'red brick', 'old brick house'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { vault } = vaultOver(createMemoryStorage());
        for (const { act, tenant, scope, text } of steps) {
          const own = await vault.tenant(tenant);
          const before = await Promise.all(
            tenants.filter((t) => t !== tenant).map(async (t) => (await vault.tenant(t)).list()),
          );
          if (act === 'remember') await own.remember({ scope, content: `${text} of ${tenant}` });
          if (act === 'forget') await own.forget({ scope }, why).catch(() => undefined);
          const seen = [
            ...(await own.list()),
            ...(await own.recall(text, { scopes: ['/x', '/z'], limit: 50 })).map((r) => r.memory),
          ];
          expect(seen.every((m) => m.tenant === tenant && m.content.endsWith(`of ${tenant}`))).toBe(true);
          const after = await Promise.all(
            tenants.filter((t) => t !== tenant).map(async (t) => (await vault.tenant(t)).list()),
          );
          expect(after).toEqual(before);
        }
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  it('open again what was closed for want of room', async () => {
    const { vault } = vaultOver(createMemoryStorage());
    for (let i = 0; i < 40; i++) {
      const tenant = await vault.tenant(`t${i}`);
      await tenant.remember({ scope: '/a', content: `note of t${i}` });
    }
    for (let i = 0; i < 40; i++) expect(await (await vault.tenant(`t${i}`)).list()).toHaveLength(1);
  });
});

describe('memory with an embedder', () => {
  /** Meaning is the first letter: a toy that is known in full. */
  const asked: string[][] = [];
  const embedder: Embedder = {
    name: 'toy:letters',
    embed(texts) {
      asked.push([...texts]);
      return Promise.resolve(
        texts.map((text) => Float32Array.from([text.startsWith('b') ? 1 : 0, text.startsWith('b') ? 0 : 1])),
      );
    },
  };

  it('finds by meaning too, half and half, and makes each vector once', async () => {
    const storage = createMemoryStorage();
    const desk = await vaultOver(storage, {}, embedder).vault.tenant('desk');
    await desk.remember({ scope: '/a', content: 'bitcoin rose' });
    await desk.remember({ scope: '/a', content: 'gold rose' });
    const found = await desk.recall('btc rose', { scopes: ['/a'], minSimilarity: 0 });
    expect(found.map((f) => f.memory.content)).toEqual(['bitcoin rose', 'gold rose']);
    // Half of what the words give, and the other half of the cosine.
    expect((found[0]?.similarity ?? 0) - (found[1]?.similarity ?? 0)).toBeCloseTo(0.5, 9);
    await desk.recall('btc rose', { scopes: ['/a'], minSimilarity: 0 });
    expect(asked).toEqual([['bitcoin rose', 'gold rose'], ['btc rose']]);
    const later = await vaultOver(storage, {}, embedder).vault.tenant('desk');
    await later.recall('gold', { scopes: ['/a'] });
    expect(asked).toHaveLength(3);
    await later.forget({ about: 'gold' }, why);
    const again = await vaultOver(storage, {}, embedder).vault.tenant('desk');
    await again.remember({ scope: '/a', content: 'gold rose' });
    await again.recall('gold', { scopes: ['/a'] });
    expect(asked.slice(3)).toEqual([['gold rose'], ['gold']]);
  });
});
