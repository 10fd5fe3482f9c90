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
    width: stdout.isTTY ? Math.max(60, stdout.columns) : 160,
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
  /** Cut to this many characters, or to the terminal for the last column. */
  readonly max?: number;
}

/** A table without lines, columns two spaces apart; nothing but the header's text when there are no rows. */
export function printTable<T>(output: Output, rows: readonly T[], columns: readonly Column<T>[], empty: string): void {
  if (rows.length === 0) {
    output.write(`${empty}\n`);
    return;
  }
  const cells = rows.map((row) => columns.map((c) => cell(c.value(row), c.max)));
  const widths = columns.map((c, i) => Math.max(c.title.length, ...cells.map((r) => r[i]?.length ?? 0)));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => (columns[i]?.right === true ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
      .slice(0, output.width);
  output.write(`${paint(output, 'bold', line(columns.map((c) => c.title)))}\n`);
  for (const row of cells) output.write(`${line(row)}\n`);
}

function cell(value: string | number | boolean | null | undefined, max = 80): string {
  if (value === null || value === undefined) return '–';
  const text = String(value).replaceAll(/\s+/g, ' ');
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
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
