/** An arrow of a drawing. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** The route that it stands for. */
  readonly route: string | null;
  /** Waited for together with others. */
  readonly together: boolean;
}

export interface DrawnNode {
  /** Letters, digits and `_`. */
  readonly id: string;
  readonly text: string;
  /** A second, smaller line. */
  readonly label: string | null;
  readonly start: boolean;
  /** Whether it decides where to go on. */
  readonly routes: boolean;
}

/** Nodes and arrows, of a flow or of a crew. */
export interface Drawing {
  readonly title: string;
  readonly nodes: readonly DrawnNode[];
  readonly arrows: readonly Arrow[];
}

/** A drawing as a Mermaid flowchart: starts rounded, deciding nodes as diamonds, arrows that wait together dotted. */
export function drawingMermaid({ nodes, arrows }: Drawing): string {
  const quoted = (text: string): string => `"${text.replaceAll('"', '#quot;')}"`;
  const boxes = nodes.map((node) => {
    const text = quoted(node.label === null ? node.text : `${node.text}<br/>${node.label}`);
    if (node.routes) return `  ${node.id}{{${text}}}`;
    return node.start ? `  ${node.id}([${text}])` : `  ${node.id}[${text}]`;
  });
  const lines = arrows.map(({ from, to, route, together }) => {
    const line = together ? '-.->' : '-->';
    return `  ${from} ${line}${route === null ? '' : `|${quoted(route)}|`} ${to}`;
  });
  return ['flowchart TD', ...boxes, ...lines, ''].join('\n');
}

const BOX = { height: 44, gapX: 36, gapY: 64, pad: 28, letter: 7.2 } as const;

interface Box {
  readonly node: DrawnNode;
  readonly layer: number;
  readonly width: number;
  x: number;
  y: number;
}

/**
 * A drawing as an SVG that stands alone: layers from top to bottom, arrows back up on the right. Nodes with a number of
 * runs are marked.
 */
export function drawingSvg(drawing: Drawing, runs: ReadonlyMap<string, number> = new Map()): string {
  const { arrows } = drawing;
  const boxes = placed(drawing);
  const right = Math.max(...boxes.map((b) => b.x + b.width));
  const back = arrows.filter((a) => isBack(a, boxes));
  const width = right + BOX.pad + (back.length === 0 ? 0 : back.length * 18 + 70);
  const height = Math.max(...boxes.map((b) => b.y + BOX.height)) + BOX.pad;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${escape(drawing.title)}</title>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#475569"/></marker></defs>',
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...arrows.filter((a) => !isBack(a, boxes)).map((a) => forward(a, boxes)),
    ...back.map((a, i) => backward(a, boxes, right + 24 + i * 18)),
    ...boxes.map((b) => drawn(b, runs.get(b.node.id))),
    '</svg>',
    '',
  ].join('\n');
}

/** Puts each node one layer below the lowest that it waits for; arrows that close a circle do not count. */
function placed({ nodes, arrows }: Drawing): readonly Box[] {
  const layers = new Map<string, number>();
  const visit = (id: string, path: readonly string[]): number => {
    const known = layers.get(id);
    if (known !== undefined) return known;
    const before = arrows.filter((a) => a.to === id && a.from !== id && !path.includes(a.from));
    const start = nodes.find((n) => n.id === id)?.start === true;
    const layer = start ? 0 : Math.max(-1, ...before.map((a) => visit(a.from, [...path, id]))) + 1;
    layers.set(id, layer);
    return layer;
  };
  const boxes = nodes.map((node): Box => {
    const letters = Math.max(node.text.length, node.label?.length ?? 0) + (node.routes ? 4 : 0);
    return { node, layer: visit(node.id, []), width: Math.max(90, letters * BOX.letter + 24), x: 0, y: 0 };
  });
  const rows = [...new Set(boxes.map((b) => b.layer))]
    .sort((a, b) => a - b)
    .map((l) => boxes.filter((b) => b.layer === l));
  const widths = rows.map((row) => row.reduce((sum, b) => sum + b.width, 0) + BOX.gapX * (row.length - 1));
  const widest = Math.max(...widths);
  rows.forEach((row, i) => {
    let x = BOX.pad + (widest - (widths[i] ?? 0)) / 2;
    for (const box of row) {
      box.x = x;
      box.y = BOX.pad + i * (BOX.height + BOX.gapY);
      x += box.width + BOX.gapX;
    }
  });
  return boxes;
}

