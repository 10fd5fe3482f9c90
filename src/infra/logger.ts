import { systemClock } from './clock.ts';
import { LOG_LEVELS, type Logger, type LogLevel } from '../kit/logger.ts';

/**
 * Writes one line an entry: `2026-01-01T00:00:00.000Z warn streaming.reconnect exchange=binance attempt=2`.
 * Values that look like secrets by their field name are replaced.
 */
export function createLogger(options: {
  readonly level: LogLevel;
  readonly write: (line: string) => void;
  readonly now: () => number;
  readonly json?: boolean | undefined;
}): Logger {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const make = (base: Readonly<Record<string, unknown>>): Logger => {
    const at =
      (level: LogLevel) =>
      (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
        if (LOG_LEVELS.indexOf(level) < threshold) return;
        const time = new Date(options.now()).toISOString();
        const all = redact({ ...base, ...fields });
        options.write(
          options.json === true
            ? `${JSON.stringify({ time, level, event, ...all })}\n`
            : `${time} ${level} ${event}${plain(all)}\n`,
        );
      };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => make({ ...base, ...fields }),
    };
  };
  return make({});
}

/** `createLogger` onto stderr, unless `write` takes the lines. */
export function stderrLogger(
  level: LogLevel,
  json: boolean,
  write = (line: string): void => void process.stderr.write(line),
): Logger {
  return createLogger({ level, write, now: () => systemClock.now(), json });
}

const SECRET = /(api_?key|token|secret|password|authorization)/i;

function redact(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([k, v]) => [
      k,
      SECRET.test(k) && typeof v === 'string' ? '[redacted]' : errorToText(v),
    ]),
  );
}

function errorToText(value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}

function plain(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .filter(([, v]) => v !== undefined)
    .map(([k, v]) => ` ${k}=${typeof v === 'string' && !/\s/.test(v) ? v : JSON.stringify(v)}`)
    .join('');
}
