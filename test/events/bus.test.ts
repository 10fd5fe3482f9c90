import { describe, expect, it } from 'vitest';
import { Conflict, InvalidInput, Unavailable } from '../../src/kit/errors.ts';
import type { EventName } from '../../src/kit/event.ts';
import { makeBus, recordingLogger } from './support.ts';

const custom = (kind: string): { kind: string } => ({ kind });

describe('EventBus', () => {
  it('gives each event id, number, time, source, priority and correlation id', () => {
    const bus = makeBus();
    const event = bus.emit('custom', custom('a'), { source: 'agent:x', correlationId: 'c1' });
    expect(event).toMatchObject({ seq: 1, type: 'custom', source: 'agent:x', priority: 5, correlation_id: 'c1' });
    expect(event.time).toBe(Date.UTC(2026, 0, 1));
    expect(event.id).toMatch(/^evt_/);
    expect(bus.emit('custom', custom('b')).seq).toBe(2);
  });

  it('takes the priority from the severity', () => {
    const bus = makeBus();
    const alert = { alert_type: 'x', message: 'm' };
    const priorities = (['critical', 'high', 'medium', 'low'] as const).map(
      (severity) => bus.emit('data.quality_alert', { ...alert, severity }).priority,
    );
    expect(priorities).toEqual([8, 6, 5, 4]);
    const escalation = { escalation_id: 'e', trigger: 't', description: 'd', channels: [] };
    expect(bus.emit('escalation.raised', { ...escalation, level: 'critical' }).priority).toBe(8);
    expect(bus.emit('custom', custom('x'), { priority: 10 }).priority).toBe(10);
    expect(() => bus.emit('custom', custom('x'), { priority: 11 })).toThrow(InvalidInput);
  });

  it('calls a handler after those that it depends on, whenever they came', () => {
    const bus = makeBus();
    const called: string[] = [];
    const handler = (name: string) => (): void => void called.push(name);
    const [a, b, c, d] = [handler('a'), handler('b'), handler('c'), handler('d')];
    bus.on('custom', a, { dependsOn: [c, d] });
    bus.on('custom', b);
    bus.on('custom', c, { dependsOn: [b] });
    bus.emit('custom', custom('x'));
    expect(called.splice(0)).toEqual(['b', 'c', 'a']);
    bus.on('custom', d);
    bus.emit('custom', custom('x'));
    expect(called.splice(0)).toEqual(['b', 'c', 'd', 'a']);
    expect(() => bus.on('custom', handler('e'), { dependsOn: [a] })).not.toThrow();
    const [f, g] = [handler('f'), handler('g')];
    bus.on('custom', f, { dependsOn: [g] });
    expect(() => bus.on('custom', g, { dependsOn: [f] })).toThrow(
      'handlers of custom depend on each other in a circle',
    );
    const self = handler('self');
    expect(() => bus.on('custom', self, { dependsOn: [self] })).toThrow(InvalidInput);
    bus.off('custom', c).emit('custom', custom('x'));
    expect(called).toEqual(['b', 'd', 'a', 'e', 'f']);
    expect(bus.statistics().handler_count).toBe(5);
  });

  it('lets a handler that fails stop none that depends on it, and calls a once-handler in its place', () => {
    const bus = makeBus();
    const called: string[] = [];
    const first = (): void => {
      called.push('first');
      throw new Error('broken');
    };
    bus.on('custom', () => void called.push('second'), { dependsOn: [first] });
    bus.once('custom', first);
    bus.emit('custom', custom('x'));
    bus.emit('custom', custom('x'));
    expect(called).toEqual(['first', 'second', 'second']);
    expect(bus.statistics().error_count).toBe(1);
  });

  it('names event and field of a wrong payload', () => {
    const bus = makeBus();
    const wrong = { stream: 'trades', table: 't', rows: -1, first_event_time_us: null, last_event_time_us: null };
    expect(() => bus.emit('data.received', wrong as never)).toThrow(/data\.received: .*rows.*duplicates/);
    expect(() => bus.emit('custom', { kind: 'a', more: 1 } as never)).toThrow(/custom: .*more/);
    expect(() => bus.emit('data.recieved' as EventName, {} as never)).toThrow(/did you mean data\.received/);
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => bus.emit('custom', { kind: 'a', details: cycle })).toThrow(/not JSON/);
    expect(bus.statistics().total_events).toBe(0);
  });

  it('delivers before emit returns, those of * first, each once, in the order of emission', () => {
    const bus = makeBus();
    const seen: string[] = [];
    const handler = (e: { seq: number }): void => void seen.push(`a${e.seq}`);
    bus.on('custom', handler);
    bus.on('custom', handler);
    bus.on('*', (e) => void seen.push(`*${e.seq}`));
    bus.on('custom', (e) => {
      seen.push(`b${e.seq}`);
      if (e.data.kind === 'first') bus.emit('custom', custom('nested'));
    });
    bus.on('custom', (e) => void seen.push(`c${e.seq}`));
    bus.emit('custom', custom('first'));
    expect(seen).toEqual(['*1', 'a1', 'b1', 'c1', '*2', 'a2', 'b2', 'c2']);
  });

  it('counts and logs a failing handler and goes on', async () => {
    const log = recordingLogger();
    const bus = makeBus({ log });
    const seen: number[] = [];
    bus.on('custom', () => {
      throw new Error('first fails');
    });
    bus.on('custom', () => Promise.reject(new Error('later fails')));
    bus.on('custom', (e) => void seen.push(e.seq));
    bus.emit('custom', custom('a'));
    await Promise.resolve();
    expect(seen).toEqual([1]);
    expect(bus.statistics().error_count).toBe(2);
    expect(log.entries.map((e) => (e.fields as { error: string }).error)).toEqual(['first fails', 'later fails']);
  });

  it('stops calling a handler that was taken away, also within the present event', () => {
    const bus = makeBus();
    const seen: string[] = [];
    const second = (): void => void seen.push('second');
    bus.on('custom', () => {
      seen.push('first');
      bus.off('custom', second);
    });
    bus.on('custom', second);
    bus.once('custom', () => void seen.push('once'));
    bus.emit('custom', custom('a'));
    bus.emit('custom', custom('b'));
    expect(seen).toEqual(['first', 'once', 'first']);
    expect(bus.statistics().handler_count).toBe(1);
  });

  it('holds events until it starts and then delivers each once, numbered', () => {
    const bus = makeBus({ hold: true });
    const seen: number[] = [];
    bus.on('custom', (e) => void seen.push(e.seq));
    const early = bus.emit('custom', custom('early'));
    expect([early.seq, seen]).toEqual([0, []]);
    bus.start();
    bus.emit('custom', custom('late'));
    expect([early.seq, seen]).toEqual([1, [1, 2]]);
    expect(() => bus.start()).toThrow(Conflict);
  });

  it('refuses nothing silently after close', async () => {
    const log = recordingLogger();
    const bus = makeBus({ log });
    const seen: number[] = [];
    bus.on('custom', (e) => void seen.push(e.seq));
    await bus.close();
    await bus.close();
    expect(bus.emit('custom', custom('late')).seq).toBe(0);
    expect(seen).toEqual([]);
    expect(log.entries.map((e) => e.event)).toEqual(['events.emitted_after_close']);
    expect(() => bus.subscribe()).toThrow(Unavailable);
  });
});

