/** Access levels, lowest first; each implies those before it. */
export const ACCESS_LEVELS = ['NONE', 'READ_ONLY', 'READ_WRITE', 'WRITE', 'ADMIN'] as const;
export type AccessLevel = (typeof ACCESS_LEVELS)[number];

/** The ten categories of the desk's tools. */
export const TOOL_CATEGORIES = [
  'exchange_data',
  'streaming_control',
  'forecasting',
  'feature_calculator',
  'historical_query',
  'database_write',
  'visualization',
  'system_config',
  'analytics',
  'composite_intelligence',
] as const;

/** What a tool is about, and what roles grant a level in: one of the ten, or one of your own, as in `files`. */
export type ToolCategory = (typeof TOOL_CATEGORIES)[number] | (string & {});

/** How categories are named. */
export const CATEGORY_NAME = /^[a-z][a-z0-9_]{1,63}$/;

/** Whether `held` reaches `needed`. */
export function reaches(held: AccessLevel, needed: AccessLevel): boolean {
  return ACCESS_LEVELS.indexOf(held) >= ACCESS_LEVELS.indexOf(needed);
}
