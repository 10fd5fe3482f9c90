import MiniSearch from 'minisearch';
import { stem, STOP_WORDS } from '../kit/words.ts';
import type { ToolRow } from './desk.ts';

/**
 * Finds tools by words: names and aliases weigh most, then titles, then descriptions; typing errors are forgiven. Words
 * of the trade stand for one another (perp, swap and futures), words that say nothing are left out, and a tool that has
 * more of the words asked for comes first. Tools of one venue come after those of all unless the venue is named.
 */
export interface ToolSearch {
  find(query: string, limit: number): readonly ToolRow[];
}

/** Toolsets of one venue are named `exchange_<venue>`. */
const VENUE = /^exchange_(.+)$/;

/** Words that say nothing about which tool is meant. */
const SILENT: ReadonlySet<string> = new Set([...STOP_WORDS, 'last', 'latest', 'new', 'show']);

/** Words of the trade that mean the same, or of which one is looked for when another is said. */
const ALIKE: readonly (readonly string[])[] = [
  ['perp', 'perpetual', 'swap', 'futures'],
  ['candle', 'kline', 'ohlc', 'ohlcv', 'bar'],
  ['book', 'orderbook', 'depth'],
  ['oi', 'interest'],
  ['iv', 'volatility', 'vol'],
  ['exchange', 'venue'],
  ['cheapest', 'price'],
  ['fee', 'commission'],
  ['liquidation', 'liquidated'],
  ['gainer', 'loser', 'mover'],
  ['gap', 'hole', 'missing'],
  ['complete', 'completeness', 'coverage'],
  ['outlier', 'anomaly', 'unusual'],
  ['connected', 'connection', 'status', 'healthy', 'health'],
  ['option', 'put', 'call'],
  ['leverage', 'risk'],
  ['history', 'historical', 'stored'],
  ['duplicate', 'copy'],
  ['undo', 'release'],
  ['slow', 'performance'],
  ['issue', 'problem'],
];
const GROUPS = new Map<string, Set<string>>();
for (const group of ALIKE) {
  for (const word of group) GROUPS.set(word, new Set([...(GROUPS.get(word) ?? []), ...group]));
}

/** What a word said otherwise weighs against the word itself. */
const ALIKE_WEIGHT = 0.6;
/** What a tool of a venue weighs when another or none is named, and when it is the only one named. */
const OTHER_VENUE = 0.6;
const NAMED_VENUE = 3;

function term(word: string): string | null {
  const lower = word.toLowerCase();
  return SILENT.has(lower) || lower.length < 2 ? null : stem(lower);
}

export function createToolSearch(tools: readonly ToolRow[]): ToolSearch {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const venues = new Set(tools.flatMap((tool) => VENUE.exec(tool.toolset)?.[1] ?? []));
  const index = new MiniSearch({
    idField: 'name',
    fields: ['words', 'title', 'toolset', 'description'],
    processTerm: term,
    searchOptions: {
      boost: { words: 5, title: 3 },
      prefix: (word) => word.length > 2,
      fuzzy: (word) => (word.length > 4 ? 0.2 : false),
      weights: { prefix: 0.4, fuzzy: 0.3 },
    },
  });
  index.addAll(tools.map((tool) => ({ ...tool, words: [tool.name, ...tool.aliases].join(' ').replaceAll('_', ' ') })));

  const venueFactor = (tool: ToolRow, named: ReadonlySet<string>): number => {
    const venue = VENUE.exec(tool.toolset)?.[1];
    if (venue === undefined) return 1;
    if (!named.has(venue)) return OTHER_VENUE;
    return named.size === 1 ? NAMED_VENUE : 1;
  };

  return {
    find(query, limit) {
      const plain = query.toLowerCase().replaceAll(/[^\p{L}\p{N} ]/gu, '');
      const named = new Set([...venues].filter((venue) => plain.includes(venue)));
      const all = [...new Set(wordsOf(query))];
      // A venue's name says whose tools are meant, not what they do.
      const others = all.filter((word) => !named.has(word));
      const words = others.length > 0 ? others : all;
      const scores = new Map<string, { score: number; matched: number }>();
      for (const word of words) {
        const best = new Map<string, number>();
        const said = [word, ...(GROUPS.get(word) ?? [])].filter((w, i, all) => all.indexOf(w) === i);
        for (const other of said) {
          const weight = other === word ? 1 : ALIKE_WEIGHT;
          for (const { id, score } of index.search(other)) {
            best.set(String(id), Math.max(best.get(String(id)) ?? 0, score * weight));
          }
        }
        for (const [id, score] of best) {
          const before = scores.get(id) ?? { score: 0, matched: 0 };
          scores.set(id, { score: before.score + score, matched: before.matched + 1 });
        }
      }
      return [...scores]
        .flatMap(([id, { score, matched }]) => {
          const tool = byName.get(id);
          return tool === undefined
            ? []
            : [{ tool, score: score * (matched / words.length) * venueFactor(tool, named) }];
        })
        .sort((a, b) => b.score - a.score)
        .slice(0, limit)
        .map(({ tool }) => tool);
    },
  };
}

function wordsOf(query: string): readonly string[] {
  return query.split(/[^\p{L}\p{N}]+/u).flatMap((word) => term(word) ?? []);
}