describe('subscribe', () => {
  it('hands over by priority, then first in first out', async () => {
    const bus = makeBus();
    const subscription = bus.subscribe();
    for (const priority of [1, 10, 5, 10]) bus.emit('custom', custom(`p${priority}`), { priority });
    subscription.close();
    const seen: number[] = [];
    for await (const event of subscription) seen.push(event.seq);
    expect(seen).toEqual([2, 4, 3, 1]);
  });

  it('drops the oldest of the lowest priority when full, and counts', async () => {
    const bus = makeBus();
    const subscription = bus.subscribe({}, { capacity: 2 });
    for (const priority of [5, 3, 7, 2]) bus.emit('custom', custom('x'), { priority });
    expect(subscription.dropped).toBe(2);
    subscription.close();
    const seen: number[] = [];
    for await (const event of subscription) seen.push(event.priority);
    expect(seen).toEqual([7, 5]);
    expect(bus.statistics().dropped).toBe(2);
  });

  it('drops the new one when told so', async () => {
    const bus = makeBus();
    const subscription = bus.subscribe({}, { capacity: 2, onFull: 'drop_new' });
    for (const priority of [1, 1, 9]) bus.emit('custom', custom('x'), { priority });
    expect([subscription.size, subscription.dropped]).toEqual([2, 1]);
    expect(() => bus.subscribe({}, { onFull: 'wait' })).toThrow(/journal/);
    expect(() => bus.subscribe({}, { capacity: 0 })).toThrow(InvalidInput);
  });

  it('filters by name, group, source, priority and correlation', () => {
    const bus = makeBus();
    const by = {
      name: bus.subscribe({ types: ['custom'] }),
      group: bus.subscribe({ types: ['system.*'] }),
      source: bus.subscribe({ source: 'agent:*' }),
      urgent: bus.subscribe({ minPriority: 6 }),
      correlated: bus.subscribe({ correlationId: 'r1' }),
    };
    bus.emit('custom', custom('a'), { source: 'agent:collector' });
    bus.emit('system.stopped', { reason: 'r' }, { priority: 7, correlationId: 'r1' });
    expect(Object.values(by).map((s) => s.size)).toEqual([1, 1, 1, 1, 1]);
    expect(() => bus.subscribe({ types: ['custum'] })).toThrow(/did you mean custom/);
    expect(() => bus.subscribe({ types: ['nothing.*'] })).toThrow(InvalidInput);
  });

  it('wakes a waiting reader, flushes when it has taken all, and ends it on close', async () => {
    const bus = makeBus();
    const subscription = bus.subscribe({ types: ['custom'] });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const event of subscription) seen.push(event.seq);
    })();
    for (let i = 0; i < 500; i++) bus.emit('custom', custom('x'));
    await bus.flush();
    expect(seen.length).toBeGreaterThanOrEqual(499);
    bus.emit('custom', custom('last'));
    await bus.close();
    await reading;
    expect(seen).toEqual(Array.from({ length: 501 }, (_, i) => i + 1));
  });
});
