import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { describeIssues } from '../../../src/kit/schema-issues.ts';
import { bindTools } from '../../../src/kit/tool.ts';
import { indexTools } from '../../../src/kit/tool-index.ts';
import type { StoredRecord } from '../../../src/market/domain/records.ts';
import { DeskSettings } from '../../../src/market/jobs/desk-settings.ts';
import { planInterpolation } from '../../../src/market/jobs/fill.ts';
import { INTERPOLATION_RULES, VALIDATION_RULES, withRuleChanges } from '../../../src/market/jobs/rule-changes.ts';
import { condemnedRows } from '../../../src/market/jobs/validate.ts';
import { tools } from '../../../src/market/tools/catalogue.generated.ts';
import { fillBench, FROM, keyOf, openBench, quote, START, type Bench } from '../jobs/bench.ts';
import { call, preview } from './call.ts';

const SECOND = 1_000_000;
let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  await fillBench(bench);
});
afterEach(() => bench[Symbol.asyncDispose]());

const reopened = () => DeskSettings.open(bench.services.ops, bench.services.settings.configured);
const condemned = () => condemnedRows(bench.services, keyOf('prices'), FROM, START * 1000);
const rule = (input: object) => call(bench, 'modify_validation_rules', { reason: 'a test', ...input });

test('a validation rule that is changed judges at once, outlives a restart, and goes back', async () => {
  await bench.services.store.ingest([quote('binance', FROM + 400_500_000, 130)], null);
  expect(await condemned()).toEqual([]);
  const asked = { rule: 'price_deviation_percent', value: 20, reason: 'a test' };
  expect(await preview(bench, 'modify_validation_rules', asked)).toEqual({
    rule: 'price_deviation_percent',
    before: 50,
    after: 20,
    configured: 50,
  });
  expect(await condemned()).toEqual([]);
  await rule(asked);
  expect(await condemned()).toMatchObject([{ rule: 'price_deviation_percent', count: 1 }]);
  expect((await reopened()).rules.price_deviation_percent).toBe(20);
  expect(bench.events.of('desk.setting_changed').at(-1)?.data).toMatchObject({
    name: 'validation_rules',
    value: { price_deviation_percent: 20 },
    previous: {},
    reason: 'a test',
  });
  const back = await rule({ rule: 'price_deviation_percent' });
  expect(back.data).toMatchObject({ before: 20, after: 50 });
  expect(await condemned()).toEqual([]);
  expect((await reopened()).settings.validation_rules).toEqual({});
});

test('the schema of the configuration judges a changed rule, and nothing is kept of a refused one', async () => {
  await expect(rule({ rule: 'anomaly_min_samples', value: 2.5 })).rejects.toThrow(InvalidInput);
  await expect(rule({ rule: 'gap_factor', value: 0 })).rejects.toThrow(/gap_factor.*>=1/);
  await expect(rule({ rule: 'anomaly_z.low', value: 9 })).rejects.toThrow(/must rise: low 9/);
  await expect(rule({ rule: 'no_such_rule', value: 1 })).rejects.toThrow();
  expect(await bench.services.ops.count('desk_settings')).toBe(0);
});

test('thresholds adjusted within bounds yield when the rule moves their bounds away', async () => {
  const { settings } = bench.services;
  await call(bench, 'adjust_anomaly_thresholds', { high: 6, reason: 'a test' });
  await rule({ rule: 'anomaly_z.high', value: 20 });
  expect(settings.rules.anomaly_z).toEqual({ low: 3, medium: 3.5, high: 20 });
  await rule({ rule: 'anomaly_z.high' });
  expect(settings.rules.anomaly_z.high).toBe(6);
});

test('every rule of the schemas that is a number can be changed', () => {
  const { validation, interpolation } = bench.services.settings.configured;
  for (const name of VALIDATION_RULES.filter((n) => !n.startsWith('anomaly_z'))) {
    expect(typeof Object.entries(validation).find(([key]) => key === name)?.[1]).toBe('number');
  }
  expect(Object.keys(interpolation)).toEqual(INTERPOLATION_RULES);
  expect(withRuleChanges(validation, { 'anomaly_z.medium': 3.2 }).anomaly_z.medium).toBe(3.2);
});

test('the quarantine policy decides whether rows are moved, at once and after a restart', async () => {
  await bench.services.store.ingest([quote('binance', FROM + 400_500_000, 300)], null);
  expect(await condemned()).toMatchObject([{ action: 'quarantine' }]);
  const asked = { rule: 'price_deviation_percent', action: 'flag', reason: 'a listing day' };
  expect(await preview(bench, 'change_quarantine_policy', asked)).toMatchObject({ before: 'usual', after: 'flag' });
  await call(bench, 'change_quarantine_policy', asked);
  expect(await condemned()).toEqual([]);
  const validated = await call(bench, 'validate_recent_data', { stream: 'prices', lookback_minutes: 15 });
  expect(validated.data).toMatchObject({ failed: 0, findings: [{ action: 'flag', rows: 1 }] });
  expect((await call(bench, 'clean_data_anomalies', { stream: 'prices' })).data.rows_quarantined).toBe(0);
  expect((await reopened()).rules.row_actions).toEqual({ price_deviation_percent: 'flag' });
  const back = await call(bench, 'change_quarantine_policy', { rule: 'price_deviation_percent', reason: 'over' });
  expect(back.data).toMatchObject({ before: 'flag', after: 'usual' });
  expect(await condemned()).toMatchObject([{ action: 'quarantine' }]);
});

