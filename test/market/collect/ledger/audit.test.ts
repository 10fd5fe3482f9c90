import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pipeline } from '../../../../src/market/collect/pipeline.ts';
import { BACKFILLED } from '../../../../src/market/collect/ledger/notes.ts';
import { paint, type CoverageChange, type CoverageInterval } from '../../../../src/market/domain/coverage.ts';
import { textOfBytes, type TapeItem } from '../../../../src/market/domain/tape.ts';
import type { VenueMarket } from '../../../../src/market/exchanges/contract.ts';
import { toyVenue } from '../toy-venue.ts';

/**
 * The ledger against an audit that knows nothing of it: cells of one millisecond, filled from the tape's items by the
 * written rules (docs/completeness.md). All times of the schedules are whole milliseconds.
 */

const SYMBOL = 'AAUSDT';
const SPAN_MS = 400;
const START_MS = 1_000_000;
const APART_MS = 2_000;

type Step =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'trade'; readonly sent: boolean; readonly lagMs: number }
  | { readonly do: 'pong' | 'garbage' | 'cut' | 'open' | 'rotate' }
  | { readonly do: 'backfill'; readonly backMs: number; readonly answered: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('trade' as const),
      sent: fc.boolean(),
      lagMs: fc.integer({ min: 0, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.constantFrom('pong', 'garbage', 'cut', 'open', 'rotate').map((name) => ({ do: name })) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('backfill' as const),
      backMs: fc.integer({ min: 1, max: 80 }),
      answered: fc.boolean(),
    }),
  },
);

interface Trade {
  readonly id: number;
  readonly at: number;
}

/** The tape that a schedule of events leaves. */
function tapeOf(steps: readonly Step[]): { readonly items: readonly TapeItem[]; readonly trades: readonly Trade[] } {
  const items: TapeItem[] = [];
  const trades: Trade[] = [];
  let now = START_MS;
  const links: string[] = [];
  let opened = 0;
  const base = (connection: string) => ({
    recv_time: now * 1000,
    connection,
    exchange: 'toy',
    market: 'spot' as const,
  });
  const open = (): void => {
    const id = `toy_spot#1.${++opened}`;
    links.push(id);
    const series = [{ symbol: SYMBOL, stream: 'trades' as const }];
    items.push({ kind: 'connected', ...base(id), url: 'ws://toy', series, acknowledgements: 0 });
  };
  const text = ({ id, at }: Trade): string => JSON.stringify({ type: 'trade', symbol: SYMBOL, id, price: 1, at });
  const say = (line: string): void => {
    for (const link of links) items.push({ kind: 'frame', ...base(link), bytes: Buffer.from(line) });
  };
  const cut = (count: number): void => {
    for (const link of links.splice(0, count)) items.push({ kind: 'disconnected', ...base(link), reason: 'cut' });
  };
  for (const s of steps) {
    if (now > START_MS + SPAN_MS) break;
    if (s.do === 'wait') now += s.ms;
    else if (s.do === 'open' && links.length === 0) open();
    else if (s.do === 'rotate' && links.length > 0) {
      open();
      cut(1);
    } else if (s.do === 'cut') cut(links.length);
    else if (s.do === 'pong') say('{"type":"pong"}');
    else if (s.do === 'garbage') say('<html>');
    else if (s.do === 'trade') {
      const at = Math.max(now, trades.at(-1)?.at ?? 0);
      const trade = { id: (trades.at(-1)?.id ?? 100) + 1, at };
      trades.push(trade);
      now = at + s.lagMs;
      if (s.sent) say(text(trade));
    } else if (s.do === 'backfill') {
      const from = now - s.backMs;
      const found = trades.filter(({ at }) => at >= from && at < now);
      const args = { symbol: SYMBOL, from, to: now };
      const connection = 'toy_spot#backfill';
      if (s.answered) {
        const body = `[${found.map(text).join(',')}]`;
        items.push({ kind: 'rest', ...base(connection), call: 'trades', args, body, origin: 'backfill' });
      }
      const missing = s.answered ? [] : [{ from, to: now, reason: 'no answer' }];
      const data = { symbol: SYMBOL, stream: 'trades', from, to: now, missing };
      items.push({ kind: 'note', ...base(connection), note: BACKFILLED, data });
    }
  }
  return { items, trades };
}

