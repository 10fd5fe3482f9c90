import type { ConfigIssue } from '../../kit/errors.ts';
import { readSkill, skillDir } from '../agent/skills.ts';
import { entries, namedItems, type RawFiles } from './raw.ts';

/** Skills that agents name are there and can be read. */
export function skillChecks(dir: string, files: RawFiles): readonly ConfigIssue[] {
  return [...entries(files.agents.value)].flatMap(([id, agent]) =>
    namedItems(agent['skills']).flatMap(([i, name]) => {
      const folder = skillDir(dir, name);
      const skill =
        folder === undefined ? `there is no ${name}/SKILL.md and no skills/${name}/SKILL.md` : readSkill(folder);
      return typeof skill === 'string'
        ? [files.agents.issue([id, 'skills', i], `agent ${id}: skill '${name}': ${skill}`)]
        : [];
    }),
  );
}
