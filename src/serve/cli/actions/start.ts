import type { Command } from 'commander';
import { parseDuration } from '../../../kit/duration.ts';
import { sleep } from '../../../kit/clock.ts';
import { isAbort } from '../../../kit/errors.ts';
import { abortAfter, systemClock } from '../../../infra/clock.ts';
import type { CrewController } from '../../controller.ts';
import type { DeskStatus } from '../../desk.ts';
import { loadController } from '../../open.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { type LiveRegion, type Output, paint, printJson } from '../print.ts';
import { keepHeapSmall } from '../small-heap.ts';

const SCREEN_EVERY_MS = 1000;
const LINE_EVERY_MS = 30_000;

/** `crew start`: runs until Ctrl-C, showing a calm status. */
export async function start(command: Command): Promise<void> {
  const options = command.opts<{ duration?: string; shadow?: boolean }>();
  const durationMs = options.duration === undefined ? undefined : parseDuration(options.duration);
  const context = contextOf(command);
  const { output, signal, live } = context;
  const { CrewController } = await loadController();
  await using controller = new CrewController(context.options);
  await controller.start({ shadow: options.shadow, signal });
  using _heap = keepHeapSmall();
  const first = await controller.getStatus();
  if (!output.json) output.write(banner(output, first));
  using deadline = durationMs === undefined ? undefined : abortAfter(durationMs, signal);
  await watch(controller, output, live, deadline?.signal ?? signal);
  const last = await controller.getStatus();
  const { failures } = await controller.stop();
  if (output.json) printJson(output, last);
  else output.write(`\nstopped; ${number(last.metrics['records_stored'])} rows stored, ${ending(failures)}\n`);
  if (failures.length > 0) process.exitCode = EXIT.failed;
  else if (signal.aborted) process.exitCode = EXIT.interrupted;
}

function ending(failures: readonly string[]): string {
  if (failures.length === 0) return 'everything flushed';
  return `but not all could be written: ${failures.join('; ')}\nwhat is on the tape is stored at the next start`;
}

function banner(output: Output, status: DeskStatus): string {
  return `${paint(output, 'bold', `orderflow-crew ${status.version}`)}  source ${status.source ?? '–'}, ${status.mode ?? '–'} mode, model ${status.model ?? '–'}\ndata in ${status.data_dir}, control address ${status.address ?? '–'}\nfrom another terminal: crew status, crew events --follow, crew query "SELECT …"; Ctrl-C stops\n\n`;
}

async function watch(
  controller: CrewController,
  output: Output,
  live: LiveRegion | null,
  signal: AbortSignal,
): Promise<void> {
  const screen = process.stdout.isTTY ? live : null;
  while (!signal.aborted) {
    const status = await controller.getStatus();
    if (screen !== null) screen.show(panel(output, status));
    else if (!output.json) output.write(`${new Date().toISOString()} ${summary(status)}\n`);
    await sleep(systemClock, screen === null ? LINE_EVERY_MS : SCREEN_EVERY_MS, signal).catch((error: unknown) => {
      if (!isAbort(error) && !signal.aborted) throw error;
    });
  }
}

function summary(status: DeskStatus): string {
  const live = status.streams.filter((s) => s.state === 'live').length;
  return `${status.state} health ${status.health_score ?? '–'} streams ${live}/${status.streams.length} live, ${number(status.metrics['records_stored'])} rows, ${number(status.metrics['records_per_minute'])} a minute, ${number(status.metrics['runs'])} runs, ${number(status.metrics['open_issues'])} open issues${paused(status)}`;
}

/** Said only while tools may give no trading signals. */
function paused(status: DeskStatus): string {
  return status.trading_signals?.state === 'paused' ? ', TRADING SIGNALS PAUSED' : '';
}

function panel(output: Output, status: DeskStatus): string {
  const markets = new Map<string, { connections: number; up: number; frames: number; latency: number | null }>();
  for (const c of status.connections) {
    const key = `${String(c['exchange'])} ${String(c['market'])}`;
    const entry = markets.get(key) ?? { connections: 0, up: 0, frames: 0, latency: null };
    entry.connections++;
    if (c['state'] === 'connected') entry.up++;
    entry.frames += Number(c['frames'] ?? 0);
    if (typeof c['latency_ms'] === 'number') entry.latency = Math.max(entry.latency ?? 0, c['latency_ms']);
    markets.set(key, entry);
  }
  const rows = [...markets].map(([key, m]) => {
    const state =
      m.up === m.connections
        ? paint(output, 'green', 'up  ')
        : m.up > 0
          ? paint(output, 'yellow', 'part')
          : paint(output, 'red', 'down');
    return `  ${key.padEnd(16)} ${state}  ${String(m.up)}/${m.connections} connections  ${number(m.frames).padStart(10)} frames  ${m.latency === null ? '–' : `${m.latency.toFixed(0)} ms`}`;
  });
  const score = status.health_score;
  const colour = score === null ? 'dim' : score >= 90 ? 'green' : score >= 70 ? 'yellow' : 'red';
  return `${summaryLine(output, status)}\n${rows.join('\n')}\n  health ${paint(output, colour, score === null ? '–' : score.toFixed(1))}   runs ${number(status.metrics['runs'])}   open issues ${number(status.metrics['open_issues'])}   behaviours fired ${number(status.metrics['behaviours_fired'])}${paused(status)}\n`;
}

function summaryLine(output: Output, status: DeskStatus): string {
  const live = status.streams.filter((s) => s.state === 'live').length;
  const up = status.uptime_seconds ?? 0;
  const time = `${Math.floor(up / 3600)}:${String(Math.floor((up % 3600) / 60)).padStart(2, '0')}:${String(Math.floor(up % 60)).padStart(2, '0')}`;
  return `  ${paint(output, 'bold', status.state)} ${time}   ${live}/${status.streams.length} streams live   ${number(status.metrics['records_stored'])} rows   ${number(status.metrics['records_per_minute'])} rows a minute`;
}

function number(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : Math.round(value).toLocaleString('en');
}
