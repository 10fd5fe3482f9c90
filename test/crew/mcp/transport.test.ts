import { expect, it } from 'vitest';
import { mcpServersSchema } from '../../../src/crew/config/mcp-schema.ts';
import { createTransport } from '../../../src/crew/mcp/transport.ts';
import { silentLogger } from '../../../src/kit/logger.ts';

/** Writes a line in two halves, a long one and one without an end. */
const PROGRAM = `
const { stderr } = process;
stderr.write('key ab', () => setTimeout(() => {
  stderr.write('cd\\n\\n');
  stderr.write('x'.repeat(5000) + '\\n');
  stderr.write('last', () => process.exit());
}, 20));
`;

it('logs what a server writes to stderr line by line, whatever chunks it comes in', async () => {
  const { a: server } = mcpServersSchema.parse({ a: { command: process.execPath, args: ['-e', PROGRAM] } });
  const lines: unknown[] = [];
  let ended = (): void => undefined;
  const last = new Promise<void>((resolve) => (ended = resolve));
  const transport = createTransport({
    id: 'a',
    server: server ?? expect.fail(),
    env: {},
    log: {
      ...silentLogger,
      debug: (event, fields) => {
        lines.push([event, fields]);
        if (fields?.['text'] === 'last') ended();
      },
    },
  });
  await transport.start();
  await last;
  expect(lines).toEqual([
    ['mcp.server_stderr', { server: 'a', text: 'key abcd' }],
    ['mcp.server_stderr', { server: 'a', text: 'x'.repeat(2048) }],
    ['mcp.server_stderr', { server: 'a', text: 'last' }],
  ]);
});
