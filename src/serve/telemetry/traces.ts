import type { EventSource, SystemConfig } from '../../crew/index.ts';
import type { Clock } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { openOtlp, tracesUrl } from './otlp.ts';

/**
 * Begins to send traces where system.yaml or OpenTelemetry's own environment variables name a collector; undefined
 * where nothing does. Throws Unsupported when system.yaml asks for them and the package is not installed; when only the
 * environment does, which other programs share, that is a warning.
 */
export async function openTraces(options: {
  readonly observability: SystemConfig['observability'];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly source: EventSource;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<AsyncDisposable | undefined> {
  const { env, log, observability } = options;
  const { endpoint, service_name: ownName } = observability.otlp;
  const to = tracesUrl(endpoint, env);
  if (to === null) return undefined;
  try {
    return await openOtlp({ ...options, url: to.url, serviceName: env['OTEL_SERVICE_NAME'] ?? ownName });
  } catch (error) {
    if (to.asked === 'config') throw error;
    log.warn('otlp.not_sent', { error: errorMessage(error) });
    return undefined;
  }
}
