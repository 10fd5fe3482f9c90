import type { RunDocument } from '../crew/run/document.ts';
import type { ModelCall } from '../crew/spend/call.ts';
import type { AnyEvent } from '../kit/event.ts';

/** Characters of one value that are shown. */
const SHOWN = 20_000;

/** No script runs and nothing is fetched, whatever a model or a tool wrote. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE =
  'body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1f24}' +
  'h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}' +
  'th,td{border-bottom:1px solid #d8dee4;padding:.3rem .5rem;text-align:left;vertical-align:top}' +
  'pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f8fa;padding:.5rem;margin:.2rem 0}' +
  '.failed,.cancelled{color:#b42318}.completed{color:#137333}.waiting,.running{color:#9a6700}';

/**
 * A run as one HTML page that opens without a network: tasks with their calls and outputs, effects and proposals, what
 * models were asked and what it cost, and the events in order. Everything in it is text: markup in values is shown, not
 * obeyed.
 */
export function runHtml(run: {
  readonly document: RunDocument;
  readonly events: readonly AnyEvent[];
  readonly calls: readonly ModelCall[];
}): string {
  const { document, events, calls } = run;
  const { usage } = document;
  const cost = `$${Number(usage.cost_usd.toFixed(6))}${usage.unknown_cost_calls > 0 ? ` and ${usage.unknown_cost_calls} calls of unknown cost` : ''}`;
  const facts: readonly (readonly [string, unknown])[] = [
    ['Status', document.status],
    ['Crew', document.crew],
    ['Mode', document.mode],
    ['Trigger', document.trigger],
    ['Model', document.model],
    ['Started', document.started_at],
    ['Finished', document.finished_at],
    ['Error', document.error],
    ['Model calls', `${usage.model_calls}, of them failed ${usage.failed_calls}`],
    ['Tokens', `${usage.input_tokens} in, ${usage.output_tokens} out`],
    ['Cost', cost],
  ];
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(document.crew)} ${escaped(document.run_id)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escaped(document.run_id)} <span class="${document.status}">${document.status}</span></h1>`,
    table(
      [],
      facts.filter(([, value]) => value !== null).map(([name, value]) => [escaped(name), escaped(String(value))]),
    ),
    '<h2>Output</h2>',
    block(document.output),
    '<h2>Tasks</h2>',
    ...document.tasks.map(taskHtml),
    ...section(
      'Waits for',
      ['Kind', 'Task', 'Details'],
      document.waiting_for.map((p) => [p.kind, p.task, p.details]),
    ),
    ...section(
      'Effects',
      ['Tool', 'Agent', 'Arguments', 'Reason'],
      document.effects.map((e) => [e.tool, e.agent, e.args, e.reason]),
    ),
    ...section(
      'Proposed, not done',
      ['Tool', 'Agent', 'Arguments', 'Would change'],
      document.proposed_actions.map((p) => [p.tool, p.agent, p.args, p.would_change]),
    ),
    ...section(
      'Calls of models',
      ['Time', 'Model', 'Task', 'Agent', 'For', 'State', 'In', 'Out', 'USD', 'ms'],
      calls.map((c) => [
        new Date(c.began_at).toISOString(),
        c.model,
        c.task_id,
        c.agent_id,
        c.tool ?? c.purpose ?? '',
        c.error === null ? c.state : `${c.state}: ${c.error}`,
        c.tokens?.input_tokens ?? '',
        c.tokens?.output_tokens ?? '',
        c.cost_usd ?? 'unknown',
        c.latency_ms === null ? '' : Math.round(c.latency_ms),
      ]),
    ),
    ...section(
      'Events',
      ['Number', 'Time', 'Event', 'Data'],
      events.map((e) => [e.seq, new Date(e.time).toISOString(), e.type, e.data]),
    ),
    '</body></html>',
    '',
  ].join('\n');
}

function taskHtml(task: RunDocument['tasks'][number]): string {
  const calls = task.tool_calls.map((c) => [c.tool, c.ok ? 'yes' : `no: ${c.error_code ?? ''}`, c.args, c.reason]);
  return [
    `<h3>${escaped(task.id)} <span class="${task.status}">${task.status}</span> ${escaped(task.agent ?? '')}</h3>`,
    ...(task.error === null ? [] : [`<p class="failed">${escaped(task.error)}</p>`]),
    ...(calls.length === 0
      ? []
      : [
          table(
            ['Tool', 'Worked', 'Arguments', 'Reason'],
            calls.map((row) => row.map(cell)),
          ),
        ]),
    block(task.output),
  ].join('\n');
}

function section(title: string, heads: readonly string[], rows: readonly (readonly unknown[])[]): readonly string[] {
  if (rows.length === 0) return [];
  return [
    `<h2>${escaped(title)}</h2>`,
    table(
      heads,
      rows.map((row) => row.map(cell)),
    ),
  ];
}

/** `rows` are HTML already. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.length === 0 ? '' : `<tr>${heads.map((h) => `<th>${escaped(h)}</th>`).join('')}</tr>`;
  return `<table>${head}${rows.map((row) => `<tr>${row.map((c) => `<td>${c}</td>`).join('')}</tr>`).join('')}</table>`;
}

function cell(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? escaped(cut(String(value))) : block(value);
}

function block(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null, null, 2);
  return `<pre>${escaped(cut(text))}</pre>`;
}

function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length - SHOWN} more characters)` : text;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}
