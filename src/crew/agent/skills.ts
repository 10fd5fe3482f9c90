import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { didYouMean } from '../../kit/nearest.ts';
import { errorMessage } from '../../kit/errors.ts';
import { type InnerTool, innerSchema, refused } from './inner-tool.ts';

/** Instructions in a folder: a SKILL.md whose head names and describes it, and files that it refers to. */
export interface Skill {
  readonly name: string;
  readonly description: string;
  readonly dir: string;
  /** SKILL.md without its head. */
  readonly text: string;
}

/** The skills of the agents of a configuration, by agent. */
export interface SkillShelf {
  of(agentId: string): readonly Skill[];
}

const FILE_LIMIT = 50_000;
const Head = z.object({ name: z.string().min(1).optional(), description: z.string().min(1) });

/** Folder of a skill: by its path, or by its name below `skills/`; undefined when neither holds a SKILL.md. */
export function skillDir(configDir: string, name: string): string | undefined {
  return [resolve(configDir, name), join(configDir, 'skills', name)].find((dir) => existsSync(join(dir, 'SKILL.md')));
}

/** Reads a skill. A text is what is wrong with it. */
export function readSkill(dir: string): Skill | string {
  try {
    const whole = readFileSync(join(dir, 'SKILL.md'), 'utf8');
    const match = /^---\r?\n([\s\S]*?)\r?\n---\r?\n?/.exec(whole);
    if (match === null) return 'its SKILL.md has no head: --- name, description ---';
    const head = Head.safeParse(parse(match[1] ?? ''));
    if (!head.success) return `the head of its SKILL.md: ${z.prettifyError(head.error)}`;
    const { name = basename(dir), description } = head.data;
    return { name, description, dir, text: whole.slice(match[0].length).trim() };
  } catch (error) {
    return errorMessage(error);
  }
}

/** Opens the skills that agents name, once each; names without a skill are an issue of the configuration already. */
export function openSkills(
  configDir: string,
  agents: readonly { readonly id: string; readonly skills: readonly string[] }[],
): SkillShelf {
  const skillsOf = new Map(
    agents.map((agent) => [
      agent.id,
      agent.skills.flatMap((name) => {
        const dir = skillDir(configDir, name);
        const skill = dir === undefined ? '' : readSkill(dir);
        return typeof skill === 'string' ? [] : [skill];
      }),
    ]),
  );
  return { of: (agentId) => skillsOf.get(agentId) ?? [] };
}

/**
 * The tool that agents with skills read them by: the instructions first, then the files that these name. `onRead` hears
 * of what was read; `file` is null for the instructions.
 */
export function skillTool(
  skills: readonly Skill[],
  onRead: (skill: string, file: string | null) => void,
): InnerTool | null {
  if (skills.length === 0) return null;
  const names = skills.map((s) => s.name);
  const list = skills.map((s) => `${s.name}: ${s.description}`).join('\n');
  return {
    schema: innerSchema(
      'read_skill',
      `Reads instructions for a kind of work before you do it. Skills:\n${list}`,
      {
        skill: { description: 'Which one', choices: names },
        file: { description: 'A file that its instructions name; leave out for the instructions' },
      },
      ['skill'],
    ),
    outside: null,
    run: (call) => {
      const skill = skills.find((s) => s.name === call.args['skill']);
      const asked = String(call.args['skill']);
      if (skill === undefined)
        return Promise.resolve(refused(`there is no skill '${asked}'${didYouMean(asked, names)}`));
      const given = call.args['file'];
      const file = typeof given === 'string' ? given : '';
      if (file === '') {
        onRead(skill.name, null);
        const result = { instructions: skill.text, files: filesOf(skill.dir) };
        return Promise.resolve({ kind: 'said', ok: true, result });
      }
      const text = readInside(skill.dir, file);
      if (text !== undefined) onRead(skill.name, file);
      return Promise.resolve(
        text === undefined
          ? refused(`skill ${skill.name} has no file '${file}': ${filesOf(skill.dir).join(', ')}`)
          : { kind: 'said', ok: true, result: { file, text } },
      );
    },
  };
}

/** A file of the skill's own folder; links that lead out of it count as absent. */
function readInside(dir: string, file: string): string | undefined {
  const target = resolve(dir, file);
  if (!existsSync(target) || !statSync(target).isFile()) return undefined;
  const inside = relative(realpathSync(dir), realpathSync(target));
  if (inside.startsWith('..') || isAbsolute(inside)) return undefined;
  return readFileSync(target, 'utf8').slice(0, FILE_LIMIT);
}

function filesOf(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'SKILL.md')
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
    .slice(0, 100);
}