function definitionOf(ids: boolean): VenueMarket {
  const [market] = toyVenue().markets;
  if (market === undefined) throw new Error('no market');
  const trades = { ...market.streams.trades, via: 'websocket' as const, consecutiveIds: ids };
  const history = { call: 'trades' as const, reachMs: null, paged: true };
  return { ...market, streams: { trades: { ...trades, staleAfterMs: 60, history } } };
}

/** The tape in segments that begin at these items: each with the state of the program that wrote it, as on disk. */
function inSegments(items: readonly TapeItem[], ids: boolean, starts: ReadonlySet<number>): readonly TapeItem[] {
  const writer = new Pipeline({ markets: [definitionOf(ids)], bookIntervalMs: 0, sink: () => undefined });
  return items.flatMap((item, index): TapeItem[] => {
    const notes = starts.has(index) ? writer.state() : [];
    writer.process(item);
    return [...notes.map((note) => ({ kind: 'note' as const, recv_time: item.recv_time, ...note })), item];
  });
}

/** What the ledger says: at the end, with heads taken and the state carried over at these items. */
function ledgerOf(items: readonly TapeItem[], ids: boolean, heads: ReadonlySet<number>, restart: number | null) {
  const definition = definitionOf(ids);
  const held: { intervals: CoverageInterval[] } = { intervals: [] };
  const take = (change: CoverageChange): void => {
    held.intervals = paint(held.intervals, change);
  };
  const make = (): Pipeline =>
    new Pipeline({ markets: [definition], bookIntervalMs: 0, sink: () => undefined, onCoverage: take });
  let pipeline = make();
  const settle = (): number | null => {
    let known: number | null = null;
    for (const head of pipeline.takeHeads()) {
      if (head.run !== null) take({ ...head, ...head.run, mode: 'raise' });
      known = head.knownTo;
    }
    return known;
  };
  let knownTo: number | null = null;
  for (const [index, item] of items.entries()) {
    if (index === restart) {
      const notes = pipeline.state();
      pipeline = make();
      for (const note of notes) pipeline.process({ kind: 'note', recv_time: item.recv_time, ...note });
    }
    pipeline.process(item);
    if (heads.has(index)) knownTo = settle() ?? knownTo;
  }
  knownTo = settle() ?? knownTo;
  return { intervals: held.intervals, knownTo };
}

/** The cells of one ms that are whole by connection life alone, and by a backfill. */
function auditSession(items: readonly TapeItem[]): Map<number, 'live' | 'backfilled'> {
  const cells = new Map<number, 'live' | 'backfilled'>();
  const links = new Map<string, { start: number; heard: number; last: number; own: Set<number> }>();
  const add = (link: { own: Set<number> }, from: number, to: number): void => {
    for (let c = from; c < to; c++) {
      link.own.add(c);
      cells.set(c, 'live');
    }
  };
  const lose = (id: string, from: number, to: number): void => {
    const others = [...links].filter(([other, o]) => other !== id && o.start <= from && o.heard >= to);
    if (others.length > 0) return;
    for (let c = from; c < to; c++) cells.delete(c);
  };
  for (const item of items) {
    const at = item.recv_time / 1000;
    if (item.kind === 'connected') {
      links.set(item.connection, { start: at, heard: at, last: at, own: new Set() });
    } else if (item.kind === 'disconnected') {
      const link = links.get(item.connection);
      if (link !== undefined && link.heard - link.last > 60) lose(item.connection, link.last, link.heard);
      links.delete(item.connection);
    } else if (item.kind === 'frame') {
      const link = links.get(item.connection);
      if (link === undefined) continue;
      const text = textOfBytes(item.bytes);
      const said: unknown = text.startsWith('{"type":"trade"') ? JSON.parse(text) : null;
      const event = said === null ? null : (said as { at: number }).at;
      if (event !== null && event > link.last) {
        if (event - link.last > 60) {
          lose(item.connection, link.last, event);
          link.heard = Math.max(link.heard, event);
        }
        link.last = event;
      }
      const before = link.heard;
      const heard = Math.max(before, event === null ? at : Math.min(at, event));
      link.heard = heard;
      if (text === '<html>') lose(item.connection, Math.max(link.start, before - APART_MS), heard);
      else add(link, before, heard);
    } else if (item.kind === 'note') {
      const { from, to, missing } = item.data as { from: number; to: number; missing: readonly unknown[] };
      for (let c = from; c < to && missing.length === 0; c++) if (!cells.has(c)) cells.set(c, 'backfilled');
    }
  }
  return cells;
}

