#!/usr/bin/env -S MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072 node --max-semi-space-size=4
import { exitCodeOf, messageOf } from './exit.ts';
import { createProgram, isUsageError } from './program.ts';

let readerGone = false;
endWithReader();

/** The `crew` command. Everything heavy is loaded by the action that needs it. */
try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (isUsageError(error)) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const code = exitCodeOf(error);
    const { createRedactor } = await import('../../kit/redact.ts');
    const redactor = createRedactor(process.env);
    const message = redactor.text(messageOf(error));
    if (process.argv.includes('--json')) {
      const { code: kind } = error as { code?: unknown };
      process.stdout.write(
        `${JSON.stringify({ error: { code: typeof kind === 'string' ? kind : 'internal', message } }, null, 2)}\n`,
      );
    }
    process.stderr.write(`crew: ${message}\n`);
    if (code === 1 && process.argv.includes('debug') && error instanceof Error)
      process.stderr.write(`${redactor.text(error.stack ?? '')}\n`);
    process.exitCode = code;
  }
}

/** A reader that has had enough (`crew events | head`) is no error: what runs is told to stop, and stops in its order. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (process.listenerCount('SIGTERM') === 0) process.exit();
    if (readerGone) return;
    readerGone = true;
    process.emit('SIGTERM');
  });
}
