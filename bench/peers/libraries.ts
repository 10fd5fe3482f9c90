import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A library that is measured, and what has to be installed for it. */
export interface Library {
  readonly name: string;
  /** Its adapter in `adapters/`, without .mjs; not type-checked, as what it imports is not installed here. */
  readonly adapter: string;
  /** What its users install, at exact versions: its size is that of these. */
  readonly packages: Readonly<Record<string, string>>;
  /** What only the measurements need beyond that. */
  readonly extra: Readonly<Record<string, string>>;
  /** What one imports to define an agent. */
  readonly entry: string;
}

const ZOD = { zod: '4.6.7' };

/** Ours as packed: its dependencies come as an install into an empty folder resolves them. */
export function ours(tarball: string): Library {
  return {
    name: 'orderflow-crew',
    adapter: 'ours',
    packages: { 'orderflow-crew': `file:${tarball}` },
    extra: {},
    entry: 'orderflow-crew/crew',
  };
}

/** The others. LangGraph is the version that ours was installed with, in `folderOfOurs`. */
export function peers(folderOfOurs: string): readonly Library[] {
  const installed = (name: string): string => {
    const text = readFileSync(join(folderOfOurs, 'node_modules', name, 'package.json'), 'utf8');
    return (JSON.parse(text) as { version: string }).version;
  };
  return [
    {
      name: 'LangGraph.js',
      adapter: 'langgraph',
      packages: {
        '@langchain/langgraph': installed('@langchain/langgraph'),
        '@langchain/core': installed('@langchain/core'),
      },
      extra: { '@langchain/langgraph-checkpoint-postgres': '1.0.5', ...ZOD },
      entry: '@langchain/langgraph',
    },
    {
      name: '@openai/agents',
      adapter: 'openai',
      packages: { '@openai/agents': '0.20.0', ...ZOD },
      extra: {},
      entry: '@openai/agents',
    },
    {
      name: 'Mastra',
      adapter: 'mastra',
      packages: { '@mastra/core': '1.71.0', ...ZOD },
      extra: { '@mastra/libsql': '1.23.1' },
      entry: '@mastra/core/agent',
    },
    {
      name: 'VoltAgent',
      adapter: 'voltagent',
      packages: { '@voltagent/core': '2.10.0', '@voltagent/logger': '2.0.2', ai: '6.0.326', ...ZOD },
      extra: { '@voltagent/libsql': '2.1.2' },
      entry: '@voltagent/core',
    },
    { name: 'KaibanJS', adapter: 'kaibanjs', packages: { kaibanjs: '0.23.1' }, extra: {}, entry: 'kaibanjs' },
  ];
}
