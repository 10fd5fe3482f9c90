import { describe, expect, test } from 'vitest';
import { createLiveRegion, type Output, printTable } from '../../../src/serve/cli/print.ts';

function output(width: number): Output & { readonly lines: () => readonly string[] } {
  let text = '';
  return {
    ...{ json: false, colour: false, width, write: (more: string) => void (text += more) },
    lines: () => text.trimEnd().split('\n'),
  };
}

const rows = [
  { id: 'cross_exchange_consistency_check', calls: 2, text: 'x'.repeat(300) },
  { id: 'b', calls: 10, text: null },
];
const columns = [
  { title: 'TASK', value: (row: (typeof rows)[number]) => row.id },
  { title: 'CALLS', value: (row: (typeof rows)[number]) => row.calls, right: true },
  { title: 'OUTPUT', value: (row: (typeof rows)[number]) => row.text, max: 100 },
] as const;

describe('a table', () => {
  test('fits the terminal: free text gives way, ids and numbers stay whole', () => {
    const out = output(60);
    printTable(out, rows, columns, '');
    expect(out.lines()).toEqual([
      'TASK                              CALLS  OUTPUT',
      `cross_exchange_consistency_check      2  ${'x'.repeat(18)}…`,
      'b                                    10  –',
    ]);
  });

  test('cuts ids only when free text is as narrow as it gets, and keeps every column', () => {
    const out = output(40);
    printTable(out, rows, columns, '');
    expect(out.lines()[1]).toBe('cross_exchange_consi…      2  xxxxxxxxx…');
    expect(out.lines().every((line) => line.length <= 40)).toBe(true);
  });

  test('is not cut to a width where there is no terminal', () => {
    const out = output(Number.POSITIVE_INFINITY);
    printTable(out, rows, columns, '');
    expect(out.lines()[1]).toHaveLength(32 + 2 + 5 + 2 + 100);
    printTable(out, [], columns, 'no task ran');
    expect(out.lines().at(-1)).toBe('no task ran');
  });
});

/** What a terminal shows after the text: `\r`, cursor up and erase below are all that it knows. */
function screen(text: string): string {
  let lines = [''];
  let row = 0;
  for (const part of text.split(/(\r|\n|\u001b\[\d*[AJ])/)) {
    if (part === '\n') {
      row += 1;
      lines[row] ??= '';
    } else if (part.endsWith('A')) row -= Number(/\d+/.exec(part)?.[0] ?? 1);
    else if (part.endsWith('J')) lines = [...lines.slice(0, row), ''];
    else if (part !== '\r') lines[row] = `${lines[row] ?? ''}${part}`;
  }
  return lines.join('\n');
}

describe('the live lines of a terminal', () => {
  test('are replaced, and logs scroll by above them', () => {
    let text = '';
    const live = createLiveRegion((more) => void (text += more));
    live.above('log 1\n');
    live.show('starting …');
    live.above('log 2\n');
    expect(screen(text)).toBe('log 1\nlog 2\nstarting …');
    live.show('  running\n  4 streams\n');
    live.above('log 3\n');
    live.show('  running\n  5 streams\n');
    expect(screen(text)).toBe('log 1\nlog 2\nlog 3\n  running\n  5 streams\n');
    live.show('');
    expect(screen(text)).toBe('log 1\nlog 2\nlog 3\n');
  });
});
