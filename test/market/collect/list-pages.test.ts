import { expect, test } from 'vitest';
import { Pipeline } from '../../../src/market/collect/pipeline.ts';
import type { TapeItem } from '../../../src/market/domain/tape.ts';
import type { FrameVerdict } from '../../../src/market/exchanges/contract.ts';
import { marketOf } from '../exchanges/recorded/data.ts';

const base = { kind: 'rest', call: 'instruments', connection: 'okx_options#rest' } as const;
const page = (cursor: string | undefined, data: unknown): TapeItem => ({
  ...base,
  ...{ recv_time: 1, exchange: 'okx', market: 'options', args: cursor === undefined ? {} : { cursor } },
  body: JSON.stringify({ code: '0', data }),
});
const option = (name: string): unknown => ({ instId: name, instType: 'OPTION', settleCcy: 'BTC', state: 'live' });

test('a page that only names the pages after it begins the list anew, and is no failure', () => {
  const bad: FrameVerdict[] = [];
  const pipeline = new Pipeline({
    markets: [marketOf('okx_options')],
    bookIntervalMs: 0,
    sink: () => undefined,
    onVerdict: (_, verdict) => bad.push(verdict),
  });
  const listed = () => pipeline.instruments('okx', 'options').map((i) => i.venue_symbol);
  for (let look = 0; look < 2; look++) {
    pipeline.process(page(undefined, [['BTC-USD', 'ETH-USD']]));
    pipeline.process(page('BTC-USD ETH-USD', [option('BTC-USD-260626-50000-C')]));
    pipeline.process(page('ETH-USD', [option('ETH-USD-260626-3000-P')]));
    expect(listed()).toEqual(['BTC-USD-260626-50000-C', 'ETH-USD-260626-3000-P']);
  }
  expect(bad).toEqual([]);
  pipeline.process(page(undefined, [[]]));
  expect(bad).toEqual([{ kind: 'rejected', reason: 'the instrument list holds none' }]);
});

test('of a later list no page is in force before the last has come, also when a segment ends between them', () => {
  const options = { markets: [marketOf('okx_options')], bookIntervalMs: 0, sink: () => undefined };
  const pipeline = new Pipeline(options);
  const listed = (of: Pipeline) => of.instruments('okx', 'options').map((i) => i.venue_symbol);
  const first = 'BTC-USD-260626-50000-C';
  const second = 'ETH-USD-260626-3000-P';
  const begin = (): void => pipeline.process(page(undefined, [['BTC-USD', 'ETH-USD']]));
  begin();
  pipeline.process(page('BTC-USD ETH-USD', [option(first)]));
  expect(listed(pipeline), 'the first list serves as far as it came').toEqual([first]);
  pipeline.process(page('ETH-USD', [option(second)]));
  begin();
  pipeline.process(page('BTC-USD ETH-USD', [option('BTC-USD-260626-60000-C')]));
  expect(listed(pipeline)).toEqual([first, second]);

  const restored = new Pipeline(options);
  for (const note of pipeline.state()) restored.process({ kind: 'note', recv_time: 2, ...note });
  for (const one of [pipeline, restored]) {
    expect(listed(one)).toEqual([first, second]);
    one.process(page('ETH-USD', [option(second)]));
    expect(listed(one)).toEqual(['BTC-USD-260626-60000-C', second]);
  }
});
