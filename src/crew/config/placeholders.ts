/** `{name}`, but not `{{…}}`, JSON or code: letters, digits, `_` and `-` alone between the braces. */
const PLACEHOLDER = /(?<!\{)\{([A-Za-z_][A-Za-z0-9_-]*)\}(?!\})/g;

/** Names of the `{placeholders}` in a text, each once, in order of appearance. */
export function placeholders(text: string): readonly string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map((match) => match[1] ?? ''))];
}