function boxOf(boxes: readonly Box[], id: string): Box {
  const box = boxes.find((b) => b.node.id === id);
  if (box === undefined) throw new Error(`a drawing lacks ${id}`);
  return box;
}

function isBack(arrow: Arrow, boxes: readonly Box[]): boolean {
  return boxOf(boxes, arrow.to).layer <= boxOf(boxes, arrow.from).layer;
}

function forward(arrow: Arrow, boxes: readonly Box[]): string {
  const [from, to] = [boxOf(boxes, arrow.from), boxOf(boxes, arrow.to)];
  const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + BOX.height, to.x + to.width / 2, to.y];
  const bend = (y2 - y1) / 2;
  const path = `M${round(x1)} ${round(y1)} C${round(x1)} ${round(y1 + bend)} ${round(x2)} ${round(y2 - bend)} ${round(x2)} ${round(y2)}`;
  return line(path, arrow) + label(arrow, (x1 + x2) / 2, (y1 + y2) / 2);
}

/** Around everything on the right and in from above, so that it passes behind no box of its row. */
function backward(arrow: Arrow, boxes: readonly Box[], x: number): string {
  const [from, to] = [boxOf(boxes, arrow.from), boxOf(boxes, arrow.to)];
  const [y1, above, in_] = [from.y + BOX.height / 2, to.y - 14, to.x + to.width * 0.75];
  const path = `M${round(from.x + from.width)} ${round(y1)} H${round(x)} V${round(above)} H${round(in_)} V${round(to.y)}`;
  return line(path, arrow) + label(arrow, x + 4, (y1 + above) / 2, 'start');
}

function line(path: string, { together }: Arrow): string {
  return `<path d="${path}" fill="none" stroke="#475569" stroke-width="1.4"${together ? ' stroke-dasharray="5 4"' : ''} marker-end="url(#tip)"/>`;
}

function label({ route }: Arrow, x: number, y: number, anchor = 'middle'): string {
  if (route === null) return '';
  const place = `x="${round(x)}" y="${round(y + 4)}" text-anchor="${anchor}"`;
  return `<text ${place} fill="#b45309" stroke="#ffffff" stroke-width="4" paint-order="stroke">${escape(route)}</text>`;
}

function drawn({ node, x, y, width }: Box, runs: number | undefined): string {
  const { text: id, routes, start, label: what } = node;
  const ran = runs !== undefined && runs > 0;
  const [fill, stroke] = ran
    ? ['#dcfce7', '#15803d']
    : routes
      ? ['#fef3c7', '#b45309']
      : start
        ? ['#dbeafe', '#1d4ed8']
        : ['#f1f5f9', '#475569'];
  const shape = !routes
    ? `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${BOX.height}" rx="${start ? BOX.height / 2 : 6}" fill="${fill}" stroke="${stroke}"/>`
    : `<polygon points="${[
        [x, y + BOX.height / 2],
        [x + 16, y],
        [x + width - 16, y],
        [x + width, y + BOX.height / 2],
        [x + width - 16, y + BOX.height],
        [x + 16, y + BOX.height],
      ]
        .map((p) => p.map(round).join(','))
        .join(' ')}" fill="${fill}" stroke="${stroke}"/>`;
  const middle = round(x + width / 2);
  const text = (line: string, dy: number, style = ''): string =>
    `<text x="${middle}" y="${round(y + dy)}" text-anchor="middle" fill="#0f172a"${style}>${escape(line)}</text>`;
  const count = ran && runs > 1 ? ` ×${runs}` : '';
  if (what === null) return shape + text(id + count, BOX.height / 2 + 4.5);
  return shape + text(id + count, 18) + text(what, 34, ' font-size="11" opacity="0.75"');
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
