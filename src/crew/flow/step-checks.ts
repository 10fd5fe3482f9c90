import { z } from 'zod';
import { AppError, Conflict, InvalidInput } from '../../kit/errors.ts';
import type { FlowMethod } from './define.ts';

/** A tool of a flow's step failed. */
export class ToolFailed extends AppError {
  readonly code = 'unavailable' as const;
  override readonly retryable: boolean;

  constructor(message: string, retryable: boolean) {
    super(message);
    this.retryable = retryable;
  }
}

/** What a schema gives; what it refuses as InvalidInput, with the field. */
export function checked<T>(flow: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new InvalidInput(`flow ${flow}: ${z.prettifyError(error)}`, { cause: error });
  }
}

/** The route that a router's output names. Throws Conflict. */
export function routeOf(flow: string, method: FlowMethod, output: unknown): string {
  const routes = method.routes ?? [];
  if (typeof output === 'string' && routes.includes(output)) return output;
  const given = typeof output === 'string' ? `'${output}'` : JSON.stringify(output);
  throw new Conflict(
    `flow ${flow}: router ${method.id} gave ${given}, which is none of its routes: ${routes.join(', ')}`,
  );
}
