import type { ConfigIssue } from '../../kit/errors.ts';
import { placeOf } from '../knowledge/source.ts';
import { entries, namedItems, type RawFiles } from './raw.ts';
import type { YamlFile } from './yaml-file.ts';

/** Knowledge that agents and crews name is there and of a kind that can be read. Web pages are not asked for yet. */
export function knowledgeChecks(dir: string, { agents, crews }: RawFiles): readonly ConfigIssue[] {
  const checked = (file: YamlFile, what: string): readonly ConfigIssue[] =>
    [...entries(file.value)].flatMap(([id, entry]) =>
      namedItems(entry['knowledge_sources']).flatMap(([i, source]) => {
        const place = placeOf(dir, source);
        const path = [id, 'knowledge_sources', i];
        return typeof place === 'string' ? [file.issue(path, `${what} ${id}: knowledge source: ${place}`)] : [];
      }),
    );
  return [...checked(agents, 'agent'), ...(crews === undefined ? [] : checked(crews, 'crew'))];
}
