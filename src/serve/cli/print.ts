import { stdout } from 'node:process';

/** How a command prints: for people, or one JSON document. */
export interface Output {
  readonly json: boolean;
  readonly colour: boolean;
  readonly width: number;
  write(text: string): void;
}

export function createOutput(json: boolean, env: Readonly<Record<string, string | undefined>>): Output {
  const colour = !json && stdout.isTTY && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb';
  return {
    json,
    colour,
    // What is piped is for programs: nothing is cut.
    width: stdout.isTTY ? Math.max(60, stdout.columns) : Number.POSITIVE_INFINITY,
    write: (text) => void stdout.write(text),
  };
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;

/** Colours when the output has them, else the text alone. */
export function paint(output: Output, style: keyof typeof CODES, text: string): string {
  return output.colour ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
}

/** One JSON document on stdout. Numbers beyond JSON become null. */
export function printJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? Number(v) : v), 2)}\n`);
}

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string | number | boolean | null | undefined;
  readonly right?: boolean;
  /** Free text: cut to this many characters, and further on a narrow terminal. Other columns are cut only after it. */
  readonly max?: number;
}

/** Narrower than this no column becomes. */
const NARROWEST = 10;
const GAP = '  ';

/** A table without lines, columns two spaces apart, as wide as the output; the text alone when there are no rows. */
export function printTable<T>(output: Output, rows: readonly T[], columns: readonly Column<T>[], empty: string): void {
  if (rows.length === 0) {
    output.write(`${empty}\n`);
    return;
  }
  const cells = rows.map((row) => columns.map((c) => cut(text(c.value(row)), c.max ?? 80)));
  const wanted = columns.map((c, i) => Math.max(c.title.length, ...cells.map((r) => r[i]?.length ?? 0)));
  const widths = fit(
    wanted,
    columns.map((c) => c.max !== undefined),
    output.width,
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((full, i) => {
        const width = widths[i] ?? 0;
        return columns[i]?.right === true ? full.padStart(width) : cut(full, width).padEnd(width);
      })
      .join(GAP)
      .trimEnd();
  output.write(`${paint(output, 'bold', line(columns.map((c) => c.title)))}\n`);
  for (const row of cells) output.write(`${line(row)}\n`);
}

/** Widths that fit into the output: of the free columns the widest gives way first, of the others when that is not enough. */
function fit(wanted: readonly number[], free: readonly boolean[], width: number): readonly number[] {
  const widths = [...wanted];
  let over = widths.reduce((sum, w) => sum + w, GAP.length * (widths.length - 1)) - width;
  for (const which of [true, false]) {
    while (over > 0) {
      let at = -1;
      for (const [i, w] of widths.entries()) if (free[i] === which && w > NARROWEST && w >= (widths[at] ?? 0)) at = i;
      if (at < 0) break;
      widths[at] = (widths[at] ?? 0) - 1;
      over -= 1;
    }
  }
  return widths;
}

function text(value: string | number | boolean | null | undefined): string {
  return value === null || value === undefined ? '–' : String(value).replaceAll(/\s+/g, ' ');
}

function cut(full: string, width: number): string {
  return full.length > width ? `${full.slice(0, width - 1)}…` : full;
}

/** `key  value` lines. */
export function printFields(output: Output, fields: Readonly<Record<string, unknown>>): void {
  const width = Math.max(...Object.keys(fields).map((k) => k.length));
  for (const [key, value] of Object.entries(fields)) {
    const text =
      value === null || value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
    output.write(`${paint(output, 'dim', key.padEnd(width))}  ${text}\n`);
  }
}

/**
 * The last lines of a terminal, replaced at each `show`. What is written above meanwhile (logs) scrolls by and leaves
 * them whole.
 */
export interface LiveRegion {
  readonly show: (text: string) => void;
  readonly above: (line: string) => void;
}

/** `write` is the terminal's. */
export function createLiveRegion(write: (text: string) => void): LiveRegion {
  let shown = '';
  const erase = (): string => {
    if (shown === '') return '';
    const lines = shown.split('\n').length - 1;
    return `\r${lines > 0 ? `\u001b[${lines}A` : ''}\u001b[J`;
  };
  return {
    show(next) {
      write(`${erase()}${next}`);
      shown = next;
    },
    above(line) {
      write(`${erase()}${line}${shown}`);
    },
  };
}
