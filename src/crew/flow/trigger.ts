/** What a method waits for: the end of a method, a route's name, or several of these. */
export type FlowTrigger = string | { readonly all: readonly FlowTrigger[] } | { readonly any: readonly FlowTrigger[] };

/** When all of these have come since the method last ran. May be nested. */
export function all(...triggers: readonly FlowTrigger[]): FlowTrigger {
  return { all: triggers };
}

/** When any of these comes. Several that come at once are one. May be nested. */
export function any(...triggers: readonly FlowTrigger[]): FlowTrigger {
  return { any: triggers };
}

/** The names in a trigger, each once, in order. */
export function namesIn(trigger: FlowTrigger): readonly string[] {
  if (typeof trigger === 'string') return [trigger];
  return [...new Set(('all' in trigger ? trigger.all : trigger.any).flatMap(namesIn))];
}

/** Whether what has come is enough. */
export function isMet(trigger: FlowTrigger, come: ReadonlySet<string>): boolean {
  if (typeof trigger === 'string') return come.has(trigger);
  if ('all' in trigger) return trigger.all.every((part) => isMet(part, come));
  return trigger.any.some((part) => isMet(part, come));
}
