/** CrewAI writes `openai/gpt-4o`, or `gpt-4o` alone; here it is `openai:gpt-4o`. Other texts stay as they are. */
export function modelName(text: string): string {
  if (/^(gpt-|chatgpt-|o\d)/.test(text)) return `openai:${text}`;
  if (text.startsWith('claude-')) return `anthropic:${text}`;
  return text.replace(/^(openai|anthropic|ollama)\//, '$1:');
}