test('a policy can make the cleaner move what is only flagged', async () => {
  const at = FROM + 400_500_000;
  const late: StoredRecord = {
    ...keyOf('trades'),
    stream: 'trades',
    event_time: at,
    recv_time: at + 5 * SECOND,
    seq: null,
    origin: 'live',
    trade_id: '9001',
    price: 100,
    quantity: 1,
    side: 'buy',
  };
  await bench.services.store.ingest([late], null);
  const found = () => condemnedRows(bench.services, keyOf('trades'), FROM, START * 1000);
  expect(await found()).toEqual([]);
  const asked = { rule: 'delivery_delay_ms', action: 'quarantine', reason: 'late trades mislead' };
  await call(bench, 'change_quarantine_policy', asked);
  expect(await found()).toMatchObject([{ rule: 'delivery_delay_ms', action: 'quarantine', count: 1 }]);
  expect((await call(bench, 'clean_data_anomalies', { stream: 'trades' })).data.rows_quarantined).toBe(1);
});

test('an interpolation rule that is changed holds for the next fill, and outlives a restart', async () => {
  const gap = { from: FROM + 200 * SECOND, to: FROM + 230 * SECOND };
  const order = { id: 'g', reason: 't', keys: null, ...gap };
  await bench.services.store.quarantine({ ...keyOf('mark_prices', 'bybit'), ...order });
  const plan = () => planInterpolation(bench.services, keyOf('mark_prices', 'bybit'), gap.from, gap.to, undefined);
  expect((await plan()).outcome).toMatchObject({ strategy: 'linear' });
  const change = (input: object) => call(bench, 'change_interpolation_rules', { reason: 'a test', ...input });
  expect((await change({ rule: 'price_max_gap_seconds', value: 20 })).data).toMatchObject({ before: 300, after: 20 });
  expect((await plan()).outcome).toMatchObject({ strategy: 'forward_fill' });
  await change({ rule: 'max_gap_seconds', value: 25 });
  expect((await plan()).outcome).toMatchObject({ strategy: null, reason: expect.stringContaining('longer than 25 s') });
  expect((await reopened()).interpolation).toEqual({ price_max_gap_seconds: 20, max_gap_seconds: 25 });
  await expect(change({ rule: 'max_gap_seconds', value: -1 })).rejects.toThrow(InvalidInput);
  await change({ rule: 'max_gap_seconds' });
  expect((await plan()).outcome).toMatchObject({ strategy: 'forward_fill' });
});

test('get_desk_settings says what differs, by whom and why', async () => {
  expect((await call(bench, 'get_desk_settings')).data.settings).toHaveLength(9);
  await rule({ rule: 'gap_factor', value: 3 });
  const { data } = await call(bench, 'get_desk_settings');
  expect(data.settings.filter((s: { changed_by: unknown }) => s.changed_by !== null)).toEqual([
    {
      name: 'validation_rules',
      value: { gap_factor: 3 },
      changed_at: '2026-01-05T12:00:00.000Z',
      changed_by: 'agent:validator',
      reason: 'a test',
    },
  ]);
});

test('disable_exchange stops a venue until enable_exchange, over restarts', async () => {
  const asked = { exchange: 'binance', market: 'spot', reason: 'nobody uses it' };
  expect(await preview(bench, 'disable_exchange', asked)).toEqual({ stop: ['binance_spot'] });
  expect(bench.collector.calls).toEqual([]);
  const one = await call(bench, 'disable_exchange_permanently', asked);
  expect(one.data).toEqual({ disabled: ['binance_spot'], changed: ['binance_spot'] });
  const all = await call(bench, 'disable_exchange', { exchange: 'binance', reason: 'all of it' });
  expect(all.data).toEqual({ disabled: ['binance_futures', 'binance_spot'], changed: ['binance_futures'] });
  expect(bench.collector.calls).toEqual(['disable binance_spot', 'disable binance_futures']);
  expect((await reopened()).settings.disabled_markets).toEqual(['binance_futures', 'binance_spot']);
  expect((await call(bench, 'get_all_exchange_status')).data.disabled).toEqual(['binance_spot', 'binance_futures']);
  const repeat = await call(bench, 'disable_exchange', asked);
  expect(repeat.data.changed).toEqual([]);
  const back = await call(bench, 'enable_exchange', { exchange: 'binance', reason: 'asked for' });
  expect(back.data).toEqual({ disabled: [], changed: ['binance_futures', 'binance_spot'] });
  expect((await reopened()).settings.disabled_markets).toEqual([]);
  const strange = { exchange: 'bynance', reason: 'a test' };
  await expect(call(bench, 'disable_exchange', strange)).rejects.toThrow(/did you mean binance/);
});

