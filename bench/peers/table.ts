/** One figure of one library: the median of its rounds, or why there is none. */
export type Cell =
  | { readonly median: number; readonly least: number; readonly most: number; readonly cpu?: number | undefined }
  | { readonly none: string };

export interface Row {
  readonly what: string;
  readonly unit: string;
  /** By library, or by library and its store. */
  readonly cells: Readonly<Record<string, Cell>>;
}

/** Median and spread of rounds; `cpu` is the median of processor time in the same unit. */
export function cellOf(values: readonly number[], cpu?: readonly number[]): Cell {
  return {
    median: median(values),
    least: Math.min(...values),
    most: Math.max(...values),
    ...(cpu === undefined ? {} : { cpu: median(cpu) }),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

/** A line for each measurement, a column for each library, in the order of `columns`. */
export function printTable(rows: readonly Row[], columns: readonly string[], write: (text: string) => void): void {
  const lines = [
    ['', ...columns],
    ...rows.map(({ what, unit, cells }) => [`${what}, ${unit}`, ...columns.map((name) => shown(cells[name]))]),
  ];
  const widths = ['', ...columns].map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)));
  for (const line of lines) {
    write(
      `${line.map((text, i) => (i === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[i] ?? 0))).join('  ')}\n`,
    );
  }
}

/** `median (least–most; cpu of processor time)`. */
function shown(cell: Cell | undefined): string {
  if (cell === undefined) return '–';
  if ('none' in cell) return cell.none;
  const { median: middle, least, most, cpu } = cell;
  if (least === most && cpu === undefined) return figure(middle);
  const processor = cpu === undefined ? '' : `; ${figure(cpu)} cpu`;
  return `${figure(middle)} (${figure(least)}–${figure(most)}${processor})`;
}

function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(Math.abs(value) >= 10 ? 3 : 2).replace(/^-0(\.0+)?$/, '0');
}
