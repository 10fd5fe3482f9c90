import { afterEach, beforeEach, expect, test } from 'vitest';
import { Conflict, InvalidInput } from '../../../src/kit/errors.ts';
import { DeskSettings } from '../../../src/market/jobs/desk-settings.ts';
import { raiseEscalation, type EscalationCondition } from '../../../src/market/jobs/escalation.ts';
import { requireSignals, signalTool } from '../../../src/market/tools/shared/tool.ts';
import { z } from 'zod';
import { call, contextOf, preview } from '../tools/call.ts';
import { fillBench, openBench, START, type Bench } from './bench.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench[Symbol.asyncDispose]());

const reopened = () => DeskSettings.open(bench.services.ops, bench.services.settings.configured);
const critical: EscalationCondition = {
  level: 'critical',
  trigger: 'exchanges_down',
  value: '4',
  threshold: '> 3',
  description: '4 venue markets are down',
  exchanges: [],
  recommended_actions: [],
};
const signal = signalTool({
  name: 'toy_signal',
  title: 'Toy',
  toolset: 'desk',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description: 'A tool whose answer may be traded on, for this test alone.',
  input: z.strictObject({}),
  output: z.object({ direction: z.string() }),
  examples: [{ title: 'Now', input: {} }],
  run: async () => ({
    data: { direction: 'up' },
    provenance: { as_of: null, source: 'test', complete: true, stale_ms: null },
  }),
});

test('a critical escalation pauses trading signals, and tools obey until a person resumes them', async () => {
  const { services } = bench;
  await expect(signal.run({}, contextOf(bench))).resolves.toMatchObject({ data: { direction: 'up' } });
  const raised = await raiseEscalation(services, critical, new AbortController().signal);
  expect(services.settings.signals).toMatchObject({ state: 'paused', since: START, changed_by: 'escalation' });
  await expect(signal.run({}, contextOf(bench))).rejects.toThrow(
    /paused since 2026-01-05T12:00:00.000Z by escalation \(critical escalation 1: 4 venue markets are down\).*resume_trading_signals/,
  );
  const health = await call(bench, 'check_system_health');
  expect(health.data.problems).toContainEqual(expect.stringMatching(/^trading_signals: paused by escalation/));
  await expect(call(bench, 'resume_trading_signals', { reason: 'too early' })).rejects.toThrow(Conflict);
  await call(bench, 'resolve_escalation', { escalation_id: raised.id, by: 'test', notes: 'back again' });
  expect(await preview(bench, 'resume_trading_signals', { reason: 'back' })).toEqual({ from: 'paused', to: 'active' });
  expect((await call(bench, 'resume_trading_signals', { reason: 'back' })).data).toEqual({
    state: 'active',
    changed: true,
  });
  expect(() => requireSignals(services)).not.toThrow();
  expect(bench.events.of('desk.setting_changed').map((e) => (e.data as { value: unknown }).value)).toEqual([
    { state: 'paused' },
    { state: 'active' },
  ]);
});

test('what is less than critical pauses nothing; pausing by hand outlives a restart', async () => {
  await raiseEscalation(bench.services, { ...critical, level: 'high' }, new AbortController().signal);
  expect(bench.services.settings.signals.state).toBe('active');
  expect((await call(bench, 'pause_trading_signals', { reason: 'odd prices' })).data).toEqual({
    state: 'paused',
    changed: true,
  });
  expect((await call(bench, 'pause_trading_signals', { reason: 'again' })).data.changed).toBe(false);
  expect((await reopened()).signals).toEqual({
    state: 'paused',
    since: START,
    reason: 'odd prices',
    changed_by: 'agent:validator',
  });
});

test('anomaly thresholds move within their bounds, are used, and outlive a restart', async () => {
  await fillBench(bench);
  const { settings } = bench.services;
  const asked = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'open_interest' };
  const history = { historical_values: [9, 11, 9, 11, 9, 11, 9, 11, 9, 11], current_value: 13.8 };
  expect((await call(bench, 'detect_anomaly', { ...asked, ...history })).data.severity).toBe('medium');
  const changed = await call(bench, 'adjust_anomaly_thresholds_within_bounds', {
    low: 3.9,
    medium: 4.5,
    high: 5,
    reason: 'a volatile day',
  });
  expect(changed.data).toMatchObject({
    before: { low: 3, medium: 3.5, high: 4 },
    after: { low: 3.9, medium: 4.5, high: 5 },
  });
  expect((await call(bench, 'detect_anomaly', { ...asked, ...history })).data.severity).toBeNull();
  expect((await reopened()).rules.anomaly_z).toEqual({ low: 3.9, medium: 4.5, high: 5 });
  expect(settings.rules.price_deviation_percent).toBe(50);
});

test('thresholds out of order or bounds are refused with the bound and the place to change it', async () => {
  const { settings } = bench.services;
  const adjust = (input: object) => call(bench, 'adjust_anomaly_thresholds', { reason: 'test', ...input });
  await expect(adjust({ high: 7 })).rejects.toThrow(/high 7 is outside 2 to 6, 50 % around 4.*system\.yaml/);
  await expect(adjust({ low: 3.6 })).rejects.toThrow(/must rise/);
  await expect(preview(bench, 'adjust_anomaly_thresholds', { high: 7, reason: 'test' })).rejects.toThrow(InvalidInput);
  expect(await bench.services.ops.count('desk_settings')).toBe(0);
  await adjust({ high: 6 });
  const { validation } = settings.configured;
  const stricter = { ...settings.configured, validation: { ...validation, anomaly_adjust_percent: 10 } };
  expect((await DeskSettings.open(bench.services.ops, stricter)).rules.anomaly_z.high).toBe(4);
});
