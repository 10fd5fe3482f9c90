import { COVERAGE_STATES, type Coverage, type CoverageState } from '../../market/domain/coverage.ts';
import { viewName } from '../../market/domain/records.ts';

const COLOURS: Readonly<Record<CoverageState, string>> = {
  live: '#2e9e5b',
  backfilled: '#3b82c4',
  sampled: '#d9b33c',
  interpolated: '#a06cc9',
  pruned: '#8a8f98',
  missing: '#d64545',
};
const LABEL = 380;
const STRIP = 760;
const SHARE = 70;
const ROW = 22;
const TOP = 52;
const BOTTOM = 34;

/** A strip a series: its states over [from, to), UTC µs, with hover texts. What is too young to be judged stays blank. */
export function coverageSvg(list: readonly Coverage[], from: number, to: number): string {
  const width = LABEL + STRIP + SHARE;
  const height = TOP + Math.max(1, list.length) * ROW + BOTTOM;
  const x = (time: number): number => LABEL + ((time - from) / (to - from)) * STRIP;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="10" y="20" font-size="14" font-weight="bold">Coverage, UTC</text>`,
    ...COVERAGE_STATES.toReversed().map((state, i) => legend(state, 150 + i * 110)),
    ...list.flatMap((coverage, i) => strip(coverage, TOP + i * ROW, x)),
    ...ticks(from, to, x, height),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function legend(state: CoverageState, at: number): string {
  return `<rect x="${at}" y="10" width="12" height="12" fill="${COLOURS[state]}"/><text x="${at + 17}" y="20">${state}</text>`;
}

function strip(coverage: Coverage, y: number, x: (time: number) => number): string[] {
  const share = coverage.share === null ? '–' : `${(coverage.share * 100).toFixed(1)} %`;
  const bars = coverage.intervals.map(({ from, to, state, reason }) => {
    // A hole of a second must be seen in a strip of a month.
    const least = state === 'missing' ? 1 : 0.2;
    const wide = Math.max(least, x(to) - x(from));
    const text = `${state}${reason === null ? '' : `: ${reason}`} ${iso(from)} – ${iso(to)}`;
    return `<rect x="${x(from).toFixed(2)}" y="${y}" width="${wide.toFixed(2)}" height="${ROW - 6}" fill="${COLOURS[state]}"><title>${escaped(text)}</title></rect>`;
  });
  const middle = y + 12;
  // Holes last, so that nothing hides them.
  const order = [
    ...bars.filter((bar) => !bar.includes(COLOURS.missing)),
    ...bars.filter((bar) => bar.includes(COLOURS.missing)),
  ];
  return [
    `<text x="10" y="${middle}">${escaped(viewName(coverage.series))}</text>`,
    `<rect x="${LABEL}" y="${y}" width="${STRIP}" height="${ROW - 6}" fill="#eeeeee"/>`,
    ...order,
    `<text x="${LABEL + STRIP + 8}" y="${middle}">${share}</text>`,
  ];
}

function ticks(from: number, to: number, x: (time: number) => number, height: number): string[] {
  return Array.from({ length: 4 }, (_, i) => {
    const time = from + ((to - from) * i) / 3;
    const anchor = i === 0 ? 'start' : i === 3 ? 'end' : 'middle';
    const at = x(time).toFixed(2);
    return `<line x1="${at}" x2="${at}" y1="${TOP - 6}" y2="${height - BOTTOM}" stroke="#00000033"/><text x="${at}" y="${height - 14}" text-anchor="${anchor}">${iso(time).slice(0, 19).replace('T', ' ')}</text>`;
  });
}

function iso(time: number): string {
  return new Date(time / 1000).toISOString();
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
