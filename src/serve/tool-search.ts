import MiniSearch from 'minisearch';
import type { ToolRow } from './desk.ts';

/** Finds tools by words: names and aliases weigh most, then titles, then descriptions; typing errors are forgiven. */
export interface ToolSearch {
  find(query: string, limit: number): readonly ToolRow[];
}

export function createToolSearch(tools: readonly ToolRow[]): ToolSearch {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const index = new MiniSearch({
    idField: 'name',
    fields: ['name', 'words', 'title', 'toolset', 'description'],
    searchOptions: {
      boost: { name: 4, words: 4, title: 2 },
      prefix: true,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    },
  });
  index.addAll(tools.map((tool) => ({ ...tool, words: [tool.name, ...tool.aliases].join(' ').replaceAll('_', ' ') })));
  return {
    find: (query, limit) =>
      index
        .search(query)
        .slice(0, limit)
        .flatMap(({ id }) => byName.get(String(id)) ?? []),
  };
}
