import { FAULT_KINDS, disturb, total } from '../test/market/collect/book-faults.ts';
import { bookSources } from '../test/market/collect/book-wire.ts';

const SEED = 20_261_128;

/**
 * Disturbs the wire frames of every simulated market's books, 1,000,000 faults in all (`FAULTS=100000` for fewer), and
 * counts by market and kind what became of them. Fails when one led to a wrong book that read as valid.
 */
export async function run(): Promise<void> {
  const sources = bookSources(7);
  const wanted = Number(process.env['FAULTS'] ?? 1_000_000);
  if (!Number.isInteger(wanted) || wanted < sources.length) {
    throw new Error(`FAULTS is '${String(process.env['FAULTS'])}'; give a whole number of at least ${sources.length}`);
  }
  const columns = ['market', ...FAULT_KINDS, 'frames', 'reads', 'stale', 'told', 'undetectable', 'undetected'];
  process.stdout.write(`${columns.map((name) => name.padStart(width(name))).join(' ')}\n`);
  let undetected = 0;
  let faults = 0;
  for (const source of sources) {
    const report = disturb(source, Math.ceil(wanted / sources.length), SEED);
    faults += total(report);
    undetected += report.undetected.length;
    const { market, frames, reads, stale, altered, undetectable } = report;
    const kinds = FAULT_KINDS.map((kind) => report.faults[kind]);
    const cells = [market, ...kinds, frames, reads, stale, altered, undetectable, report.undetected.length];
    process.stdout.write(`${cells.map((cell, i) => String(cell).padStart(width(columns[i] ?? ''))).join(' ')}\n`);
    for (const text of report.undetected.slice(0, 3)) process.stdout.write(`  ${text}\n`);
  }
  process.stdout.write(`${faults} faults, ${undetected} undetected\n`);
  if (undetected > 0) process.exitCode = 1;
}

function width(column: string): number {
  return column === 'market' ? 20 : Math.max(column.length, 9);
}
