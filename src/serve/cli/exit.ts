import {
  AppError,
  ConfigInvalid,
  Conflict,
  errorMessage,
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

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not; choose another place, or run as a user who may',
  EPERM: 'this user may not; choose another place, or run as a user who may',
  EROFS: 'the file system is read-only; choose another place',
  ENOSPC: 'the disk is full; free some space, or choose another place',
  ENOTDIR: 'a part of the path is a file; choose another place',
};

/** An error for people: what the system refuses names the file and what can be done, not only its code. */
export function messageOf(error: unknown): string {
  const message = errorMessage(error);
  if (!(error instanceof Error) || error instanceof AppError) return message;
  const { code, path } = error as NodeJS.ErrnoException;
  const meaning = code === undefined || path === undefined ? undefined : MEANINGS[code];
  return meaning === undefined ? message : `${path ?? ''}: ${meaning} (${message})`;
}

/** The exit code of a failed tool call. */
export function exitCodeOfFailure(code: string): number {
  if (code === 'permission_denied' || code === 'approval_required' || code === 'answer_required') return EXIT.refused;
  if (code === 'invalid_input' || code === 'not_found' || code === 'unsupported') return EXIT.usage;
  if (code === 'cancelled') return EXIT.interrupted;
  return EXIT.failed;
}
