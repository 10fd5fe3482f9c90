import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { isGzip, unpacked } from '../../../infra/gunzip.ts';
import { byteLines } from '../../../infra/lines.ts';
import { errorMessage, InvalidInput, NotFound } from '../../../kit/errors.ts';
import type { Us } from '../../../kit/clock.ts';
import type { Instrument } from '../../../market/domain/instrument.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { paint, printJson, printTable } from '../print.ts';

/** Unread lines shown one by one before they are only counted. */
const UNREAD_SHOWN = 10;
const WRITE_CHUNK = 64 * 1024;

/** `crew decode` */
export async function decode(command: Command): Promise<void> {
  const options = command.opts<{ exchange: string; market?: string; file?: string; instruments?: string }>();
  const { venues } = await import('../../../market/exchanges/catalogue.generated.ts');
  const { findMarket } = await import('../../../market/exchanges/market-names.ts');
  const venueMarket = findMarket(venues, options.exchange, options.market);
  const { createDecodeStream, parseInstrumentFile } = await import('../../../market/exchanges/decode.ts');
  const instruments: readonly Instrument[] =
    options.instruments === undefined ? [] : parseInstrumentFile(readText(options.instruments), venueMarket);
  const writer = createWriter();
  let shown = 0;
  const stream = createDecodeStream({
    venueMarket,
    instruments,
    now: () => Date.now() * 1000,
    onObject: (object) => writer.write(`${JSON.stringify(object)}\n`),
    onUnread: ({ line, reason, text }) => {
      if (shown++ < UNREAD_SHOWN) process.stderr.write(`line ${line}: ${reason}: ${text.slice(0, 120)}\n`);
    },
  });
  const input = options.file === undefined ? process.stdin : createReadStream(options.file);
  for await (const line of byteLines(readable(input, options.file ?? 'stdin'))) {
    stream.push(line);
    if (writer.full) await writer.drain();
  }
  await writer.drain();
  const { counts } = stream;
  process.stderr.write(
    `${counts.lines} lines, ${counts.records} records, ${counts.control} control, ${counts.errors} venue errors, ${counts.unread} unreadable\n`,
  );
}

/** The bytes of an input, unpacked; InvalidInput that names it where it cannot be read. */
async function* readable(
  input: AsyncIterable<Uint8Array | string>,
  name: string,
): AsyncGenerator<Uint8Array | string, void, undefined> {
  try {
    yield* unpacked(input);
  } catch (error) {
    throw new InvalidInput(`${name} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    return (isGzip(bytes) ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new NotFound(`${path} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
}

/** Collects output into larger writes and waits for a slow reader. */
function createWriter(): { readonly full: boolean; write(text: string): void; drain(): Promise<void> } {
  let buffer: string[] = [];
  let size = 0;
  return {
    get full() {
      return size >= WRITE_CHUNK;
    },
    write(text) {
      buffer.push(text);
      size += text.length;
    },
    async drain() {
      const text = buffer.join('');
      buffer = [];
      size = 0;
      if (text !== '' && !process.stdout.write(text))
        await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
    },
  };
}

/** The folder of the tape that a command names, or that of the data folder. */
export function tapeFolder(command: Command): string {
  const { dir, data } = command.optsWithGlobals<{ dir?: string; data?: string }>();
  if (dir !== undefined && !existsSync(dir))
    throw new NotFound(`there is no folder ${resolve(dir)}: --dir is a tape's`);
  return resolve(dir ?? join(data ?? 'data', 'tape'));
}

const time = (us: Us | null): string | null => (us === null ? null : new Date(us / 1000).toISOString());

/** `crew tape ls` */
export async function tapeList(command: Command): Promise<void> {
  const { output } = contextOf(command);
  const { listTape } = await import('../../../market/collect/tape/inspect.ts');
  const segments = (await listTape(tapeFolder(command))).map((s) => ({ id: String(s.segment), ...s }));
  if (output.json) return printJson(output, segments);
  printTable(
    output,
    segments,
    [
      { title: 'SEGMENT', value: (s) => s.segment, right: true },
      { title: 'ITEMS', value: (s) => s.items, right: true },
      { title: 'BYTES', value: (s) => s.bytes, right: true },
      { title: 'FROM', value: (s) => time(s.first_recv_time) },
      { title: 'TO', value: (s) => time(s.last_recv_time) },
    ],
    'the tape is empty',
  );
}

/** `crew tape verify` */
export async function tapeVerify(command: Command): Promise<void> {
  const { output, signal } = contextOf(command);
  const { verifyTape } = await import('../../../market/collect/tape/inspect.ts');
  const report = await verifyTape(tapeFolder(command), signal);
  const ok = report.damage.length === 0;
  if (output.json) printJson(output, { ok, ...report });
  else {
    output.write(
      `${report.segments.length} segments, ${report.blocks} blocks, ${report.items} items: ${ok ? paint(output, 'green', 'whole') : paint(output, 'red', `${report.damage.length} damaged`)}\n`,
    );
    for (const damage of report.damage) output.write(`${JSON.stringify(damage)}\n`);
  }
  if (!ok) process.exitCode = EXIT.failed;
}

/** `crew tape replay` */
export async function tapeReplay(command: Command): Promise<void> {
  const options = command.opts<{ limit?: number; records?: boolean }>();
  const { signal } = contextOf(command);
  const { readTape } = await import('../../../market/collect/tape/reader.ts');
  const writer = createWriter();
  const decodeItem = options.records === true ? await recordDecoder() : undefined;
  const sink = (record: unknown): void => writer.write(`${JSON.stringify(record)}\n`);
  let items = 0;
  for await (const { item, position } of readTape(tapeFolder(command))) {
    // Told, so that a part is not taken for the whole.
    signal.throwIfAborted();
    if (options.limit !== undefined && items >= options.limit) break;
    items++;
    if (decodeItem === undefined) writer.write(`${JSON.stringify({ position, ...item })}\n`);
    else decodeItem(item, sink);
    if (writer.full) await writer.drain();
  }
  await writer.drain();
  process.stderr.write(`${items} items\n`);
}

async function recordDecoder() {
  const { venues } = await import('../../../market/exchanges/catalogue.generated.ts');
  const { tapeDecoder } = await import('../../../market/collect/tape/decoding.ts');
  return tapeDecoder(venues.flatMap((venue) => venue.markets));
}
