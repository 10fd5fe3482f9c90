import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { defineTool } from '../../../src/kit/tool.ts';
import { issuesOf, knownTools, load } from './folder.ts';

const tools = [...knownTools, { name: 'read_file', category: 'files', access: 'READ_ONLY', effects: 'none' }] as const;

describe('categories of one’s own', () => {
  it('are those of the tools that there are, and those that system.yaml lists', () => {
    const { roles, system } = load(
      {
        'system.yaml': `
          categories: [mail]
          roles: {operator: {}, reader: {}, clerk: {files: READ_ONLY, mail: WRITE, analytics: NONE}}
          approvals: {categories: [mail, streaming_control]}
          mcp_servers:
            post: {command: post, tools: {send: {category: mail, level: WRITE}}, resources: {category: files, level: READ_ONLY}}`,
        'agents.yaml': `
          ana: {role: R, goal: G, backstory: B, permission_role: clerk, tools: [read_file, post__send]}`,
      },
      { knownTools: tools },
    );
    expect(roles.find((role) => role.id === 'clerk')?.grants).toEqual({
      files: 'READ_ONLY',
      mail: 'WRITE',
      analytics: 'NONE',
    });
    expect(system.approvals.categories).toEqual(['mail', 'streaming_control']);
  });

  it('let an agent use a tool only where its role has the level', () => {
    const agent = 'ana: {role: R, goal: G, backstory: B, permission_role: clerk, tools: [read_file]}';
    expect(
      issuesOf(
        { 'system.yaml': 'roles: {operator: {}, reader: {}, clerk: {analytics: ADMIN}}', 'agents.yaml': agent },
        { knownTools: tools },
      ),
    ).toEqual([expect.stringMatching(/^agents\.yaml:1:.*read_file.*files/)]);
  });

  it('are errors with the nearest name where nothing has them', () => {
    expect(
      issuesOf(
        {
          'system.yaml': `
            roles: {reader: {}, operator: {analitics: ADMIN, 'Not-One': ADMIN}}
            approvals: {categories: [fils]}
            mcp_servers:
              post:
                command: post
                tools: {send: {category: mail, level: WRITE}}
                prompts: {category: exchange_dat, level: READ_ONLY}`,
        },
        { knownTools: tools },
      ),
    ).toEqual([
      "system.yaml:1:32: roles.operator: there is no category 'analitics' (did you mean analytics?); list it under categories if it is yours",
      expect.stringMatching(/^system\.yaml:1:61: roles\.operator\.Not-One: .* is not a category: small letters/),
      "system.yaml:2:26: approvals.categories[0]: there is no category 'fils' (did you mean files?); list it under categories if it is yours",
      "system.yaml:6:30: mcp_servers.post.tools.send.category: there is no category 'mail'; list it under categories if it is yours",
      "system.yaml:7:25: mcp_servers.post.prompts.category: there is no category 'exchange_dat' (did you mean exchange_data?); list it under categories if it is yours",
    ]);
  });

  it('have the names of categories', () => {
    const define = (category: string) =>
      defineTool({
        name: 'read_file',
        title: 'Read',
        toolset: 'files',
        category,
        access: 'READ_ONLY',
        effects: 'none',
        description: 'Reads a file of the folder.',
        input: z.strictObject({}),
        output: z.object({}),
        examples: [],
        run: () => Promise.reject(new Error('is not called')),
      });
    expect(define('files').category).toBe('files');
    for (const wrong of ['Files', 'f', '', 'my files', 'x'.repeat(65)])
      expect(() => define(wrong)).toThrow(
        new InvalidInput(`tool read_file: category '${wrong}' must be snake_case of 2 to 64 characters`),
      );
  });
});
