/**
 * JSON text of at most `limit` characters. Too long a value has its arrays shortened, longest kept part first, with a
 * note of how many entries were left out; what is still too long is cut with a note. `limit` is at least 100.
 */
export function compactJson(value: unknown, limit: number): string {
  const whole = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  if (whole.length <= limit) return whole;
  if (typeof value === 'object') {
    for (const entries of [50, 20, 8, 3]) {
      const text = JSON.stringify(shorten(value, entries));
      if (text.length <= limit) return text;
    }
  }
  const note = ` … [cut: ${whole.length} characters in all; ask for less]`;
  return whole.slice(0, Math.max(0, limit - note.length)) + note;
}

function shorten(value: unknown, entries: number): unknown {
  if (Array.isArray(value)) {
    const kept = value.slice(0, entries).map((v) => shorten(v, entries));
    return value.length > entries ? [...kept, `… ${value.length - entries} more`] : kept;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shorten(v, entries)]));
}
