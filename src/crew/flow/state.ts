/** The state of a flow; `id` is a UUID that stays for the whole run. */
export type FlowState = Readonly<Record<string, unknown>>;
