import type { AgentSpec, CrewSpec } from '../spec.ts';

/** A passage that may help with a task, and where it is from. */
export interface KnowledgePassage {
  readonly text: string;
  readonly source: string;
  /** Higher is nearer to the question; the scale is the source's own. */
  readonly score: number;
}

/** Where agents look up what the user gave them to know. Asked once per task, with the task's own words. */
export interface KnowledgeSource {
  search(
    query: string,
    who: { readonly agent: AgentSpec; readonly crew: CrewSpec; readonly signal: AbortSignal },
  ): Promise<readonly KnowledgePassage[]>;
}
