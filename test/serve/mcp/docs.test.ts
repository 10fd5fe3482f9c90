import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { mcpServersSchema } from '../../../src/crew/config/mcp-schema.ts';
import { foreignProblem } from '../../../src/crew/config/mcp-checks.ts';
import { createProgram } from '../../../src/serve/cli/program.ts';

const text = readFileSync('docs/mcp.md', 'utf8');
const blocks = (language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');

describe('docs/mcp.md', () => {
  it('shows servers as system.yaml takes them, and names that an agent may then list', () => {
    const [yaml = ''] = blocks('yaml');
    const servers = mcpServersSchema.parse((parse(yaml) as { readonly mcp_servers: unknown }).mcp_servers);
    expect(Object.keys(servers)).toEqual(['files']);
    for (const name of ['files__read_file', 'files__*', 'files__write_file'])
      expect(foreignProblem(name, servers), name).toBeNull();
  });

  it('shows commands that exist, with arguments that they take', () => {
    const commands = blocks('bash').flatMap((block) => block.trim().split('\n'));
    expect(commands.length).toBeGreaterThan(1);
    for (const line of commands) {
      const [, ...words] = line.split(' ');
      const [group, verb] = words;
      const command = createProgram().commands.find((c) => c.name() === group);
      const sub = command?.commands.find((c) => c.name() === verb);
      expect(sub, line).toBeDefined();
      const variadic = sub?.registeredArguments.some((argument) => argument.variadic) === true;
      expect(variadic || words.length - 2 <= (sub?.registeredArguments.length ?? 0), line).toBe(true);
    }
  });
});
