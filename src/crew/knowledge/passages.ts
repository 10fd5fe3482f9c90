/** A piece of a source, with its place in it. */
export interface Passage {
  /** As in `lines 10–24`, `rows 3–8`, `page 2` or `$.fees[4]`. */
  readonly position: string;
  /** Headings that it stands under; empty where there are none. */
  readonly title: string;
  readonly text: string;
}

/** Characters of a passage, about; one line or value longer than this is cut into several. */
export const PASSAGE_LENGTH = 1200;

/** Text by paragraphs: as many as fit, with the lines they stand on. */
export function textPassages(text: string, title = '', firstLine = 1): readonly Passage[] {
  const passages: Passage[] = [];
  let lines: string[] = [];
  let from = firstLine;
  let length = 0;
  const end = (to: number): void => {
    const body = lines.join('\n').trim();
    const blank = (line: string): boolean => line.trim() === '';
    const first =
      from +
      Math.max(
        0,
        lines.findIndex((line) => !blank(line)),
      );
    const last =
      to -
      Math.max(
        0,
        lines.toReversed().findIndex((line) => !blank(line)),
      );
    if (body !== '') passages.push({ position: linesText(first, last), title, text: body });
    lines = [];
    length = 0;
  };
  text.split(/\r?\n/).forEach((line, i) => {
    const number = firstLine + i;
    const full = length > 0 && length + line.length > PASSAGE_LENGTH;
    // A blank line is a good place to end, once the passage is half full.
    const paragraph = line.trim() === '' && length > PASSAGE_LENGTH / 2;
    if (full || paragraph) end(number - 1);
    if (lines.length === 0) from = number;
    for (const [at, part] of cut(line).entries()) {
      if (at > 0) {
        end(number);
        from = number;
      }
      lines.push(part);
      length += part.length + 1;
    }
  });
  end(firstLine + text.split(/\r?\n/).length - 1);
  return passages;
}

/** Markdown by headings; each passage knows the headings above it. Fences are left whole as far as they fit. */
export function markdownPassages(text: string): readonly Passage[] {
  const sections: { title: string; from: number; lines: string[] }[] = [];
  const headings: string[] = [];
  let section = { title: '', from: 1, lines: [] as string[] };
  let fence: string | null = null;
  text.split(/\r?\n/).forEach((line, i) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined) fence = fence === null ? mark : line.trim().startsWith(fence) ? null : fence;
    const heading = fence === null ? /^(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line) : null;
    if (heading === null) {
      section.lines.push(line);
      return;
    }
    sections.push(section);
    const level = heading[1]?.length ?? 1;
    headings.length = Math.min(headings.length, level - 1);
    while (headings.length < level - 1) headings.push('');
    headings.push(heading[2] ?? '');
    section = { title: headings.filter((h) => h !== '').join(' › '), from: i + 2, lines: [] };
  });
  sections.push(section);
  return sections.flatMap(({ title, from, lines }) => textPassages(lines.join('\n'), title, from));
}

/** Rows of a table as `column: value`, several to a passage. The first row names the columns. */
export function csvPassages(text: string): readonly Passage[] {
  const [columns = [], ...rows] = csvRows(text);
  const entries = rows.map((row, i) => ({
    place: i + 1,
    text: row.map((value, at) => `${columns[at] ?? `column ${at + 1}`}: ${value}`).join('; '),
  }));
  return grouped(entries, (from, to) => (from === to ? `row ${from}` : `rows ${from}–${to}`));
}

/** A JSON or YAML value by its entries, each with its path. */
export function valuePassages(value: unknown): readonly Passage[] {
  const passages: Passage[] = [];
  const walk = (node: unknown, path: string): void => {
    const whole = leafText(node, path);
    if (whole.length <= PASSAGE_LENGTH || typeof node !== 'object' || node === null) {
      for (const text of cut(whole)) if (text.trim() !== '') passages.push({ position: path, title: '', text });
      return;
    }
    if (Array.isArray(node)) node.forEach((item, i) => walk(item, `${path}[${i}]`));
    else for (const [key, item] of Object.entries(node)) walk(item, `${path}${step(key)}`);
  };
  if (Array.isArray(value)) value.forEach((item, i) => walk(item, `$[${i}]`));
  else walk(value, '$');
  return passages;
}

/** Pages, each in one passage or several. */
export function pagePassages(pages: readonly string[]): readonly Passage[] {
  return pages.flatMap((text, i) =>
    textPassages(text).map((passage) => ({ ...passage, position: `page ${i + 1}, ${passage.position}` })),
  );
}

function linesText(from: number, to: number): string {
  return from >= to ? `line ${from}` : `lines ${from}–${to}`;
}

/** `path: value` lines of everything below. */
function leafText(node: unknown, path: string): string {
  if (typeof node !== 'object' || node === null) return `${path}: ${String(node)}`;
  const entries = Array.isArray(node)
    ? node.map((item, i) => leafText(item, `${path}[${i}]`))
    : Object.entries(node).map(([key, item]) => leafText(item, `${path}${step(key)}`));
  return entries.join('\n');
}

function step(key: string): string {
  return /^[A-Za-z_][\w-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function grouped(
  entries: readonly { readonly place: number; readonly text: string }[],
  position: (from: number, to: number) => string,
): readonly Passage[] {
  const passages: Passage[] = [];
  let lines: string[] = [];
  let from = 0;
  let length = 0;
  let last = 0;
  const end = (): void => {
    if (lines.length > 0) passages.push({ position: position(from, last), title: '', text: lines.join('\n') });
    lines = [];
    length = 0;
  };
  for (const { place, text } of entries) {
    for (const part of cut(text)) {
      if (length > 0 && length + part.length > PASSAGE_LENGTH) end();
      if (lines.length === 0) from = place;
      lines.push(part);
      length += part.length;
      last = place;
    }
  }
  end();
  return passages;
}

/** Pieces of at most a passage's length, at a space where there is one. */
function cut(text: string): readonly string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > PASSAGE_LENGTH) {
    const space = rest.lastIndexOf(' ', PASSAGE_LENGTH);
    const at = space > PASSAGE_LENGTH / 2 ? space : PASSAGE_LENGTH;
    parts.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...parts, rest];
}

/** RFC 4180: quoted fields may hold commas, line ends and doubled quotes. Empty lines are no rows. */
function csvRows(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  const endField = (): void => {
    row.push(field.trim());
    field = '';
  };
  const endRow = (): void => {
    endField();
    if (row.some((value) => value !== '')) rows.push(row);
    row = [];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (quoted) {
      if (c === '"' && text.charAt(i + 1) === '"') {
        field += '"';
        i++;
      } else if (c === '"') quoted = false;
      else field += c;
    } else if (c === '"' && field === '') quoted = true;
    else if (c === ',') endField();
    else if (c === '\n') endRow();
    else if (c !== '\r') field += c;
  }
  endRow();
  return rows;
}
