import type { TimeBar, TimeLine } from '../timeline.ts';
import { type Output, paint } from './print.ts';

/** Width where the output has none of its own: what is piped is cut nowhere, but bars need a scale. */
const PIPED = 100;
const WIDEST_NAME = 34;
const NARROWEST_NAME = 8;
const NARROWEST_SCALE = 20;
const STYLES = { task: 'cyan', model: 'blue', tool: 'green', judge: 'blue', wait: 'yellow' } as const;
const FULL = '█';
/** For what takes less than half a column. */
const THIN = '▏';

/** Lines of a timeline as bars against time, as wide as the output. Nothing where nothing happened. */
export function printTimeline(output: Output, lines: readonly TimeLine[]): void {
  const bars = lines.flatMap((line) => line.bars);
  if (bars.length === 0) return;
  const from = Math.min(...bars.map((bar) => bar.from));
  const to = Math.max(...bars.map((bar) => bar.to));
  const names = lines.map(nameOf);
  const took = lines.map(tookText);
  const right = Math.max(...took.map((text) => text.length));
  const width = Number.isFinite(output.width) ? output.width : PIPED;
  const room = Math.max(NARROWEST_NAME, width - right - NARROWEST_SCALE - 4);
  const nameWidth = Math.min(WIDEST_NAME, room, Math.max(...names.map((name) => name.length)));
  const scale = Math.max(NARROWEST_SCALE, width - nameWidth - right - 4);
  const title = `0${durationText(to - from).padStart(scale - 1)}`;
  output.write(`${paint(output, 'bold', 'TIMELINE'.padEnd(nameWidth))}  ${paint(output, 'dim', title)}\n`);
  for (const [i, line] of lines.entries()) {
    const name = cut(names[i] ?? '', nameWidth).padEnd(nameWidth);
    const drawn = drawBars(output, line, { from, to, scale });
    output.write(
      `${line.kind === 'task' ? paint(output, 'bold', name) : name}  ${drawn}  ${(took[i] ?? '').padStart(right)}\n`,
    );
  }
}

function nameOf({ kind, name, agent }: TimeLine): string {
  if (kind === 'task') return agent === null ? name : `${name} (${agent})`;
  if (kind === 'judge') return `judged by ${name}`;
  return kind === 'wait' ? name : `  ${name}`;
}

function tookText({ bars, open }: TimeLine): string {
  const total = bars.reduce((sum, bar) => sum + bar.to - bar.from, 0);
  const failed = bars.filter((bar) => !bar.ok).length;
  const times = bars.length > 1 ? ` ×${bars.length}` : '';
  return `${durationText(total)}${times}${failed > 0 ? ` ${failed} failed` : ''}${open ? ' …' : ''}`;
}

function drawBars(
  output: Output,
  { kind, bars }: TimeLine,
  { from, to, scale }: { readonly from: number; readonly to: number; readonly scale: number },
): string {
  const cells = Array.from({ length: scale }, (): { mark: string; ok: boolean } => ({ mark: ' ', ok: true }));
  const perCell = Math.max(1, to - from) / scale;
  for (const bar of bars) {
    for (const at of cellsOf(bar, from, perCell, scale)) {
      const cell = cells[at];
      if (cell === undefined) continue;
      cell.mark = bar.to - bar.from < perCell / 2 && cell.mark !== FULL ? THIN : FULL;
      cell.ok &&= bar.ok;
    }
  }
  return joined(cells)
    .map(({ text, ok }) => (text.trim() === '' ? text : paint(output, ok ? STYLES[kind] : 'red', text)))
    .join('');
}

function* cellsOf({ from, to }: TimeBar, start: number, perCell: number, scale: number): Generator<number> {
  const first = Math.min(scale - 1, Math.max(0, Math.floor((from - start) / perCell)));
  // What is shorter than a column has one, wherever it lies.
  const end = to - from < perCell ? first : Math.ceil((to - start) / perCell) - 1;
  const last = Math.min(scale - 1, Math.max(first, end));
  for (let at = first; at <= last; at++) yield at;
}

/** Cells of one colour together, blanks apart. */
function joined(
  cells: readonly { readonly mark: string; readonly ok: boolean }[],
): readonly { text: string; ok: boolean }[] {
  const parts: { text: string; ok: boolean }[] = [];
  for (const { mark, ok } of cells) {
    const last = parts.at(-1);
    if (last !== undefined && last.ok === ok && (last.text.at(-1) === ' ') === (mark === ' ')) last.text += mark;
    else parts.push({ text: mark, ok });
  }
  return parts;
}

/** As people say it: 12 ms, 3.4 s, 5 min 6 s. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function cut(full: string, width: number): string {
  return full.length > width ? `${full.slice(0, width - 1)}…` : full;
}
