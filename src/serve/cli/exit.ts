import {
  ConfigInvalid,
  Conflict,
  InvalidInput,
  isAbort,
  NotFound,
  PermissionDenied,
  SourceUnreachable,
  ApprovalRequired,
} from '../../kit/errors.ts';

/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, noSource: 4, interrupted: 130 } as const;

/** The exit code that an error means. */
export function exitCodeOf(error: unknown): number {
  if (isAbort(error)) return EXIT.interrupted;
  if (error instanceof SourceUnreachable) return EXIT.noSource;
  if (error instanceof PermissionDenied || error instanceof ApprovalRequired) return EXIT.refused;
  if (
    error instanceof ConfigInvalid ||
    error instanceof InvalidInput ||
    error instanceof NotFound ||
    error instanceof Conflict
  )
    return EXIT.usage;
  return EXIT.failed;
}

/** The exit code of a failed tool call. */
export function exitCodeOfFailure(code: string): number {
  if (code === 'permission_denied' || code === 'approval_required') return EXIT.refused;
  if (code === 'invalid_input' || code === 'not_found' || code === 'unsupported') return EXIT.usage;
  if (code === 'cancelled') return EXIT.interrupted;
  return EXIT.failed;
}
