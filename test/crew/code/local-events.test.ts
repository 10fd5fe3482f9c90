import { describe, expect, expectTypeOf, test } from 'vitest';
import { LocalEvents } from '../../../src/crew/code/local-events.ts';
import type { NamedEventSource } from '../../../src/crew/run/event-source.ts';
import { InvalidInput } from '../../../src/kit/errors.ts';
import type { EventName, EventSink } from '../../../src/kit/event.ts';
import type { Logger } from '../../../src/kit/logger.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { ManualClock, MemoryEvents } from '../../../src/testing/index.ts';

const failed = { run_id: 'run_1', crew: 'toy', error: 'down' };
const started = { run_id: 'run_1', crew: 'toy', mode: 'active', trigger: 'kickoff' } as const;

function local(log: Logger = silentLogger) {
  return new LocalEvents({ clock: new ManualClock(7), log, newId: (prefix) => `${prefix}_1` });
}

describe.each<[string, () => EventSink & NamedEventSource]>([
  ['events of a host', () => local()],
  ['events of tests', () => new MemoryEvents(() => 7)],
])('%s', (_, open) => {
  test('are heard by name, with the payload of the name, and all of them by *', () => {
    const events = open();
    const heard: string[] = [];
    events.on('run.failed', ({ data, time }) => {
      expectTypeOf(data.error).toEqualTypeOf<string>();
      heard.push(`${data.error} at ${time}`);
    });
    events.on('*', ({ type }) => void heard.push(type));
    events.emit('run.started', started);
    events.emit('run.failed', failed);
    expect(heard.toSorted()).toEqual(['down at 7', 'run.failed', 'run.started']);
  });

  test('are heard no more after off, and a handler counts once a name', () => {
    const events = open();
    let heard = 0;
    const count = (): void => void (heard += 1);
    events.on('run.failed', count);
    events.on('run.failed', count);
    events.on('run.started', count);
    events.emit('run.failed', failed);
    expect(heard).toBe(1);
    events.off('run.failed', count);
    events.off('run.completed', count);
    events.emit('run.failed', failed);
    events.emit('run.started', started);
    expect(heard).toBe(2);
  });
});

describe('events of a host', () => {
  test('reach all others when a handler throws or its promise fails, and the log says so', async () => {
    const logged: unknown[] = [];
    const events = local({ ...silentLogger, error: (event, fields) => void logged.push([event, fields]) });
    let heard = 0;
    events.on('run.failed', () => {
      throw new Error('thrown');
    });
    events.on('run.failed', () => Promise.reject(new Error('rejected')));
    events.on('run.failed', () => void (heard += 1));
    events.emit('run.failed', failed);
    await Promise.resolve();
    expect(heard).toBe(1);
    expect(logged).toEqual([
      ['events.handler_failed', { type: 'run.failed', error: 'thrown' }],
      ['events.handler_failed', { type: 'run.failed', error: 'rejected' }],
    ]);
  });

  test('are refused by a name that there is not', () => {
    expect(() => local().on('run.complete' as EventName, () => undefined)).toThrow(
      new InvalidInput("there is no event 'run.complete' (did you mean run.completed?)"),
    );
  });
});
