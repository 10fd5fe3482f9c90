import { expect, test } from 'vitest';
import { marketConfigSchema } from '../../src/market/config.ts';
import { withPatience } from '../../src/serve/runtime/market.ts';

const configured = (speed: number) => marketConfigSchema.parse({ simulator: { speed } });

test('a market that goes sixty times as fast is waited for as long as one that does not', () => {
  const usual = configured(1).collect;
  const { collect, simulator, storage } = withPatience(configured(60));
  expect(simulator.speed).toBe(60);
  expect(collect.connect_timeout_ms / 60).toBe(usual.connect_timeout_ms);
  expect(collect.request_timeout_ms / 60).toBe(usual.request_timeout_ms);
  expect({ ...collect, connect_timeout_ms: 0, request_timeout_ms: 0 }).toEqual({
    ...configured(60).collect,
    connect_timeout_ms: 0,
    request_timeout_ms: 0,
  });
  expect(storage).toEqual(configured(60).storage);
});

test('at the usual speed, or slower, nothing changes', () => {
  for (const speed of [1, 0.5]) {
    const config = configured(speed);
    expect(withPatience(config)).toBe(config);
  }
});

test('settings changed later are in force, with the same patience', () => {
  let flush = 1000;
  const config = configured(2);
  const live = Object.defineProperty({ ...config }, 'collect', {
    enumerable: true,
    get: () => ({ ...config.collect, flush_interval_ms: flush }),
  });
  const patient = withPatience(live);
  flush = 250;
  expect(patient.collect.flush_interval_ms).toBe(250);
  expect(patient.collect.connect_timeout_ms).toBe(2 * config.collect.connect_timeout_ms);
});
