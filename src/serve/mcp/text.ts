import type { ToolOutcome } from '../../kit/invoke.ts';

/** How results are written for models. */
export type TextForm = 'xml' | 'json';

/** A tool's outcome as text: XML with every value escaped, or JSON. */
export function outcomeText(outcome: ToolOutcome, form: TextForm): string {
  if (form === 'json') return JSON.stringify(outcome);
  if (!outcome.ok) {
    const { code, message, retryable } = outcome.error;
    return element('error', { tool: outcome.tool, code, retryable }, escapeXml(message));
  }
  if ('proposed' in outcome)
    return element('proposal', { tool: outcome.tool, id: outcome.proposal_id }, toXml(outcome.would_change));
  const { as_of, source, complete, stale_ms, notes, origin } = outcome.provenance;
  const summary = outcome.summary === null ? '' : element('summary', {}, escapeXml(outcome.summary));
  const remarks = (notes ?? []).map((note) => element('note', {}, escapeXml(note))).join('');
  return element(
    'result',
    { tool: outcome.tool, as_of, source, complete, stale_ms, origin },
    summary + remarks + element('data', {}, toXml(outcome.data)),
  );
}

/** Any JSON value as XML: fields become elements, items become `<item>`, null an empty element with `null="true"`. */
export function toXml(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map((item: unknown) => element('item', nullMark(item), toXml(item))).join('');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, v]) =>
        /^[A-Za-z_][\w.-]*$/.test(key)
          ? element(key, nullMark(v), toXml(v))
          : element('field', { name: key, ...nullMark(v) }, toXml(v)),
      )
      .join('');
  }
  return escapeXml(typeof value === 'string' ? value : JSON.stringify(value));
}

function nullMark(value: unknown): Record<string, boolean> {
  return value === null || value === undefined ? { null: true } : {};
}

function element(name: string, attributes: Readonly<Record<string, unknown>>, body: string): string {
  const text = Object.entries(attributes)
    .filter(([, v]) => v !== null && v !== undefined)
    .map(([k, v]) => ` ${k}="${escapeXml(String(v))}"`)
    .join('');
  return body === '' ? `<${name}${text}/>` : `<${name}${text}>${body}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text that cannot be taken for markup; characters that XML forbids are left out. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '')
    .replaceAll(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}