/** Cells that ids forbid to be whole: a trade that nobody brought lies between two that are held. */
function missingByIds(items: readonly TapeItem[], trades: readonly Trade[]): Set<number> {
  const held = new Set<number>();
  for (const item of items) {
    const text = item.kind === 'frame' ? textOfBytes(item.bytes) : item.kind === 'rest' ? item.body : '';
    for (const match of text.matchAll(/"id":(\d+)/g)) held.add(Number(match[1]));
  }
  const missing = new Set<number>();
  const known = trades.filter(({ id }) => held.has(id));
  for (const [index, trade] of known.entries()) {
    const next = known[index + 1];
    if (next === undefined || next.id === trade.id + 1) continue;
    for (let c = trade.at; c <= next.at; c++) missing.add(c);
  }
  return missing;
}

function stateAt(intervals: readonly CoverageInterval[], ms: number): string {
  const us = ms * 1000 + 500;
  return intervals.find(({ from, to }) => from <= us && us < to)?.state ?? 'unknown';
}

const RUNS = { seed: 20_260_131, numRuns: 400 };
const schedules = fc.array(step, { minLength: 5, maxLength: 90 });

test('by connection life: exactly what the tape shows is live, backfilled, missing', () => {
  fc.assert(
    fc.property(schedules, fc.array(fc.nat(90)), (steps, heads) => {
      const { items } = tapeOf([{ do: 'open' }, ...steps]);
      const { intervals, knownTo } = ledgerOf(items, false, new Set(heads), null);
      const cells = auditSession(items);
      const end = knownTo === null ? START_MS : Math.floor(knownTo / 1000);
      for (let c = START_MS; c < end; c++) {
        const found = stateAt(intervals, c);
        expect(found === 'unknown' ? 'missing' : found, `ms ${c - START_MS}`).toBe(cells.get(c) ?? 'missing');
      }
    }),
    RUNS,
  );
});

test('by ids: no hole between two trades that are held counts as whole, and every closed one does', () => {
  fc.assert(
    fc.property(schedules, fc.array(fc.nat(90)), (steps, heads) => {
      const { items, trades } = tapeOf([{ do: 'open' }, ...steps]);
      const { intervals } = ledgerOf(items, true, new Set(heads), null);
      const missing = missingByIds(items, trades);
      const held = intervals.filter(({ state }) => state !== 'missing');
      for (const c of missing) {
        const us = c * 1000;
        expect(
          held.some(({ from, to }) => from <= us && us < to),
          `ms ${c - START_MS}`,
        ).toBe(false);
      }
      const first = items.find((i) => i.kind === 'frame' && textOfBytes(i.bytes).includes('"trade"'));
      const ids = [
        ...new Set(items.flatMap((i) => (i.kind === 'frame' ? [...textOfBytes(i.bytes).matchAll(/"id":(\d+)/g)] : []))),
      ];
      if (first === undefined || ids.length === 0) return;
      const known = trades.filter(({ id }) => ids.some((match) => Number(match[1]) === id));
      for (let c = known[0]?.at ?? 0; c < (known.at(-1)?.at ?? 0); c++) {
        if (!missing.has(c)) expect(stateAt(intervals, c), `ms ${c - START_MS}`).not.toBe('missing');
      }
    }),
    RUNS,
  );
});

test.each([true, false])('when heads are taken, and a restart from the tape, change nothing (ids: %s)', (ids) => {
  fc.assert(
    fc.property(schedules, fc.array(fc.nat(90)), fc.nat(90), (steps, heads, restart) => {
      const { items } = tapeOf([{ do: 'open' }, ...steps]);
      const once = ledgerOf(items, ids, new Set(), null);
      expect(ledgerOf(items, ids, new Set(heads), null)).toEqual(once);
      expect(ledgerOf(items, ids, new Set(heads), restart)).toEqual(once);
    }),
    RUNS,
  );
});

test.each([true, false])(
  'a tape read through its segments gives what the program that wrote it knew (ids: %s)',
  (ids) => {
    fc.assert(
      fc.property(schedules, fc.array(fc.nat(90)), (steps, starts) => {
        const { items } = tapeOf([{ do: 'open' }, ...steps]);
        const once = ledgerOf(items, ids, new Set(), null);
        expect(ledgerOf(inSegments(items, ids, new Set(starts)), ids, new Set(), null)).toEqual(once);
      }),
      RUNS,
    );
  },
);
