/** Calls and tokens of one model. Counted per call as the provider reports them, never estimated. */
export interface ModelUsage {
  readonly model: string;
  /** `playbook` is the embedded policy: it uses no tokens. */
  readonly source: 'llm' | 'playbook';
  /** Calls that answered. */
  readonly calls: number;
  /** Calls that gave an error instead. */
  readonly failed_calls: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** Sums by model, in order of first use. */
export function mergeUsage(...lists: readonly (readonly ModelUsage[])[]): readonly ModelUsage[] {
  const merged = new Map<string, ModelUsage>();
  for (const usage of lists.flat()) {
    const known = merged.get(usage.model);
    merged.set(
      usage.model,
      known === undefined
        ? usage
        : {
            ...known,
            calls: known.calls + usage.calls,
            failed_calls: known.failed_calls + usage.failed_calls,
            input_tokens: known.input_tokens + usage.input_tokens,
            output_tokens: known.output_tokens + usage.output_tokens,
          },
    );
  }
  return [...merged.values()];
}
