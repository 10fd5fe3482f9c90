/** Access levels, lowest first; each implies those before it. */
export const ACCESS_LEVELS = ['NONE', 'READ_ONLY', 'READ_WRITE', 'WRITE', 'ADMIN'] as const;
export type AccessLevel = (typeof ACCESS_LEVELS)[number];

/** The ten categories a tool can be in. */
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
export type ToolCategory = (typeof TOOL_CATEGORIES)[number];

/** Whether `held` reaches `needed`. */
export function reaches(held: AccessLevel, needed: AccessLevel): boolean {
  return ACCESS_LEVELS.indexOf(held) >= ACCESS_LEVELS.indexOf(needed);
}
