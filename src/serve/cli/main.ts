#!/usr/bin/env node
import { errorMessage } from '../../kit/errors.ts';
import { exitCodeOf } from './exit.ts';
import { createProgram, isUsageError } from './program.ts';

/** The `crew` command. Everything heavy is loaded by the action that needs it. */
try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (isUsageError(error)) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const code = exitCodeOf(error);
    if (process.argv.includes('--json')) {
      const { code: kind } = error as { code?: unknown };
      process.stdout.write(
        `${JSON.stringify({ error: { code: typeof kind === 'string' ? kind : 'internal', message: errorMessage(error) } }, null, 2)}\n`,
      );
    }
    process.stderr.write(`crew: ${errorMessage(error)}\n`);
    if (code === 1 && process.argv.includes('debug') && error instanceof Error)
      process.stderr.write(`${error.stack ?? ''}\n`);
    process.exitCode = code;
  }
}
