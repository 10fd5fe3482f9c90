/** Secrets in every place that takes them: keys, tokens, passwords of addresses, variables that the configuration names. */
const NAMES = Array.from({ length: 500 }, (_, i) => {
  const kinds = ['KEY', 'TOKEN', 'SECRET', 'PASSWORD', 'CREDENTIALS'];
  return `PLANTED_${i}_${kinds[i % kinds.length] ?? 'KEY'}`;
});
/** The secret that is planted under a name. */
export const canary = (name: string): string => `cnry${Buffer.from(name).toString('hex')}yrnc`;
export const PLANTED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(NAMES.map((name) => [name, canary(name)])),
  OPENAI_API_KEY: canary('provider'),
  HOOK_ADDRESS: `http://127.0.0.1:1/${canary('hook')}`,
  NOTES_GATE: canary('gate'),
  NOTES_ENV: canary('env'),
  DESK_DATABASE: `postgresql://crew:${canary('database')}@127.0.0.1:1/desk`,
};
/** All canaries. */
export const ALL = [...NAMES, 'provider', 'hook', 'gate', 'env', 'database'].map(canary);

/** Which canaries a text holds. */
export function found(text: string): readonly string[] {
  return ALL.filter((secret) => text.includes(secret));
}
