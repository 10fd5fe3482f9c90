import type { Recalled } from '../memory/contract.ts';
import type { RecalledNote } from '../playbook.ts';

/** Marks that steer a display or hide text, and controls other than line ends and tabs. */
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Text from elsewhere, as a quotation of Markdown: every line begins with `> `, so nothing in it can pass for a heading
 * or an instruction of the prompt around it. Hidden marks are left out; longer texts end with `…`.
 */
export function quote(text: string, limit: number): string {
  const plain = text.replaceAll(HIDDEN, '').trim();
  const cut = plain.length > limit ? `${plain.slice(0, limit)}…` : plain;
  return cut
    .split(/\r?\n|\r|\u2028|\u2029/)
    .map((line) => `> ${line}`)
    .join('\n');
}

/** A memory as a model sees it. */
export function quoteMemory({ memory, score }: Recalled): RecalledNote {
  const { id, content, entity, written_by, updated_at } = memory;
  return {
    id,
    content,
    about: entity,
    written_by: written_by.agent,
    run: written_by.run,
    written_at: new Date(updated_at).toISOString(),
    score: Math.round(score * 1000) / 1000,
  };
}
