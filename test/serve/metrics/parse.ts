/** One line of a scrape. */
export interface Scraped {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;

/**
 * Reads the text format of Prometheus 0.0.4 strictly: HELP then TYPE once before the samples of a family, samples of a
 * family together, names and escapes as the format has them, no sample twice, histograms whole. Throws for anything else.
 */
export function parseMetrics(text: string): readonly Scraped[] {
  if (!text.endsWith('\n')) throw new Error('the text must end with a line break');
  const samples: Scraped[] = [];
  const types = new Map<string, string>();
  const seen = new Set<string>();
  let family = '';
  let helped = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') {
      if (types.has(name)) throw new Error(`${name} comes twice`);
      if (!/^(?:[^\\]|\\[\\n])*$/.test(rest)) throw new Error(`bad escape in the help of ${name}`);
      helped = name;
    } else if (word === 'TYPE') {
      if (helped !== name) throw new Error(`${name} has no help before its type`);
      if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`${name} has the type ${rest}`);
      if (rest === 'counter' && !name.endsWith('_total')) throw new Error(`counter ${name} does not end in _total`);
      types.set(name, rest);
      family = name;
    } else {
      const sample = parseSample(line);
      const suffix = sample.name.slice(family.length);
      const allowed = types.get(family) === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      if (!sample.name.startsWith(family) || !allowed.includes(suffix))
        throw new Error(`'${line}' is not of ${family}`);
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (seen.has(key)) throw new Error(`'${line}' comes twice`);
      seen.add(key);
      samples.push(sample);
    }
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, samples);
  return samples;
}

function parseSample(line: string): Scraped {
  const [name] = NAME.exec(line) ?? [];
  if (name === undefined) throw new Error(`'${line}' has no name`);
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (;;) {
      const [pair, label = '', value = ''] = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\n"])*)"(?=[,}])/.exec(rest) ?? [];
      if (pair === undefined) throw new Error(`'${line}' has a bad label`);
      if (label in labels) throw new Error(`'${line}' has ${label} twice`);
      labels[label] = value.replaceAll(/\\([\\n"])/g, (_, c: string) => (c === 'n' ? '\n' : c));
      const end = rest[pair.length];
      rest = rest.slice(pair.length + 1);
      if (end === '}') break;
    }
  }
  if (!/^ (?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN)$/i.test(rest)) throw new Error(`'${line}' has no value`);
  return { name, labels, value: Number(rest.replace('Inf', 'Infinity')) };
}

function checkHistogram(name: string, samples: readonly Scraped[]): void {
  const buckets = samples.filter((s) => s.name === `${name}_bucket`).map((s) => [s.labels['le'], s.value] as const);
  const count = samples.find((s) => s.name === `${name}_count`)?.value;
  if (buckets.at(-1)?.[0] !== '+Inf' || buckets.at(-1)?.[1] !== count) throw new Error(`${name} is not whole`);
  if (buckets.some(([, n], i) => n < (buckets[i - 1]?.[1] ?? 0))) throw new Error(`${name} goes down`);
}
