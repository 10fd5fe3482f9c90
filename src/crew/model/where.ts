/** What a model is asked for: names of the run, for events and for the account. */
export interface ModelUse {
  readonly run_id: string;
  readonly crew: string;
  readonly task_id: string;
  readonly agent_id: string;
  /** What it is asked for, when not for a step of the task itself: `judge_answer`, `plan`. */
  readonly purpose?: string | undefined;
}
