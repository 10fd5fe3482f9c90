import { describe, expect, it } from 'vitest';
import type { EventName } from '../../src/kit/event.ts';
import { makeBus } from './support.ts';

/** What the bus of the original did, run and measured there; each must not happen here. */
describe('defects of the original bus', () => {
  it('does not deliver an event of the time before the start twice', async () => {
    const bus = makeBus({ hold: true });
    const seen: number[] = [];
    bus.on('custom', (event) => void seen.push(event.seq));
    const queue = bus.subscribe({ types: ['custom'] });
    bus.emit('custom', { kind: 'before the start' });
    bus.start();
    await bus.close();
    for await (const event of queue) seen.push(event.seq);
    expect(seen).toEqual([1, 1]);
    expect(queue.delivered).toBe(1);
  });

  it('hands priorities 1, 10, 5 over as 10, 5, 1', async () => {
    const bus = makeBus();
    const queue = bus.subscribe();
    for (const priority of [1, 10, 5]) bus.emit('custom', { kind: 'x' }, { priority });
    await bus.close();
    const seen: number[] = [];
    for await (const event of queue) seen.push(event.priority);
    expect(seen).toEqual([10, 5, 1]);
  });

  it('delivers all of 500 events when it is stopped right after them', async () => {
    const bus = makeBus();
    const seen: number[] = [];
    const queue = bus.subscribe();
    const reading = (async () => {
      for await (const event of queue) seen.push(event.seq);
    })();
    for (let i = 0; i < 500; i++) bus.emit('custom', { kind: 'x' });
    await bus.close();
    await reading;
    expect(seen).toHaveLength(500);
    expect(queue.dropped).toBe(0);
  });

  it('has one name for a thing: the names that the original mixed up are refused', () => {
    const bus = makeBus();
    const connection = { exchange: 'binance', market: 'futures', connection_id: 'c1', reason: 'closed' };
    for (const name of ['exchange_disconnected', 'exchange_disconnection', 'AGENT_ACTION'])
      expect(() => bus.emit(name as EventName, connection as never)).toThrow(/there is no event/);
    expect(() => bus.on('exchange_disconnected' as EventName, () => undefined)).toThrow(/there is no event/);
    expect(bus.emit('streaming.stopped', connection)).toMatchObject({ type: 'streaming.stopped', data: connection });
  });
});
