const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  euro: '€',
};

/** The text of a web page, a block a line: without scripts, styles and hidden parts, headings as Markdown has them. */
export function htmlText(html: string): string {
  const shown = html
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/<(script|style|noscript|template|svg|head|iframe|object)\b[\s\S]*?<\/\1\s*>/gi, ' ')
    .replaceAll(/<(\w+)\b[^>]*\shidden(?:[\s=][^>]*)?>[\s\S]*?<\/\1\s*>/gi, ' ');
  const marked = shown
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/<h([1-6])\b[^>]*>/gi, (_, level: string) => `\n\n${'#'.repeat(Number(level))} `)
    .replaceAll(/<li\b[^>]*>/gi, '\n- ')
    .replaceAll(/<\/(?:td|th)\s*>/gi, ' | ')
    .replaceAll(/<br\s*\/?>/gi, '\n')
    .replaceAll(
      /<\/?(?:p|div|section|article|header|footer|main|aside|nav|ul|ol|table|tr|h[1-6]|pre|blockquote|dl|dt|dd|form|figure)\b[^>]*>/gi,
      '\n\n',
    )
    .replaceAll(/<[^>]*>/g, '');
  return decoded(marked)
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

function decoded(text: string): string {
  return text.replaceAll(/&(#x[\da-f]{1,6}|#\d{1,7}|[a-z]+);/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
