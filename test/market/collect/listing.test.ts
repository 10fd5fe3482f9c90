import { describe, expect, it, test } from 'vitest';
import { ManualClock } from '../../../src/kit/clock.ts';
import { Listing } from '../../../src/market/collect/listing.ts';
import { readTape } from '../../../src/market/collect/tape/reader.ts';
import type { Instrument } from '../../../src/market/domain/instrument.ts';
import { collect, temporaryFolder, until } from './support.ts';
import { openDesk } from './toy-desk.ts';
import { INSTRUMENTS, instrument, ToyServer } from './toy-venue.ts';

const HOUR = 3_600_000;
describe('what a list says of the asked symbols', () => {
  const follow = (list: readonly Instrument[]) => {
    const clock = new ManualClock(0);
    const listing = new Listing(clock, HOUR);
    listing.follow(['AA', 'BB'], list);
    return { clock, listing };
  };

  it('is told when it changes: one that waits for its launch begins, others are halted, go on, and settle', () => {
    const { listing } = follow([instrument('AA'), instrument('BB', 'halted'), instrument('CC')]);
    expect(listing.notTrading()).toEqual([{ symbol: 'BB', listed: 'halted' }]);
    expect(listing.next([instrument('AA', 'halted'), instrument('BB')])).toEqual([
      { symbol: 'AA', from: 'trading', to: 'halted' },
      { symbol: 'BB', from: 'halted', to: 'trading' },
    ]);
    expect(listing.next([instrument('AA'), instrument('BB', 'settled')])).toEqual([
      { symbol: 'AA', from: 'halted', to: 'trading' },
      { symbol: 'BB', from: 'trading', to: 'settled' },
    ]);
    expect(listing.next([instrument('AA'), instrument('BB', 'settled')])).toEqual([]);
    expect(listing.notTrading()).toEqual([{ symbol: 'BB', listed: 'settled' }]);
  });

  it('counts what it lacks as gone when a second list a minute later lacks it too', async () => {
    const { clock, listing } = follow([instrument('AA'), instrument('BB')]);
    await clock.advance(HOUR - 1);
    expect(listing.isDue()).toBe(false);
    await clock.advance(1);
    expect(listing.isDue()).toBe(true);
    expect(listing.isDue()).toBe(false);
    expect(listing.next([instrument('AA')])).toEqual([]);
    await clock.advance(60_000);
    expect(listing.isDue()).toBe(true);
    expect(listing.next([instrument('AA'), instrument('BB')]), 'it was a list cut short').toEqual([]);
    await clock.advance(60_000);
    expect(listing.isDue(), 'again after an hour').toBe(false);
    expect(listing.next([instrument('BB')])).toEqual([]);
    expect(listing.next([instrument('BB')])).toEqual([{ symbol: 'AA', from: 'trading', to: 'absent' }]);
  });

  it('takes the contract that trades where one that ended has the same name', () => {
    const { listing } = follow([instrument('AA', 'settled'), instrument('AA'), instrument('BB', 'settled')]);
    expect(listing.notTrading()).toEqual([{ symbol: 'BB', listed: 'settled' }]);
    expect(listing.next([instrument('AA', 'halted'), instrument('AA', 'settled'), instrument('BB')])).toEqual([
      { symbol: 'AA', from: 'trading', to: 'halted' },
      { symbol: 'BB', from: 'settled', to: 'trading' },
    ]);
  });
});

test('a desk begins to collect what begins to trade, and ends what the venue ended, with the reason', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  let listed = [instrument('AAUSDT'), instrument('BBUSDT', 'halted')];
  await using desk = await openDesk({
    server,
    folder: folder.path,
    venue: { parseInstruments: () => listed },
    collect: { list_seconds: 1 },
  });
  const { collector, events } = desk;
  const states = () =>
    Object.fromEntries(
      collector
        .status()
        .series.filter((s) => s.stream === 'trades')
        .map((s) => [s.symbol, s.state]),
    );
  const subscribed = (symbol: string) => server.received.some((text) => text.includes(`"${symbol}"`));
  expect(states()).toEqual({ AAUSDT: 'waiting' });
  expect(collector.status().not_trading).toEqual([
    { exchange: 'toy', market: 'spot', symbol: 'BBUSDT', listed: 'halted' },
  ]);

  listed = [instrument('AAUSDT'), instrument('BBUSDT')];
  await until(() => subscribed('BBUSDT'), 'the new symbol to be subscribed to');
  expect(states()).toEqual({ AAUSDT: 'waiting', BBUSDT: 'waiting' });
  expect(collector.status().not_trading).toEqual([]);

  const before = server.received.length;
  listed = [instrument('BBUSDT')];
  await until(() => states()['AAUSDT'] === 'stopped', 'the symbol that is gone to end', 10_000);
  await until(() => server.received.length > before && server.clients.length === 1, 'the connection without it');
  expect(server.received.slice(before).filter((text) => text.includes('AAUSDT'))).toEqual([]);
  expect(events.of('streaming.listing_changed').map(({ data }) => data)).toEqual([
    { exchange: 'toy', market: 'spot', symbol: 'BBUSDT', from: 'halted', to: 'trading' },
    { exchange: 'toy', market: 'spot', symbol: 'AAUSDT', from: 'trading', to: 'absent' },
  ]);
  await collector.stop();
  const items = await collect(readTape(desk.tapeDir));
  const reasons = items.flatMap(({ item }) => (item.kind === 'disconnected' ? [item.reason] : []));
  expect(reasons).toContain('the venue ended AAUSDT');
});

test('a halted symbol stays connected, and a list that cannot be had changes nothing', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  let listed: readonly Instrument[] = INSTRUMENTS;
  await using desk = await openDesk({
    server,
    folder: folder.path,
    venue: { parseInstruments: () => listed },
    collect: { list_seconds: 1 },
  });
  const opened = server.upgrades;
  listed = [instrument('AAUSDT', 'halted'), instrument('BBUSDT')];
  await until(() => desk.collector.status().not_trading.length === 1, 'the halt to be seen');
  server.answers['/instruments'] = () => ({ status: 503, body: 'busy' });
  const asked = server.requests.filter((path) => path === '/instruments').length;
  await until(() => server.requests.filter((path) => path === '/instruments').length > asked, 'a list refused');
  expect(desk.collector.status().series.filter(({ state }) => state === 'stopped')).toEqual([]);
  expect(server.upgrades).toBe(opened);
});
