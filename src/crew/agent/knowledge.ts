import type { AgentSpec, CrewSpec } from '../spec.ts';

/** A passage that may help with a task, and where it is from. */
export interface KnowledgePassage {
  readonly text: string;
  readonly source: string;
  /** Place in the source, as in `lines 10–24`, `page 2` or `$.fees[4]`. */
  readonly position?: string | undefined;
  /** Higher is nearer to the question; the scale is the source's own. */
  readonly score: number;
}

/** Where agents look up what the user gave them to know. Asked once per task, with the task's own words. */
export interface KnowledgeSource {
  search(
    query: string,
    who: {
      readonly agent: AgentSpec;
      readonly crew: CrewSpec;
      readonly signal: AbortSignal;
      /** Most passages; the source's own unless given. */
      readonly limit?: number | undefined;
    },
  ): Promise<readonly KnowledgePassage[]>;
}

/** How a passage is cited: its source and the place in it. */
export function citation({ source, position }: KnowledgePassage): string {
  return position === undefined ? source : `${source}, ${position}`;
}
