/** A question of a run that a person may answer. */
export interface QuestionRow {
  readonly id: string;
  readonly run_id: string;
  /** The crew or flow. */
  readonly of: string;
  /** Task, step or node that asks. */
  readonly where: string;
  readonly agent: string | null;
  readonly kind: 'approval' | 'human_input' | 'effect' | 'budget' | 'question' | 'custom' | 'run';
  /** Null where what is shown says it all. */
  readonly question: string | null;
  readonly shown: unknown;
  /** JSON Schema of what may be answered; null: anything. */
  readonly answer: Readonly<Record<string, unknown>> | null;
  /** Why the answer before was not taken. */
  readonly problem: string | null;
  readonly expires_at: string | null;
}

/** What became of the run whose question was answered. */
export interface AnsweredQuestion {
  readonly id: string;
  readonly run_id: string;
  readonly status: string;
  readonly error: string | null;
}