test('modify_rate_limits scales the budget of all hosts of a venue, over restarts, within its bounds', async () => {
  const limits = () => bench.services.rest.limits('binance', 100);
  const [host] = limits();
  const used = () => bench.services.settings.settings.rate_limits;
  const asked = { exchange: 'binance', percent: 50, reason: 'a shared address' };
  expect(await preview(bench, 'modify_rate_limits', asked)).toMatchObject({ from_percent: 100, to_percent: 50 });
  expect(used()).toEqual({});
  const { data } = await call(bench, 'modify_rate_limits_beyond_bounds', asked);
  expect(data).toMatchObject({ before_percent: 100, percent: 50 });
  expect(data.hosts[0]).toEqual({ ...host, weight_per_minute: (host?.weight_per_minute ?? 0) / 2 });
  expect((await reopened()).settings.rate_limits).toEqual({ binance: 50 });
  await call(bench, 'modify_rate_limits', { exchange: 'binance', reason: 'over' });
  expect(used()).toEqual({});
  await expect(call(bench, 'modify_rate_limits', { ...asked, percent: 300 })).rejects.toThrow(/150/);
  await expect(call(bench, 'modify_rate_limits', { ...asked, exchange: 'bynance' })).rejects.toThrow(/binance/);
  expect(used()).toEqual({});
});

test('configure_streaming changes what the collectors read, over restarts, and back', async () => {
  const { services } = bench;
  const inForce = () => services.config.collect;
  const asked = { flush_interval_ms: 250, auto_backfill: false, reason: 'a test' };
  expect(await preview(bench, 'configure_streaming', asked)).toMatchObject({
    changes: [
      { setting: 'flush_interval_ms', before: 1000, after: 250 },
      { setting: 'auto_backfill', before: true, after: false },
    ],
  });
  expect(inForce().flush_interval_ms).toBe(1000);
  const { data } = await call(bench, 'configure_streaming', asked);
  expect(data.current).toEqual({
    flush_interval_ms: 250,
    auto_backfill: false,
    auto_backfill_max_minutes: 60,
    fallback_after_attempts: 3,
    forecast_interval_seconds: 300,
    drift_check_interval_seconds: 600,
  });
  expect(inForce()).toMatchObject({ flush_interval_ms: 250, auto_backfill: false, tape_flush_ms: 50 });
  const again = (await reopened()).inForce(services.config).collect;
  expect(again).toMatchObject({ flush_interval_ms: 250, auto_backfill: false });
  const repeat = await call(bench, 'configure_streaming', asked);
  expect(repeat.data.changes).toEqual([]);
  expect(await services.ops.count('desk_settings')).toBe(1);
  await call(bench, 'configure_streaming', { as_configured: true, auto_backfill: false, reason: 'a test' });
  expect(inForce()).toMatchObject({ flush_interval_ms: 1000, auto_backfill: false });
});

test('configure_streaming refuses what is not in bounds, what is not there by its name, and nothing', async () => {
  const configure = (input: object) => call(bench, 'configure_streaming', { reason: 'a test', ...input });
  await expect(configure({})).rejects.toThrow(/name what to change: flush_interval_ms/);
  await expect(configure({ flush_interval_ms: 49 })).rejects.toThrow(/>=50/);
  // As the pipeline holds it.
  const { input } = indexTools(bindTools(tools, bench.services)).find('configure_streaming')!;
  const value = { forecast_interval: 60, batch_size: 100 };
  const issues = describeIssues(input, value, input.safeParse(value).error!).map(({ message }) => message);
  expect(issues[0]).toMatch(/'forecast_interval' is not taken: use forecast_interval_seconds/);
  expect(issues[1]).toMatch(/'batch_size' is not taken: .* use flush_interval_ms/);
  expect(await bench.services.ops.count('desk_settings')).toBe(0);
});

test('a retention that is changed holds for what deletes and moves days, and outlives a restart', async () => {
  const { services } = bench;
  const configured = services.settings.configured.storage.retention_days;
  const asked = { days: 14, reason: 'the disk is small' };
  expect(await preview(bench, 'change_retention_policy', asked)).toMatchObject({ before: configured, after: 14 });
  expect(services.config.storage.retention_days).toBe(configured);
  const { data } = await call(bench, 'change_retention_policy', asked);
  expect(data).toEqual({ before: configured, after: 14, configured, files_beyond: 0, bytes_beyond: 0 });
  expect((await call(bench, 'apply_retention', { reason: 'a test' })).data.days_kept).toBe(14);
  expect((await call(bench, 'apply_retention', { days: 3, reason: 'a test' })).data.days_kept).toBe(14);
  expect((await call(bench, 'check_capacity')).data.retention_days).toBe(14);
  expect((await reopened()).retentionDays).toBe(14);
  const [row] = await services.ops.select('desk_settings', { where: { name: 'retention' } });
  expect(row).toMatchObject({ value: { days: 14 }, previous: null, reason: 'the disk is small' });
  const back = await call(bench, 'change_retention_policy', { reason: 'a larger disk' });
  expect(back.data).toMatchObject({ before: 14, after: configured });
  expect((await reopened()).retentionDays).toBe(configured);
});
