import { describe, expect, it } from 'vitest';
import { EventStream } from '../../src/events/index.ts';
import type { StreamItem } from '../../src/kit/stream-item.ts';
import { systemClock } from '../../src/infra/clock.ts';
import { Database } from '../../src/infra/duckdb/database.ts';
import { InvalidInput, Stale } from '../../src/kit/errors.ts';
import { makeBus, openJournal, seeded } from './support.ts';

async function open(): Promise<{
  readonly bus: ReturnType<typeof makeBus>;
  readonly journal: Awaited<ReturnType<typeof openJournal>>;
  readonly stream: EventStream;
}> {
  const journal = await openJournal(await Database.open({ path: ':memory:' }));
  const bus = makeBus({ journal, clock: systemClock });
  return { bus, journal, stream: new EventStream(bus, journal, systemClock) };
}

const say = (n: number) => ({ kind: 'count', details: { n } });

describe('the stream', { timeout: 60_000 }, () => {
  it('misses nothing and repeats nothing over 1,000 cuts, from memory and from the database', async () => {
    const { bus, journal, stream } = await open();
    const random = seeded(7);
    let emitted = 0;
    const emit = (n: number): void => {
      for (let i = 0; i < n; i++) bus.emit('custom', say(++emitted));
    };
    const seen: number[] = [];
    const read = async (most: number): Promise<void> => {
      const stop = new AbortController();
      let got = 0;
      for await (const item of await stream.open({ after: seen.at(-1) ?? 0, signal: stop.signal })) {
        seen.push(item.seq);
        // Half are cut by the signal, half leave the loop.
        if (++got >= most && seen.length % 2 === 0) stop.abort();
        if (got >= most) break;
      }
    };
    // More than the newest 2,000 are behind at first, so both sources are read.
    emit(6000);
    for (let cut = 0; cut < 1000; cut++) {
      const reading = read(1 + Math.floor(random() * 16));
      emit(Math.floor(random() * 4));
      if (emitted - seen.length < 20) emit(20);
      await reading;
    }
    await read(emitted - seen.length);
    expect(seen).toEqual(Array.from({ length: emitted }, (_, i) => i + 1));
    expect(stream.readers).toBe(0);
    await bus.close();
    expect(journal.ended).toBe(true);
  });

  it('puts events into channels and places', async () => {
    const { bus, stream } = await open();
    const run = { run_id: 'run_1', crew: 'c' };
    const task = { ...run, task_id: 't', agent_id: 'a' };
    const at = { correlationId: 'run_1' };
    bus.emit('run.started', { ...run, mode: 'active', trigger: 'manual' }, at);
    bus.emit('task.started', task, at);
    bus.emit('model.called', { ...task, model: 'm', input_tokens: 1, output_tokens: 1, duration_ms: 1 }, at);
    const call = { call_id: 'call_1', tool: 'x', caller: 'agent:a', run_id: 'run_1', task_id: 't' };
    bus.emit('tool.refused', { ...call, reason: 'no' }, at);
    bus.emit('custom', say(1), { source: 'elsewhere' });
    const sub = { run_id: 'run_1/ask#1.0', crew: 'c' };
    bus.emit('run.started', { ...sub, mode: 'active', trigger: 'flow' }, { correlationId: sub.run_id });
    const items: StreamItem[] = [];
    for await (const item of await stream.open({ after: 0 })) if (items.push(item) === 6) break;
    expect(items.map(({ seq, channel, path, parent }) => [seq, channel, path, parent])).toEqual([
      [1, 'run', 'run_1', null],
      [2, 'task', 'run_1/t', 'run_1'],
      [3, 'model', 'run_1/t/a', 'run_1/t'],
      [4, 'tool', 'run_1/t/a/call_1', 'run_1/t/a'],
      [5, 'event', 'elsewhere', null],
      [6, 'run', 'run_1/ask#1.0', 'run_1/ask#1'],
    ]);
    const own: number[] = [];
    for await (const item of await stream.open({ after: 0, run: 'run_1', channels: ['run', 'tool'] }))
      if (own.push(item.seq) === 3) break;
    expect(own).toEqual([1, 4, 6]);
    await bus.close();
  });

  it('gives pieces of text between the events, to those who read, and not again', async () => {
    const { bus, journal, stream } = await open();
    const piece = (text: string) => ({ run_id: 'run_1', task: 't', agent: 'a', turn: 1, text });
    expect(stream.wantsText('run_1')).toBe(false);
    const reader = (await stream.open({ after: 0, run: 'run_1' }))[Symbol.asyncIterator]();
    const first = reader.next();
    expect(stream.wantsText('run_1')).toBe(true);
    expect(stream.wantsText('run_2')).toBe(false);
    const emit = () => bus.emit('run.waiting', { run_id: 'run_1', crew: 'c', reason: 'r' }, { correlationId: 'run_1' });
    emit();
    stream.tell(piece('Hel'));
    stream.tell(piece('lo'));
    emit();
    const items = [await first, await reader.next(), await reader.next()].map((r) => r.value as StreamItem);
    expect(items.map((i) => [i.channel, i.seq])).toEqual([
      ['run', 1],
      ['text', 1],
      ['run', 2],
    ]);
    expect(items[1]).toMatchObject({ path: 'run_1/t/a', parent: 'run_1/t', data: { text: 'Hello', turn: 1 } });
    await journal.acknowledged();
    // One that waits is told as well, and text beyond the bound goes, oldest first, with its length.
    const next = reader.next();
    stream.tell(piece('x'));
    expect((await next).value).toMatchObject({ data: { text: 'x' } });
    for (let turn = 2; turn < 5; turn++) stream.tell({ ...piece('y'.repeat(30_000)), turn });
    expect((await reader.next()).value).toMatchObject({ data: { turn: 3, missed: 30_000 } });
    expect((await reader.next()).value).toMatchObject({ data: { turn: 4 } });
    await reader.return(undefined);
    const again: string[] = [];
    for await (const item of await stream.open({ after: 0 })) if (again.push(item.channel) === 2) break;
    expect(again).toEqual(['run', 'run']);
    await bus.close();
  });

  it('refuses a number that does not exist, and one whose successors are gone', async () => {
    const { bus, journal, stream } = await open();
    for (let n = 1; n <= 2500; n++) bus.emit('custom', say(n));
    for (let n = 1; n <= 2500; n++) bus.emit('custom', say(n));
    await expect(stream.open({ after: 5001 })).rejects.toBeInstanceOf(InvalidInput);
    await journal.prune({ keepRows: 4000 });
    await expect(stream.open({ after: 10 })).rejects.toThrow(
      'events 11 to 1000 are no longer kept; read on after 1000',
    );
    await expect(stream.open({ after: 10 })).rejects.toBeInstanceOf(Stale);
    const reader = (await stream.open({ after: 1000 }))[Symbol.asyncIterator]();
    expect((await reader.next()).value).toMatchObject({ seq: 1001 });
    await reader.return(undefined);
    await bus.close();
  });

  it('ends when the journal closes, after everything that was emitted', async () => {
    const { bus, stream } = await open();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const item of await stream.open({ after: 0 })) seen.push(item.seq);
    })();
    for (let n = 1; n <= 50; n++) bus.emit('custom', say(n));
    await bus.close();
    await reading;
    expect(seen).toHaveLength(50);
  });
});
